"""The tables of a report: what was measured, class by class, beside what the paper printed."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from convstab.errors import InputError
from convstab.paper import TABLES, PaperTable, caveats, table_of
from convstab.paper.comparison import accuracies, by_class, class_rows, shares
from convstab.paper.measured import noisy_levels
from convstab.report.content import ClassRow, Number, ScoreTable
from convstab.report.formatting import count, dataset_name, in_percent, is_published, levels_in_words, of_draws, points
from convstab.report.inventory import folders_of, unique_names
from convstab.report.results import Evaluation, Evidence, Source, Training
from convstab.runs import configuration
from convstab.runs.configuration import is_below, leaves
from convstab.statistics import rates
from convstab.statistics.intervals import Estimate
from convstab.units import Integers, Units

ORDER = list(dict.fromkeys(table.name for table in TABLES))
MACHINE = tuple(f"trainer.{name}" for name in ("accelerator", "devices", "num_nodes", "strategy"))
FREE = (
    *configuration.MAY_CHANGE,
    *MACHINE,
    "seed",
    "callbacks.seed.seed",
    "dataset.root",
)  # trainings of one kind may differ


DEGRADED = "DegradedCopies"
ABSENT = "Not in the paper"
OTHER = "The paper degrades images with Gaussian noise only."


def tables(evidence: Evidence) -> list[ScoreTable]:
    """One table for each kind of training and for each evaluation: the paper's tables first, then the others.

    A rate is NaN where a class has no image, or was never predicted. Precision under noise has no interval: how often
    each image was taken for a class is not kept, and the draws of an image are not independent.
    Raises InputError for a result whose classes are not those of the paper's table.
    """
    groups = defaultdict(list)
    for training in evidence.trainings:
        groups[kind_of(training)].append(training)
    made = [of_trainings(alike) for alike in groups.values()]
    made += [of_evaluation(evaluation) for evaluation in evidence.evaluations]
    made.sort(key=lambda scores: ORDER.index(scores.paper) if scores.paper else len(ORDER))
    folders = folders_of(evidence)
    titles = unique_names([scores.title for scores in made], [folders[scores.source.folder] for scores in made])
    return [
        replace(scores, id=anchor, title=title)
        for scores, anchor, title in zip(made, numbered([scores.id for scores in made]), titles, strict=True)
    ]


def without_paper(evidence: Evidence) -> list[ScoreTable]:
    """The same of results that the paper has none of, without a word on it."""
    return [
        replace(
            scores,
            title=scores.title.removeprefix(f"{ABSENT}: "),
            remarks=[r for r in scores.remarks if "The paper " not in r],
        )
        for scores in tables(evidence)
    ]


def kind_of(training: Training) -> str:
    """What trainings share that differ in nothing but their seeds: images, model, settings; as a text to compare."""
    source, settings = training.source, leaves(training.config)
    used = sorted((key, repr(value)) for key, value in settings if not is_below(key, FREE))
    images = sum(number for number in source.images.values() if isinstance(number, int))  # the split is the seed's
    return repr((source.dataset, source.official, images, source.model, source.augment, used))


def numbered(anchors: Sequence[str]) -> list[str]:
    """Anchors with a number where one was there before."""
    seen, unique = Counter[str](), []
    for anchor in anchors:
        seen[anchor] += 1
        unique.append(f"{anchor}-{seen[anchor]}" if seen[anchor] > 1 else anchor)
    return unique


def of_trainings(alike: Sequence[Training]) -> ScoreTable:
    """The clean test of trainings that differ in their seeds: the lowest one's classes, and how all of them spread."""
    first = min(alike, key=lambda training: training.source.seeds)
    scores = of_clean(first.source, first.classes, first.confusion, first.images_each)
    return replace(scores, remarks=[*spread_of(alike), *scores.remarks])


def of_clean(source: Source, classes: Sequence[str], confusion: Integers, images_each: float) -> ScoreTable:
    """Test images without noise, each classified once; confusion: (K, K) by label, prediction.

    images_each: images for each independent unit.
    """
    paper, images = paper_of(source, len(classes), noise=False), confusion.sum(1)
    precision = shares(rates.precision(confusion), confusion.sum(0), images_each)
    recall = shares(rates.recall(confusion), images, images_each)
    rows = class_rows(classes, images, precision, recall, paper)
    label, predicted = np.indices(confusion.shape).reshape(2, -1).repeat(confusion.ravel(), axis=1)
    units = Units(design_effect=images_each)
    overall = accuracies((label == predicted).astype(float), label, paper, units)
    remarks = limits_of(source, paper, len(label), why_alone(source, noise=False))
    classified = count(len(label), "clean test image") + unless_images(units, len(label))
    return score_table(source, paper, classified, rows, overall, remarks, "on clean images")


def spread_of(alike: Sequence[Training]) -> Iterator[str]:
    """A line on the accuracies of several trainings."""
    found = np.array([np.trace(training.confusion) / training.confusion.sum() for training in alike])
    if len(found) > 1:
        yield (
            f"{len(found)} models were trained; the table is of the one with the lowest seed. Their accuracies have "
            f"the mean {in_percent(found.mean())} and the standard deviation {points(found.std(ddof=1)).lstrip('+')}; "
            f"the least is {in_percent(found.min())}, the greatest {in_percent(found.max())}."
        )


def of_evaluation(evaluation: Evaluation) -> ScoreTable:
    """All degraded draws of an evaluation; without any, its clean images."""
    source, result = evaluation.source, evaluation.result
    if not result.degraded.any():
        return of_clean(source, result.classes, result.confusion[0], result.units.images_each(result.images))
    classes = len(result.classes)
    noise, correct = result.as_in_paper, rates.mean_of_drawn(result.rates[:, result.degraded])
    paper = paper_of(source, classes, noise=True) if noise else None
    unknown = np.full(classes, np.nan)
    precision = Estimate(rates.precision(result.pooled_confusion), unknown, unknown)
    images = np.bincount(result.labels, minlength=classes)
    rows = class_rows(result.classes, images, precision, by_class(correct, result.labels, classes, result.units), paper)
    alone = why_alone(source, noise) if noise else OTHER
    remarks = limits_of(source, paper, result.images, alone)
    remarks += caveats.of_protocol(evaluation) if paper else []
    overall = accuracies(correct, result.labels, paper, result.units)
    condition = f"under {'noise' if noise else result.degradation.title}"
    return score_table(source, paper, drawn(evaluation), rows, overall, remarks, condition)


def drawn(evaluation: Evaluation) -> str:
    """What was classified, in words."""
    result = evaluation.result
    noisy = noisy_levels(result).tolist()
    noise, quantity = result.as_in_paper, result.protocol.quantity
    copies = of_draws(result, *(("noisy copy", "noisy copies") if noise else ("copy", "copies")))
    levels = (
        f"{quantity} {levels_in_words(noisy)}" if len(noisy) == 1 else f"each {quantity} of {levels_in_words(noisy)}"
    )
    over = unless_images(result.units, result.images)
    return f"{copies} of each of {count(result.images, 'test image')} under {levels}{over}"


def unless_images(units: Units, images: int) -> str:
    """What intervals are over, where it is not the images."""
    words = units.in_words(images)
    return "" if words == Units().in_words(images) else f"; intervals over {words}"


def paper_of(source: Source, classes: int, noise: bool) -> PaperTable | None:
    """The table of the paper for a result, or None; InputError when it has another number of classes."""
    if DEGRADED in source.augment:  # which the paper does not train on
        return None
    paper = table_of(source.dataset, noise, source.members, source.noisy)
    if paper is not None and classes != len(paper.classes):
        name = dataset_name(source.dataset)
        raise InputError(
            f"{source.folder} has {classes} classes; {name} in {paper.name} of the paper has {len(paper.classes)}"
        )
    return paper


def limits_of(source: Source, paper: PaperTable | None, images: int, alone: str) -> list[str]:
    """The remarks on a comparison, or why there is none, which ``alone`` says."""
    if not is_published(source):  # whoever looks at images of their own has not asked for the paper
        return []
    if paper is None:
        return [alone, *caveats.of_files(source)]
    remarks = [*caveats.of_source(source, paper), *caveats.of_test_images(images, paper), *paper.remarks]
    if paper.dataset == "gtsrb":
        remarks.append(
            f"The printed {in_percent(paper.accuracy)} stands beside the balanced accuracy; beside the accuracy stand "
            f"the paper's class recalls weighted by the official test counts, {in_percent(paper.weighted_recall)}."
        )
    return remarks


def why_alone(source: Source, noise: bool) -> str:
    """Why nothing of the paper stands beside a result."""
    name = dataset_name(source.dataset)
    if source.dataset not in {table.dataset for table in TABLES}:
        return f"The paper has no results for {name}."
    if not noise and source.dataset == "gtsrb":
        return "The paper has no table of clean GTSRB images; for them it refers to Aghdam et al. 2015."
    trained = "trained on noise" if source.noisy else "trained without noise"
    return f"The paper prints no table of {source.models} {trained} for {'noisy' if noise else 'clean'} {name} images."


def score_table(
    source: Source,
    paper: PaperTable | None,
    classified: str,
    rows: list[ClassRow],
    overall: dict[str, Number],
    remarks: list[str],
    condition: str,
) -> ScoreTable:
    """A table with its title and id."""
    trained = " trained on noise," if source.noisy else ""
    who = source.models if source.seeds else source.model  # as it was given, where it was trained elsewhere
    kind = f"{who}{trained} {condition}"
    place = paper.name if paper else ABSENT if is_published(source) else ""
    title = ": ".join(filter(None, (place, f"{kind}, {dataset_name(source.dataset)}")))
    words = f"{paper.name if paper else kind} {source.dataset}"
    anchor = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    name, decimals = (paper.name, paper.decimals) if paper else (None, 4)
    return ScoreTable(anchor, title, name, source, classified, rows, overall, remarks, decimals)
