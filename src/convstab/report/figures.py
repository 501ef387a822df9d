"""The figures of a page: pictures for those without scripts and for print, and what the scripts draw in their place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from convstab.evaluation.result import StabilityResult
from convstab.figures.evaluation import PER_PANEL
from convstab.figures.ledger import of_ledger
from convstab.report import charts, mosaics
from convstab.report.charts import Plain
from convstab.report.content import Report, ScoreTable
from convstab.report.curves import curves, pictures
from convstab.report.inventory import folders_of, unique_names
from convstab.report.ledgers import Joined
from convstab.report.mosaics import Mosaic, Picture, Sample, Tiles
from convstab.report.results import Attacked, Evaluation, Evidence
from convstab.statistics.intervals import Floats
from convstab.statistics.rates import ratio
from convstab.units import Integers

SHADING = (
    "The shading counts all draws of the class, and levels weigh alike: the stronger, the more draws (on a "
    "logarithmic scale); the more orange, the more of them are misclassified."
)
ENOUGH = 5  # images of a class that is shown first, where any class has so many: one image is no class that suffers
TENTHS = 10  # of the images of an attack: groups that are thinned like classes
ALT = {"distances": "share of the images that are further than a distance", "law": "flips as counted and as laws tell"}


@dataclass(frozen=True)
class ReportFigure:
    """A figure.

    id: unique in the page. kind: "rates", "scatter", "attack", "ledger" or "differences". caption: sentences. still:
    pictures that the scripts replace. gallery: images that stay. data: for the scripts; None: nothing to draw.
    choices: the classes to choose from, as the reader sees them. note, still_note: what the caption says besides of
    what the scripts draw, and of the pictures.
    """

    id: str
    kind: str
    title: str
    caption: list[str]
    still: list[Picture]
    data: Plain | None
    gallery: list[list[Sample]] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    note: str = ""
    still_note: str = ""


def figures(report: Report) -> list[ReportFigure]:
    """All figures: rates, scatters, attacks, ledgers, and differences from the paper."""
    evidence = report.evidence
    names = told_apart_names(evidence)
    images = [pictures(joined) for joined in report.ledgers]
    tiled = iter(mosaics.mosaics([*tiles(evidence), *(in_tenths(found) for _, found in images)]))
    found = [rates(evidence, names)] if evidence.evaluations else []
    for number, evaluation in enumerate(evidence.evaluations):
        mosaic = next(tiled) if evaluation.examples else None
        if evaluation.result.scored:
            found.append(scatter(f"scatter-{number}", names[number], evaluation, mosaic))
    for number, attacked in enumerate(evidence.attacks):
        found.append(attack(f"attack-{number}", names[len(evidence.evaluations) + number], attacked, next(tiled)))
    found += [ledger(joined, places, next(tiled)) for joined, (places, _) in zip(report.ledgers, images, strict=True)]
    return found + [differences(scores) for scores in report.tables if scores.paper]


def told_apart_names(evidence: Evidence) -> list[str]:
    """A name for each evaluation, then for each attack."""
    folders, found = folders_of(evidence), list[str]()
    for results in (evidence.evaluations, evidence.attacks):
        names = [f"{name_of(result)}{result.source.name}" for result in results]
        found += unique_names(names, [folders[result.source.folder] for result in results])
    return found


def name_of(result: Evaluation | Attacked) -> str:
    """What the name of a result begins with."""
    return f"{result.result.attack}: " if isinstance(result, Attacked) else ""


def tiles(evidence: Evidence) -> Iterator[tuple[Tiles, Integers]]:
    """The small images of the page and the group of each.

    First of evaluations that keep some, grouped by class; then of attacks, grouped by their place in the order of
    norms.
    """
    for evaluation in evidence.evaluations:
        if evaluation.examples is not None:
            labels = dict(zip(evaluation.result.by_image("index")[:, 0], evaluation.result.labels, strict=True))
            classes = np.array([labels[index] for index in evaluation.examples.index])
            yield mosaics.versions(evaluation.examples), classes
    for attacked in evidence.attacks:
        yield in_tenths(mosaics.attacked_versions(attacked.result)[1])


def in_tenths(images: Tiles) -> tuple[Tiles, Integers]:
    """Images in an order, and groups of neighbours, of which each loses as many when the page has no room for all."""
    return images, np.arange(len(images)) * TENTHS // max(1, len(images))


def rates(evidence: Evidence, names: list[str]) -> ReportFigure:
    """Accuracy and flip rate of all evaluations."""
    results = {name: evaluation.result for name, evaluation in zip(names, evidence.evaluations, strict=False)}
    caption = [
        "Accuracy: share of correct draws.",
        "Flip rate: share of misclassified draws of the images that are correct when clean.",
        *bands(results),
    ]
    title = "Accuracy and flip rate against the level"
    return ReportFigure("rates", "rates", title, caption, [mosaics.rates_picture(results)], charts.rates(results))


def bands(results: Mapping[str, StabilityResult]) -> list[str]:
    """What the intervals of each evaluation are over: one line where it is the same for all."""
    over = {name: result.units.in_words(result.images) for name, result in results.items()}
    if len(set(over.values())) == 1:
        return [f"Bands: 95 % intervals over {next(iter(over.values()))}."]
    return ["Bands: 95 % intervals.", *(f"{name}: over {words}." for name, words in over.items())]


def scatter(key: str, name: str, evaluation: Evaluation, mosaic: Mosaic | None) -> ReportFigure:
    """PSNR against score of an evaluation, class by class, as the paper's Figures 3 to 7."""
    result = evaluation.result
    rows = np.zeros(0, np.int64) if mosaic is None else mosaic.rows
    errors = ratio(result.histogram[:, 0].sum((1, 2)), result.histogram.sum((1, 2, 3)))
    shares = ["no draws" if np.isnan(share) else f"{100 * share:.1f} % misclassified" for share in errors]
    draws = int(result.by_image("draws")[:, result.degraded].sum())
    caption = [
        f"{draws:,} draws (degraded copies) of {result.images:,} images; a high PSNR means little degradation.",
        f"Score: the probability of {'the label' if result.protocol.score == 'label' else 'the predicted class'}.",
    ]
    return ReportFigure(
        key,
        "scatter",
        f"Score against PSNR: {name}",
        caption,
        mosaics.scatter_pictures(result, name),
        charts.scatter(evaluation, rows) | {"mosaic": plain(mosaic), "first": worst(result, errors)},
        note=f"The class that is misclassified most, of those with {ENOUGH} images or more, is shown first. {SHADING} "
        f"{kept(evaluation, len(rows))}",
        still_note=f"Dots: one draw of each image and level, at most {PER_PANEL:,} of a class.",
        choices=[
            f"{each if each == str(label) else f'{label}: {each}'} ({share})"
            for label, (each, share) in enumerate(zip(result.classes, shares, strict=True))
        ],
    )


def worst(result: StabilityResult, errors: Floats) -> int:
    """The class that is misclassified most, of those with enough images where there are such; errors: shares, (K,)."""
    enough = np.bincount(result.labels, minlength=len(errors)) >= ENOUGH
    return int(np.where(enough | ~enough.any(), np.nan_to_num(errors), -1.0).argmax())


def kept(evaluation: Evaluation, shown: int) -> str:
    """How many images the page has pictures of."""
    images = evaluation.result.images
    if evaluation.examples is None:
        return (
            "The folder keeps no images, so there are no dots; the same convstab-evaluate command again, "
            "without skip_done, adds them."
        )
    there = len(evaluation.examples.index)
    return (
        f"Dots with pictures: {shown} of the {there} images that the folder keeps, of {images:,} that were classified; "
        "of each class some that fail most, some that fail least, and some between."
    )


def attack(key: str, name: str, attacked: Attacked, mosaic: Mosaic) -> ReportFigure:
    """The least noise of an attack, as the paper's Figures 1 and 2."""
    result = attacked.result
    tried, found = int(result.rows["attacked"].sum()), int(result.rows["success"].sum())
    rows = np.array(result.spread(mosaics.ATTACKED), np.int64)[mosaic.rows]
    caption = [
        f"{tried:,} of {len(result.rows['attacked']):,} images were attacked: those that are correct when clean. "
        f"Noise was found for {'all' if found == tried else format(found, ',')} of them.",
    ]
    if tried and result.summary["cut_off"]:
        share = f"{100 * result.summary['cut_off']:.0f} %"
        caption.append(f"A limit of queries or generations ended {share} of the searches, not their own rule.")
    return ReportFigure(
        key,
        "attack",
        f"Least noise: {name}",
        caption,
        [mosaics.survival_picture(result, name)] if tried else [],
        charts.attack(attacked, rows, mosaics.scale(result.noise[rows])) | {"mosaic": plain(mosaic)} if found else None,
        gallery=mosaics.gallery(result) if found else [],
        note=f"Dots with pictures: {len(rows)} of {found:,}, evenly from the least norm to the greatest.",
    )


def ledger(joined: Joined, places: Integers, mosaic: Mosaic) -> ReportFigure:
    """One image of an evaluation at a time: its flips under each level, and how far it is from failing."""
    of, shown = joined.ledger, len(joined.rows)
    correct = int(of.rows["clean_correct"].sum())
    kept = {int(place): at for at, place in enumerate(places[mosaic.rows])}
    live = curves(joined) | {"mosaic": plain(mosaic), "pictures": [kept.get(place) for place in range(shown)]}
    order = "by how often their draws flip, then by how near the boundary is"
    which = "all" if shown == correct else f"the first {shown:,}, {order},"
    caption = [f"The table has {which} of the {correct:,} images that are correct when clean."]
    still = [mosaics.picture(figure, f"{joined.name}: {ALT[name]}") for name, figure in of_ledger(of)]
    bars = "Bars: 95 % intervals that the image's own draws tell (Clopper and Pearson; the law's standard error)."
    note = ["Choose an image in the table below.", *([bars] if joined.evaluation.result.degradation.random else [])]
    return ReportFigure(joined.id, "ledger", joined.name, caption, still, live if shown else None, note=" ".join(note))


def differences(scores: ScoreTable) -> ReportFigure:
    """Ours minus the paper's of each class."""
    caption = [f"{scores.source.name}; {scores.drawn}.", "Right of the line: ours is higher than in the paper."]
    if any(number.low is not None for row in scores.rows for number in (row.recall, row.precision)):
        caption.append("Bars: 95 % intervals of ours.")
    title = f"Difference from the paper: {scores.title}"
    still = [mosaics.differences_picture(scores)]
    return ReportFigure(f"differences-{scores.id}", "differences", title, caption, still, charts.differences(scores))


def plain(mosaic: Mosaic | None) -> Plain | None:
    """What the scripts need of a mosaic."""
    return None if mosaic is None else {"uri": mosaic.uri, "width": mosaic.width, "height": mosaic.height}
