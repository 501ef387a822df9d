"""What the attacks say of the paper's claims on the least noise and on the margin between classes."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from convstab.report.content import Finding, Verdict
from convstab.report.evidence import Attacked, Evidence
from convstab.report.measured import LeastNoise, Measured, best_partner, least_noise, noise_ratio, without_noise
from convstab.report.remedy_claims import NOT_ALIKE, differences
from convstab.report.verdicts import SURELY, Spoken, finding, range_in_words
from convstab.report.words import count, factor, listed, named

HARDLY_SEEN = 30.0  # dB; noise of sigma 8
LITTLE = 1.1  # times the least noise: a margin that grew by less did not grow
KNOWN = {"Paper": "The paper's search to the letter", "Genetic": "The genetic search of this project"}


def slim_margins(evidence: Evidence) -> Finding:
    """Noise that is hardly seen is enough."""
    attacks = [one for one in evidence.attacks if one.result.rows["attacked"].any()]
    nets = [list(of_net) for _, of_net in groupby(sorted(attacks, key=net_of), key=net_of)]
    return finding(
        "The least noise that makes a net fail is hardly perceivable, so the margins between classes are slim.",
        "Section 3, Figures 1 and 2; Section 5",
        [least_noise_of(of_net) for of_net in nets if not of_net[0].source.noisy],
        f"it agrees where the median of the least noise that any attack found is at {HARDLY_SEEN:.0f} dB or above, as "
        "weak as Gaussian noise of sigma 8 or weaker; it disagrees where it is stronger. Whether eyes see it was not "
        "tried. Only images that are right without noise are attacked; every attack finds an upper bound of the least "
        "noise; a failure counts as infinite.",
        "No attack on a net trained without noise is there: convstab-attack run=<a training>, "
        "and the same with attack=paper.",
    )


def net_of(attacked: Attacked) -> tuple[str, int, str, str, list[int]]:
    """What tells nets apart."""
    source = attacked.source
    return source.dataset, source.members, source.model, source.augment, source.seeds


def least_noise_of(attacks: Sequence[Attacked]) -> Spoken:
    """What the attacks on one net say of it."""
    source = attacks[0].source
    found = {spoken_name(one, attacks): least_noise(one.result) for one in attacks}
    budget = {spoken_name(one, attacks): one.config.get("max_queries") for one in attacks}
    ascending = sorted(found, key=lambda name: found[name].l2.value)
    lines = [noise_in_words(name, found[name], budget[name]) for name in ascending]
    letter = [noise for name, noise in found.items() if name.startswith(KNOWN["Paper"])]
    verdict: Verdict = "agrees" if found[ascending[0]].psnr >= HARDLY_SEEN else "disagrees"
    title = f"{named(source)}, augment {source.augment}" + (f", {source.members} nets" if source.members > 1 else "")
    return Spoken(source.dataset, verdict, " ".join([f"{title}:", *lines, *of_the_letter(letter, found[ascending[0]])]))


def spoken_name(attacked: Attacked, among: Sequence[Attacked]) -> str:
    """What an attack is called, with its folder where there are two of its kind."""
    kind = attacked.result.attack
    several = sum(other.result.attack == kind for other in among) > 1
    return KNOWN.get(kind, kind) + (f" ({attacked.source.folder.name})" if several else "")


def noise_in_words(name: str, noise: LeastNoise, queries: int | None) -> str:
    """What one attack found; queries: that it may make for each image."""
    images, failed = noise.l2.images, noise.l2.images - noise.success
    within = "" if queries is None else f" within {queries:,} queries each"
    found = f"{name} fools the net on {noise.success} of {count(images, 'image')}{within}"
    if not np.isfinite(noise.l2.value):
        return f"{found}; it failed on {failed}, so the median is infinite."
    return (
        f"{found} with a median L2 norm of {noise.l2.value:.3g} ({range_in_words(noise.l2)}), "
        f"which is {noise.rms:.3g} grey levels (root mean square) or {noise.psnr:.1f} dB; 90 % of the images need at "
        f"most {factor(noise.l2_90)}."
    )


def of_the_letter(letter: Sequence[LeastNoise], best: LeastNoise) -> list[str]:
    """What the paper's own search means for the claim, beside the best one."""
    if not letter or not np.isfinite([letter[0].psnr, best.psnr]).all():
        return []
    mine = min(letter, key=lambda noise: noise.l2.value)
    strength = f"as strong as Gaussian noise of sigma {mine.rms:.3g}"
    if mine.psnr >= HARDLY_SEEN:
        return [f"So the paper's search itself finds weak noise, {strength}."]
    said = (
        f"By the paper's search alone, with the settings used here, the claim would not hold: its noise is {strength}"
    )
    if best.psnr < HARDLY_SEEN:
        return [f"{said}."]
    times = mine.l2.value / best.l2.value
    return [f"{said}. It holds by the better search, whose median norm is {times:.3g} times smaller."]


def margin_stays(evidence: Evidence) -> Finding:
    """Training on noisy copies does not increase the margin."""
    usable = [one for one in evidence.attacks if one.source.members == 1 and one.result.rows["attacked"].any()]
    clean = [one for one in usable if not one.source.noisy]
    return finding(
        "Adding many noisy images to the training set does not increase the margin between classes.",
        "Abstract; Section 4, Augmenting Noisy Images (the paper measures no margin)",
        [of_margin(one, clean) for one in usable if one.source.noisy],
        "it disagrees where the net trained on noise surely needs more noise to fail, image by image; it agrees where "
        f"it surely needs less than {LITTLE:g} times as much; else it cannot be said. Nets that were not trained alike "
        f"but for the noise decide nothing. {SURELY}",
        "It takes one attack on a net trained on noisy copies and the same attack on one trained alike but for the "
        "noise: convstab-attack run=<each> attack=ddn.",
    )


def of_margin(trained: Attacked, clean: Sequence[Attacked]) -> Spoken:
    """What one attack on a net that was trained on noise says of it."""
    source, kind = trained.source, trained.result.attack
    same = [one for one in clean if one.result.attack == kind]
    name = f"{named(source)}, {spoken_name(trained, [])}"
    place = best_partner(source, without_noise(source.augment), [one.source for one in same])
    ratio = None if place is None else noise_ratio(same[place].result, trained.result)
    if place is None or ratio is None:
        said = f"{name}: the same attack on the same images is not there for a net trained without noise."
        return Spoken(source.dataset, "cannot be said", said)
    partner = same[place].source
    said = (
        f"{name}, augment {source.augment} against {partner.augment}: the least noise is {factor(ratio.value)} times "
        f"as large ({range_in_words(ratio)}; median over {count(ratio.images, 'image')})."
        f"{differences(source, partner)}{budgets(trained, same[place])}"
    )
    if partner.augment != without_noise(source.augment):
        return Spoken(source.dataset, "cannot be said", f"{said} {NOT_ALIKE}")
    return Spoken(source.dataset, margin_verdict(ratio), said)


def budgets(first: Attacked, second: Attacked) -> str:
    """What differs in the settings of two attacks of one kind."""
    queries = [one.config.get("max_queries") for one in (first, second)]
    settings = [dict(one.config.get("attack") or {}) for one in (first, second)]
    other = sorted(name for name in settings[0] | settings[1] if settings[0].get(name) != settings[1].get(name))
    parts = [f"at most {queries[0]:,} queries against {queries[1]:,}"] if queries[0] != queries[1] else []
    parts += [listed(other)] if other else []
    return f" The two attacks differ in their settings: {'; '.join(parts)}." if parts else ""


def margin_verdict(ratio: Measured) -> Verdict:
    """Whether the margin stayed; ratio: of the least noise with and without noise in the training."""
    if ratio.low > 1:
        return "disagrees"
    return "agrees" if ratio.high < LITTLE else "cannot be said"
