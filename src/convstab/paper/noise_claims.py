"""What the evaluations say of the paper's claims on single models under noise."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from convstab.evaluation.result import StabilityResult
from convstab.evaluation.tables import mean_psnr
from convstab.paper import table_of
from convstab.paper.measured import Fooled, Measured, drop, first_drop, fooled_at, noisy_levels
from convstab.paper.verdicts import (
    OF_THE_PAPER,
    OPEN,
    SIGNIFICANTLY,
    Assessment,
    change_in_words,
    finding,
    names_of,
    share_in_words,
)
from convstab.report.content import Finding, Verdict
from convstab.report.formatting import count, dataset_name, in_percent, levels_in_words, listed, points
from convstab.report.results import Evaluation, Evidence
from convstab.statistics.intervals import Floats

WEAKEST = 1.0  # sigma that the paper calls hardly perceivable, in grey levels
BREAKING = 8.0  # sigma from which GTSRB makes more mistakes, by the paper
MOST = 0.5  # of the misclassified copies are the noise's doing: then noise alone makes the model fail
RARE = 0.001  # of the copies: if fewer flip, noise does not make the model fail
UNMOVED = 0.001  # a fall of a tenth of a point: if it is less, the model does not make more mistakes
OTHERS = {"cifar10", "gtsrb"}  # that the paper compares MNIST with
GET_ONE = "convstab-evaluate run=<a training without noise> measures it."


def single_models(evidence: Evidence) -> list[Evaluation]:
    """The evaluations, with some noise, of one model that was trained without noise."""
    found = [one for one in evidence.evaluations if one.source.members == 1 and not one.source.noisy]
    return [one for one in found if len(noisy_levels(one.result))]


def named_models(evidence: Evidence) -> list[tuple[Evaluation, str]]:
    """Them with their names."""
    models = single_models(evidence)
    return list(zip(models, names_of([one.source for one in models], evidence), strict=True))


def weak_noise(evidence: Evidence) -> Finding:
    """Noise of sigma 1 makes a model fail."""
    return finding(
        "Models make mistakes when Gaussian noise of sigma 1, hardly seen by human eyes, is added to a clean image.",
        "Abstract; Section 4, Figures 3 to 7",
        [fails_at_weakest(one, name) for one, name in named_models(evidence)],
        "it agrees where sigma 1 flips images that are correct when clean and these make up at least half of the "
        "misclassified copies; it is mixed where they make up less; it disagrees where no copy flips and "
        f"significantly fewer than one in {1 / RARE:,.0f} would; else it is inconclusive. {SIGNIFICANTLY}",
        "It takes an evaluation of one model under sigma 1.",
        GET_ONE,
    )


def fails_at_weakest(evaluation: Evaluation, name: str) -> Assessment:
    """What one evaluation says of it."""
    found = fooled_at(evaluation.result, WEAKEST)
    if found is None or not found.correct:
        why = "has no sigma 1" if found is None else "has no image that is correct when clean"
        return Assessment(evaluation.source.dataset, "inconclusive", f"{name}: the evaluation {why}.")
    said = fooled_in_words(found, draws_at(evaluation.result, WEAKEST))
    decisive = f"{name}: {flips_in_words(found)}"
    return Assessment(evaluation.source.dataset, weak_verdict(found), f"{name}: {said}", decisive)


def weak_verdict(found: Fooled) -> Verdict:
    """Whether noise that is hardly seen makes the model fail."""
    if not found.fooled:
        return "disagrees" if found.rate.high < RARE else "inconclusive"
    return "agrees" if found.share >= MOST else "mixed"


def flips_in_words(found: Fooled) -> str:
    """What of sigma 1 decides: which share of the copies flips, and how many of the mistakes are the noise's doing."""
    images = correct_in_words(found)
    if not found.fooled:
        return f"no noisy copy of {images} flips at sigma 1 (95 %: at most {in_percent(found.rate.high)} do)"
    its = f"{in_percent(found.share)} of all misclassified copies"
    return f"{share_in_words(found.rate)} of the noisy copies of {images} flip at sigma 1; they are {its}"


def correct_in_words(found: Fooled) -> str:
    """How many images noise could make fail."""
    return count(found.correct, "image that is correct when clean", "images that are correct when clean")


def draws_at(result: StabilityResult, sigma: float) -> int:
    """The draws of each image under a sigma that was tried."""
    return result.protocol.draws_of[result.protocol.levels.index(sigma)]


def fooled_in_words(found: Fooled, draws: int) -> str:
    """What sigma 1 does, in sentences."""
    images = correct_in_words(found)
    clean_errors = f"Without any noise {in_percent(found.errors)} of all images are misclassified."
    if not found.fooled:
        return f"{flips_in_words(found)}. {clean_errors}"
    its = "its" if found.fooled == 1 else "their"
    copies = f"{its} one copy" if draws == 1 else f"at least one of {draws} copies"
    return (
        f"there are {images}; {share_in_words(found.rate)} of their noisy copies are misclassified at sigma 1. "
        f"{found.fooled:,} of these images ({in_percent(found.fooled / found.correct)}) "
        f"{'is' if found.fooled == 1 else 'are'} misclassified in {copies}. {clean_errors} "
        f"Of all misclassified copies at sigma 1, {in_percent(found.share)} are of images that are correct when clean."
    )


def mnist_most(evidence: Evidence) -> Finding:
    """Noise costs MNIST more than the others."""
    models = named_models(evidence)
    noise = shared_noise([one for one, _ in models if one.source.dataset in OF_THE_PAPER])
    levels = [noise_for(one, noise) for one, _ in models]
    falls = [drop(one.result, used) for (one, _), used in zip(models, levels, strict=True)]
    lines = [
        f"{name}: {fall_in_words(one, fall, used)}"
        for (one, name), fall, used in zip(models, falls, levels, strict=True)
    ]
    known = [(one.source.dataset, fall) for (one, _), fall in zip(models, falls, strict=True)] if len(noise) else []
    there = {one.source.dataset for one, _ in models} & OF_THE_PAPER
    together = Assessment(
        "mnist",
        mnist_verdict(known) if there else None,
        "\n".join([*lines, papers_drops()]),
        changes_in_words(models, falls),
        lacking_beside(there, noise),
    )
    return finding(
        "Of the three models, noise lowers the performance of the MNIST model most.",
        "Section 4, Tables 1 to 3",
        [together] if models else [],
        "it agrees where MNIST falls further than both CIFAR-10 and GTSRB, disagrees where one of them falls further "
        "than MNIST, by 95 % intervals that do not overlap and over the sigmas that all were tried with; else it "
        "is inconclusive.",
        "It takes evaluations of one model for each of MNIST, CIFAR-10 and GTSRB under the same sigmas.",
        GET_ONE,
    )


def changes_in_words(models: Sequence[tuple[Evaluation, str]], falls: Sequence[Measured]) -> str:
    """How far the accuracy of each model of the paper's data sets goes under noise, in one sentence."""
    changes = [
        f"{name} by {change_in_words(-fall)}"
        for (one, name), fall in zip(models, falls, strict=True)
        if one.source.dataset in OF_THE_PAPER
    ]
    return f"Noise changes the accuracy of {listed(changes)}" if changes else ""


def lacking_beside(there: set[str], shared: Floats) -> str:
    """What it takes besides of results of these data sets, as a clause; shared: the sigmas that all were tried with."""
    missing = [dataset_name(dataset) for dataset in sorted(OF_THE_PAPER - there)]
    if missing:
        return f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    return OPEN if len(shared) else "no sigma was tried with all of them"


def shared_noise(evaluations: Sequence[Evaluation]) -> Floats:
    """The sigmas above 0 that all were tried with, ascending."""
    levels = [noisy_levels(one.result) for one in evaluations]
    return reduce(np.intersect1d, levels) if levels else np.zeros(0)


def noise_for(evaluation: Evaluation, shared: Floats) -> Floats:
    """The sigmas to speak of: the shared ones, its own where there is nothing to compare."""
    compared = evaluation.source.dataset in OF_THE_PAPER and len(shared)
    return shared if compared else noisy_levels(evaluation.result)


def mnist_verdict(falls: Sequence[tuple[str, Measured]]) -> Verdict:
    """Whether MNIST falls further than the others of the paper; falls: (data set, fall of the accuracy)."""
    mnist = [fall for dataset, fall in falls if dataset == "mnist"]
    others = [fall for dataset, fall in falls if dataset in OTHERS]
    if mnist and others and max(one.high for one in mnist) < max(other.low for other in others):
        return "disagrees"
    all_there = mnist and {dataset for dataset, _ in falls} >= OTHERS
    if all_there and min(one.low for one in mnist) > max(other.high for other in others):
        return "agrees"
    return "inconclusive"


def fall_in_words(evaluation: Evaluation, fall: Measured, sigmas: Floats) -> str:
    """The accuracy without noise and over these sigmas."""
    clean = evaluation.result.rates[:, 0].mean()
    drawn = noisy_levels(evaluation.result)
    noise = "all noise" if len(sigmas) == len(drawn) else f"sigma {levels_in_words(sigmas.tolist())}"
    noisy = in_percent(clean - fall.value)
    return (
        f"the accuracy goes from {in_percent(clean)} without noise to {noisy} over {noise}, {change_in_words(-fall)}."
    )


def papers_drops() -> str:
    """The same of the paper's tables, as far as they say it."""
    said = []
    for dataset in ("mnist", "cifar10"):
        clean, noisy = (table_of(dataset, noise, 1, False) for noise in (False, True))
        assert clean is not None
        assert noisy is not None
        change = points(noisy.accuracy - clean.accuracy)
        said.append(
            f"{dataset_name(dataset)} from {in_percent(clean.accuracy)} to {in_percent(noisy.accuracy)} ({change})"
        )
    return f"The paper's own tables: {said[0]}, {said[1]}; it has no table of clean GTSRB images."


def gtsrb_from_eight(evidence: Evidence) -> Finding:
    """GTSRB makes more mistakes from sigma 8 on."""
    return finding(
        "The GTSRB model makes more mistakes from sigma 8 on.",
        "Section 4, Figures 5 to 7",
        [starts_to_fail(one, name) for one, name in named_models(evidence)],
        "it is that of GTSRB alone. It agrees where mistakes significantly increase from sigma 8 on, is mixed where "
        "they do so from the sigma before 8 on, and disagrees where they do so from a weaker one on or where sigma 8 "
        f"significantly costs less than {100 * UNMOVED:g} points; else it is inconclusive. {SIGNIFICANTLY}",
        "It takes an evaluation of one GTSRB model under sigma 8.",
        GET_ONE,
    )


def starts_to_fail(evaluation: Evaluation, name: str) -> Assessment:
    """From which sigma on the accuracy is significantly lower."""
    dataset, result, first = evaluation.source.dataset, evaluation.result, first_drop(evaluation.result)
    sigmas = noisy_levels(result).tolist()
    there = drop(result, BREAKING) if BREAKING in sigmas else None
    verdict: Verdict | None = "inconclusive" if dataset == "gtsrb" else None
    if verdict and there is not None:
        verdict = first_verdict(sigmas, None if first is None else first[0], there)
    late = there is not None and (first is None or first[0] > BREAKING)
    at_eight = f"; at sigma {BREAKING:g} it changes by {change_in_words(-there)}" if there is not None and late else ""
    if first is None:
        said = f"sigmas of {sigmas[0]:g} to {sigmas[-1]:g} do not significantly lower the accuracy"
        return Assessment(dataset, verdict, f"{name}: {said}{at_eight}.")
    sigma, fall = first
    psnr = mean_psnr(result, int(np.flatnonzero(result.levels == sigma)[0]))
    said = f"the accuracy is significantly lower from sigma {sigma:g} ({psnr} dB) on, there by {lowered(fall)}"
    return Assessment(dataset, verdict, f"{name}: {said}{at_eight}.")


def lowered(fall: Measured) -> str:
    """A fall in points; what is negative rises."""
    value, low, high = (points(end).removeprefix("+") for end in (fall.value, fall.low, fall.high))
    return f"{value} (95 %: {low.removesuffix(' points')} to {high.removesuffix(' points')})"


def first_verdict(sigmas: Sequence[float], first: float | None, at_eight: Measured) -> Verdict:
    """Whether mistakes begin at sigma 8; sigmas: that were drawn, ascending, 8 among them. at_eight: the fall there."""
    if first is None or first > BREAKING:
        return "disagrees" if at_eight.high < UNMOVED else "inconclusive"
    steps = sigmas.index(BREAKING) - sigmas.index(first)
    return "agrees" if not steps else "mixed" if steps == 1 else "disagrees"
