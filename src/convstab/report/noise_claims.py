"""What the evaluations say of the paper's claims on single nets under noise."""

from collections.abc import Sequence

import numpy as np

from convstab.paper import table_of
from convstab.report.content import Finding, Verdict
from convstab.report.evidence import Evaluation, Evidence
from convstab.report.measured import Fooled, Measured, drop, first_drop, fooled_at, noisy_levels
from convstab.report.verdicts import SURELY, Spoken, change_in_words, finding, name_among, share_in_words
from convstab.report.words import count, dataset_name, percent, points
from convstab.tables import mean_psnr

WEAKEST = 1.0  # sigma that the paper calls hardly perceivable, in grey levels
BREAKING = 8.0  # sigma from which GTSRB makes more mistakes, by the paper
MOST = 0.5  # of the wrong copies are the noise's doing: then noise alone makes the net fail
GET_ONE = "convstab-evaluate run=<a training without noise> measures it."


def single_nets(evidence: Evidence) -> list[Evaluation]:
    """The evaluations, with some noise, of one net that was trained without noise."""
    found = [one for one in evidence.evaluations if one.source.members == 1 and not one.source.noisy]
    return [one for one in found if len(noisy_levels(one.result))]


def weak_noise(evidence: Evidence) -> Finding:
    """Noise of sigma 1 makes a net fail."""
    nets = single_nets(evidence)
    return finding(
        "Nets make mistakes when Gaussian noise of sigma 1, hardly seen by human eyes, is added to a clean image.",
        "Abstract; Section 4, Figures 3 to 7",
        [fails_at_weakest(one, name_among(one.source, [other.source for other in nets])) for one in nets],
        "it agrees where sigma 1 turns images wrong that are right without noise and these make up at least half of "
        "the wrong copies; it is mixed where they make up less; it disagrees where no copy turns wrong.",
        f"No evaluation of one net with sigma 1 is there. {GET_ONE}",
    )


def fails_at_weakest(evaluation: Evaluation, name: str) -> Spoken:
    """What one evaluation says of it."""
    found = fooled_at(evaluation.result, WEAKEST)
    if found is None or not found.right:
        why = "has no sigma 1" if found is None else "has no image that is right without noise"
        return Spoken(evaluation.source.dataset, "cannot be said", f"{name}: the evaluation {why}.")
    said = fooled_in_words(found, int(evaluation.result.rows["draws"].max()))
    return Spoken(evaluation.source.dataset, weak_verdict(found), f"{name}: {said}")


def weak_verdict(found: Fooled) -> Verdict:
    """Whether noise that is hardly seen makes the net fail."""
    if not found.fooled:
        return "disagrees"
    return "agrees" if found.share >= MOST else "mixed"


def fooled_in_words(found: Fooled, draws: int) -> str:
    """What sigma 1 does, in sentences."""
    right = count(found.right, "image that is right without noise", "images that are right without noise")
    wrong_too = f"Without any noise {percent(found.errors)} of all images are wrong."
    if not found.fooled:
        most = percent(found.rate.high)
        return f"no noisy copy of {right} turns wrong at sigma 1 (95 %: at most {most} do). {wrong_too}"
    copies = "its one copy" if draws == 1 else f"at least one of {draws} copies"
    return (
        f"there are {right}; {share_in_words(found.rate)} of their noisy copies are wrong at sigma 1. "
        f"{found.fooled:,} of these images ({percent(found.fooled / found.right)}) "
        f"{'is' if found.fooled == 1 else 'are'} wrong in {copies}. {wrong_too} "
        f"Of all wrong copies at sigma 1, {percent(found.share)} are of images that are right without noise."
    )


def mnist_most(evidence: Evidence) -> Finding:
    """Noise costs MNIST more than the others."""
    nets = single_nets(evidence)
    drops = [(one, drop(one.result)) for one in nets]
    verdict = mnist_verdict([(one.source.dataset, change) for one, change in drops])
    names = [name_among(one.source, [other.source for other in nets]) for one in nets]
    lines = [f"{name}: {fall_in_words(one, change)}" for name, (one, change) in zip(names, drops, strict=True)]
    return finding(
        "Noise lowers the performance of all three nets, and that of the MNIST net most.",
        "Section 4, Tables 1 to 3",
        [Spoken("mnist", verdict, line) for line in [*lines, papers_drops()]] if nets else [],
        "it agrees where MNIST falls further than each other data set of the paper, disagrees where one of them falls "
        "further than MNIST, both by 95 % intervals that do not overlap; else it cannot be said.",
        f"It takes evaluations of one net for MNIST and for CIFAR-10 or GTSRB. {GET_ONE}",
    )


def mnist_verdict(drops: Sequence[tuple[str, Measured]]) -> Verdict:
    """Whether MNIST falls further than the others of the paper; drops: (data set, fall of the accuracy)."""
    mnist = [change for dataset, change in drops if dataset == "mnist"]
    others = [change for dataset, change in drops if dataset in ("cifar10", "gtsrb")]
    if mnist and others and min(one.low for one in mnist) > max(other.high for other in others):
        return "agrees"
    if mnist and others and max(one.high for one in mnist) < max(other.low for other in others):
        return "disagrees"
    return "cannot be said"


def fall_in_words(evaluation: Evaluation, change: Measured) -> str:
    """The accuracy without and with noise."""
    result = evaluation.result
    clean, noisy = result.rates[:, 0].mean(), result.rates[:, 0].mean() - change.value
    falls = change_in_words(Measured(-change.value, -change.high, -change.low, change.images))
    return f"the accuracy goes from {percent(clean)} without noise to {percent(noisy)} over all noise, {falls}."


def papers_drops() -> str:
    """The same of the paper's tables, as far as they say it."""
    said = []
    for dataset in ("mnist", "cifar10"):
        clean, noisy = (table_of(dataset, noise, 1, False) for noise in (False, True))
        assert clean is not None
        assert noisy is not None
        change = points(noisy.accuracy - clean.accuracy)
        said.append(f"{dataset_name(dataset)} from {percent(clean.accuracy)} to {percent(noisy.accuracy)} ({change})")
    return f"The paper's own tables: {said[0]}, {said[1]}; it has no table of clean GTSRB images."


def gtsrb_from_eight(evidence: Evidence) -> Finding:
    """GTSRB makes more mistakes from sigma 8 on."""
    nets = single_nets(evidence)
    sources = [one.source for one in nets]
    return finding(
        "The GTSRB net classifies most images right under weak noise and makes more mistakes from sigma 8 on.",
        "Section 4, Figures 5 to 7",
        [starts_to_fail(one, name_among(one.source, sources)) for one in nets],
        "it is that of GTSRB alone. It agrees where mistakes surely increase from sigma 8 on, is mixed where they do "
        f"so from the sigma next to 8 on, else it disagrees. {SURELY}",
        f"It takes an evaluation of one GTSRB net under sigma 8. {GET_ONE}",
    )


def starts_to_fail(evaluation: Evaluation, name: str) -> Spoken:
    """From which sigma on the accuracy is surely lower."""
    dataset, result, first = evaluation.source.dataset, evaluation.result, first_drop(evaluation.result)
    verdict: Verdict = "cannot be said"
    if dataset == "gtsrb":
        verdict = first_verdict(noisy_levels(result).tolist(), None if first is None else first[0])
    if first is None:
        weakest, strongest = noisy_levels(result)[[0, -1]]
        said = f"sigmas of {weakest:g} to {strongest:g} do not surely lower the accuracy"
        return Spoken(dataset, verdict, f"{name}: {said}.")
    sigma, change = first
    psnr = mean_psnr(result, int(np.flatnonzero(result.sigmas == sigma)[0]))
    said = f"the accuracy is surely lower from sigma {sigma:g} ({psnr} dB) on, there by {lowered(change)}"
    return Spoken(dataset, verdict, f"{name}: {said}.")


def lowered(change: Measured) -> str:
    """A fall as a positive number of points."""
    low, high = (points(-end).removesuffix(" points").lstrip("+") for end in (change.high, change.low))
    return f"{points(-change.value).lstrip('+')} (95 %: {low} to {high})"


def first_verdict(sigmas: Sequence[float], first: float | None) -> Verdict:
    """Whether mistakes begin at sigma 8; sigmas: that were drawn, ascending."""
    if BREAKING not in sigmas:
        return "cannot be said"
    if first is None:
        return "disagrees"
    steps = abs(sigmas.index(first) - sigmas.index(BREAKING))
    return "agrees" if not steps else "mixed" if steps == 1 else "disagrees"
