"""What the evaluations say of the paper's two remedies: ensembles, and training on noisy copies."""

from collections.abc import Sequence

from convstab.paper.measured import Fooled, Measured, best_partner, drop, fooled_at, noisy_levels, paired, without_noise
from convstab.paper.noise_claims import RARE, WEAKEST, fall_in_words, single_models
from convstab.paper.verdicts import (
    SIGNIFICANTLY,
    Assessment,
    change_in_words,
    finding,
    names_of,
    of_halves,
    share_in_words,
)
from convstab.report.content import Finding, Verdict
from convstab.report.formatting import count
from convstab.report.inventory import number_in_words
from convstab.report.results import Evaluation, Evidence, Source

NOT_ALIKE = "The two trainings do not differ in the noise alone, so the noise may not be the cause."
CONSIDERABLE = 0.01  # a fall of one point
NO_HELP = 0.001  # a gain of a tenth of a point


def ensembles(evidence: Evidence) -> Finding:
    """Ensembles help, and do not cure."""
    several = [one for one in evidence.evaluations if one.source.members > 1 and len(noisy_levels(one.result))]
    names = names_of([one.source for one in several], evidence)
    return finding(
        "An ensemble is more stable than a single model, but noise still lowers its performance considerably.",
        "Abstract; Section 4, Effect of Ensemble; Tables 4 and 5",
        [of_ensemble(one, name, evidence.evaluations) for one, name in zip(several, names, strict=True)],
        "it agrees where the ensemble is significantly better than the single model under noise and significantly "
        "loses a point or more to noise; it disagrees where it is significantly worse, or significantly gains less "
        f"than {100 * NO_HELP:g} points and loses less than a point; it is mixed where only one of both significantly "
        f"holds and the other significantly does not; else it is inconclusive. {SIGNIFICANTLY}",
        "It takes an evaluation of an ensemble and one of a single model of its kind.",
        "convstab-evaluate run=[<five trainings>] and convstab-evaluate run=<one of them> make them.",
    )


def of_ensemble(ensemble: Evaluation, name: str, evaluations: Sequence[Evaluation]) -> Assessment:
    """What one ensemble says of it."""
    source, noise = ensemble.source, noisy_levels(ensemble.result)
    fall = drop(ensemble.result, noise)
    title = f"{name}, {source.members} models"
    singles = [
        one
        for one in evaluations
        if one.source.members == 1 and one.source.augment == source.augment and len(noisy_levels(one.result))
    ]
    place = best_partner(source, source.augment, [one.source for one in singles])
    gain = None if place is None else paired(singles[place].result, ensemble.result)
    known = f"for the ensemble {fall_in_words(ensemble, fall, noise)}"
    weakest = at_weakest("the ensemble", ensemble)
    if place is None or gain is None:
        said = f"{title}: no single model of its kind was tried on the same images; {known}"
        return Assessment(source.dataset, "inconclusive", f"{said} {weakest}", said)
    compared = (
        f"{title}: over the noise of both its accuracy differs from that of a single model by "
        f"{change_in_words(gain)}, on {count(gain.images, 'image')}; {known}"
    )
    said = f"{compared} {weakest} {at_weakest('the single model', singles[place])}"
    return Assessment(source.dataset, ensemble_verdict(gain, fall), said, compared)


def ensemble_verdict(gain: Measured, fall: Measured) -> Verdict:
    """Whether an ensemble helps and does not cure; fall: from clean to noisy images, positive."""
    if gain.high < 0:
        return "disagrees"
    costs: Verdict = "inconclusive"
    if fall.low >= CONSIDERABLE or fall.high < CONSIDERABLE:
        costs = "agrees" if fall.low >= CONSIDERABLE else "disagrees"
    return of_halves(helps(gain), costs)


def helps(gain: Measured) -> Verdict:
    """Whether there is a gain."""
    if gain.low > 0:
        return "agrees"
    return "disagrees" if gain.high < NO_HELP else "inconclusive"


def at_weakest(who: str, evaluation: Evaluation) -> str:
    """The rate at which sigma 1 flips images."""
    found = fooled_at(evaluation.result, WEAKEST)
    if found is None:
        return f"For {who} sigma 1 was not tried."
    if not found.correct:
        return f"For {who} no image is correct when clean."
    return f"For {who} {share_in_words(found.rate)} of the copies of correct images flip at sigma 1."


def noisy_copies(evidence: Evidence) -> Finding:
    """Training on noisy copies helps, and sigma 1 still fools the model."""
    trained = [one for one in evidence.evaluations if one.source.noisy and one.source.members == 1]
    trained = [one for one in trained if len(noisy_levels(one.result))]
    names = names_of([one.source for one in trained], evidence)
    return finding(
        "Training on noisy copies improves the performance under noise, but sigma 1 can still fool the model.",
        "Section 4, Augmenting Noisy Images; Table 6",
        [of_noisy_training(one, name, single_models(evidence)) for one, name in zip(trained, names, strict=True)],
        "it agrees where the model is significantly better under noise than one trained alike but for the noise, and "
        "sigma 1 flips at least one copy; it disagrees where the model is significantly worse, or significantly "
        f"gains less than {100 * NO_HELP:g} points and sigma 1 significantly flips fewer than one copy in "
        f"{1 / RARE:,.0f}; it is mixed where only one of both significantly holds and the other significantly does "
        "not; else it is inconclusive. Models that were not trained alike but for the noise decide nothing. "
        f"{SIGNIFICANTLY}",
        "It takes evaluations of a model trained on noisy copies and of one trained alike but for the noise.",
        "They come of convstab-train dataset=gtsrb with augment=jitter_noisy and with augment=jitter (for other data "
        "sets augment=noisy and augment=none), then convstab-evaluate run=<each>.",
    )


def of_noisy_training(trained: Evaluation, name: str, clean: Sequence[Evaluation]) -> Assessment:
    """What one model that was trained on noise says of it."""
    source = trained.source
    place = best_partner(source, without_noise(source.augment), [one.source for one in clean])
    gain = None if place is None else paired(clean[place].result, trained.result)
    known = at_weakest("the model trained on noise", trained)
    if place is None or gain is None:
        said = f"{name}: no model trained without noise was tried on the same images."
        return Assessment(source.dataset, "inconclusive", f"{said} {known}", said)
    partner = clean[place]
    gained = (
        f"{name}, augment {source.augment} against {partner.source.augment}: over the noise of both the accuracy "
        f"differs by {change_in_words(gain)}, on {count(gain.images, 'image')}"
    )
    said = f"{gained}. {known} {at_weakest('the other model', partner)}{differences(source, partner.source)}"
    decisive = f"{gained}; {known[:1].lower()}{known[1:]}"
    if without_noise(source.augment) != partner.source.augment:
        return Assessment(source.dataset, "inconclusive", f"{said} {NOT_ALIKE}", decisive)
    return Assessment(source.dataset, noisy_verdict(gain, fooled_at(trained.result, WEAKEST)), said, decisive)


def differences(first: Source, second: Source) -> str:
    """What else differs in two trainings."""
    parts = [
        f"{number_in_words(mine)} {name} against {number_in_words(theirs)}"
        for name, mine, theirs in (
            ("epochs", first.epochs, second.epochs),
            ("training images", first.images.get("train"), second.images.get("train")),
        )
        if None not in (mine, theirs) and mine != theirs  # None: not recorded
    ]
    return f" They also differ in their training: {', '.join(parts)}." if parts else ""


def noisy_verdict(gain: Measured, found: Fooled | None) -> Verdict:
    """Whether noisy copies help and do not cure; found: what sigma 1 does, None: it was not drawn."""
    if gain.high < 0:
        return "disagrees"
    fools: Verdict = "inconclusive"
    if found is not None and found.correct and (found.fooled or found.rate.high < RARE):
        fools = "agrees" if found.fooled else "disagrees"
    return of_halves(helps(gain), fools)
