"""Pictures of a report as data URIs: its figures as they are without scripts, and small images in mosaics."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from convstab.attacks.result import AttackResult
from convstab.evaluation.examples import Examples
from convstab.evaluation.result import StabilityResult
from convstab.figures import attack, evaluation
from convstab.figures.rates import curves
from convstab.figures.style import COLOURS, MARKERS, labelled
from convstab.report.content import Number, ScoreTable
from convstab.units import Integers

BUDGET = 350_000  # characters of all mosaics of a page, which is to stay below 3 MB with the 0.6 MB of Plotly
QUALITY, SMALL = 55, 36  # of WebP: figures, and images in mosaics, most of whose bytes are noise
MEASURES = ("recall", "precision")
DPI = 80
SIDE = 16_383  # pixels, the most that WebP allows
ATTACKED = 60  # images of an attack that are shown at most
SAMPLES, THUMBNAIL, CLEAR = 6, 136, 80  # in a gallery: images of an attack; pixels of a side at most; quality of WebP
Tiles = NDArray[np.uint8]
MIDDLE = 127.0  # grey levels that the greatest value of a noise is scaled to


@dataclass(frozen=True)
class Picture:
    """A data URI, its size in pixels, and the text in its place for those who do not see it."""

    uri: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Mosaic:
    """Images of one size in one picture: one row for each image that is shown, one column for each version of it.

    rows: which of the images that were there, ascending. width, height: of one image, in pixels.
    """

    uri: str
    rows: Integers
    width: int
    height: int


@dataclass(frozen=True)
class Sample:
    """A version of an image in a gallery, and the lines below it."""

    picture: Picture
    below: list[str]


def picture(figure: Figure, alt: str) -> Picture:
    """A figure as a picture of few bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="webp", dpi=DPI, pil_kwargs={"quality": QUALITY, "method": 4})
    with Image.open(buffer) as image:
        return Picture(as_uri(buffer.getvalue()), *image.size, alt)


def as_uri(webp: bytes) -> str:
    """A WebP file as a data URI."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def scatter_pictures(result: StabilityResult, name: str) -> list[Picture]:
    """The paper's Figures 3 to 7 of an evaluation, at most 15 classes in one."""
    pages = evaluation.scatter_pages(result)
    spans = [names.tolist() for names in np.array_split(np.array(result.classes), len(pages))]
    alts = [f"{name}: PSNR against score for the classes {names[0]} to {names[-1]}" for names in spans]
    return [picture(page, alt) for page, alt in zip(pages, alts, strict=True)]


def rates_picture(results: Mapping[str, StabilityResult]) -> Picture:
    """Accuracy and flip rate of all evaluations, with the names below."""
    return picture(curves(results), f"accuracy and flip rate against the level of {len(results)} evaluations")


def survival_picture(result: AttackResult, name: str) -> Picture:
    """Share of the attacked images that withstand noise of up to a norm; at least one must have been attacked."""
    alt = f"{name}: share of the images that withstand noise of up to an L2 norm"
    return picture(attack.survival({result.attack: result}), alt)


def gallery(result: AttackResult) -> list[list[Sample]]:
    """A few images, each clean, as its least noise, and noisy, as the paper's Figure 1; least norms first."""
    rows, tiles = attacked_versions(result, SAMPLES)
    scales = scale(result.noise[rows])
    return [sample(result, *each) for each in zip(rows, tiles, scales, strict=True)]


def sample(result: AttackResult, row: int, tiles: Tiles, scaled: float) -> list[Sample]:
    """The versions (3, C, H, W) of one image of an attack, and what is said of each."""
    of = {name: values[row] for name, values in result.rows.items()}
    label, predicted = (result.classes[of[name]] for name in ("label", "predicted"))
    alts = (
        f"clean image of the class {label}",
        "its least noise, scaled to be seen",
        f"noisy image that is taken for {predicted}",
    )
    below = (
        ["clean", label, f"score {of['clean_score']:.3f}"],
        [f"noise × {scaled:.1f}", f"L2 {of['l2']:.3g}", f"PSNR {of['psnr']:.1f} dB"],  # noqa: RUF001
        ["noisy", predicted, f"score {of['score']:.3f}"],
    )
    return [Sample(thumbnail(*each[:2]), each[2]) for each in zip(tiles, alts, below, strict=True)]


def thumbnail(pixels: Tiles, alt: str) -> Picture:
    """An image (C, H, W), no larger than it is shown."""
    shown = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    shown.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=CLEAR, method=4)
    return Picture(as_uri(buffer.getvalue()), *shown.size, alt)


def differences_picture(scores: ScoreTable) -> Picture:
    """Ours minus the paper's for each class, in percentage points."""
    figure = Figure(figsize=(7, 0.19 * len(scores.rows) + 1.1), layout="constrained")
    axis = figure.subplots()
    for number, measure in enumerate(MEASURES):
        numbers: list[Number] = [getattr(row, measure) for row in scores.rows]
        points, lows, highs = (
            [np.nan if gap is None else 100 * gap for gap in gaps]
            for gaps in zip(*((number.difference, *number.difference_ends) for number in numbers), strict=True)
        )
        marks: dict[str, Any] = {"color": COLOURS[number], "marker": MARKERS[2 * number], "label": measure}
        axis.scatter(points, range(len(points)), s=18, linewidths=0, **marks)
        axis.hlines(range(len(points)), lows, highs, colors="0.6", linewidth=0.8, zorder=0)
    axis.axvline(0, color="0.3", linewidth=1)
    axis.set_yticks(range(len(scores.rows)), [labelled(row.name, 30) for row in scores.rows], fontsize=8)
    axis.set(ylim=(len(scores.rows) - 0.4, -0.6), xlabel="ours minus the paper's (percentage points)")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, fontsize=8)
    return picture(figure, f"{scores.title}: recall and precision of each class, ours minus the paper's")


def versions(examples: Examples) -> Tiles:
    """Each image as it is, then under each level, uint8 (n, 1 + s, C, H, W)."""
    return np.concatenate([examples.clean[:, None], examples.degraded], axis=1)


def attacked_versions(result: AttackResult, count: int = ATTACKED) -> tuple[Integers, Tiles]:
    """Rows of images from the least norm to the greatest, and each clean, as its noise, and noisy, (n, 3, C, H, W).

    The noise is scaled so that its greatest value is 127 grey levels from the middle; grey is no change.
    """
    rows = np.array(result.spread(count), np.int64)
    clean, noise = result.pixels[rows].astype(np.float32), result.noise[rows]
    shown = 128 + noise * scale(noise)[:, None, None, None]
    return rows, np.stack([clean, shown, clean + noise], axis=1).round().clip(0, 255).astype(np.uint8)


def scale(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the noise of each image is multiplied with to be seen, (n,) from (n, C, H, W)."""
    scales: NDArray[np.float32] = MIDDLE / np.abs(noise).max((1, 2, 3), initial=1e-6)
    return scales


def mosaics(tiles: Sequence[tuple[Tiles, Integers]], budget: int = BUDGET) -> list[Mosaic]:
    """Each set of images (n, versions, C, H, W) as a mosaic, with as many images of each group as the budget allows.

    tiles: with each set the group of each image, (n,). The limit is the same for all groups of all sets: small groups
    stay whole, large ones lose first. Of every group one image stays, whatever the budget.
    """
    whole = [mosaic(images, thinned(groups, len(groups), most(images))) for images, groups in tiles]
    costs = [len(scores.uri) / max(1, len(scores.rows)) for scores in whole]
    if sum(len(scores.uri) for scores in whole) <= budget:
        return whole

    def needed(each: int) -> float:
        counts = [len(thinned(groups, each, most(images))) for images, groups in tiles]
        return sum(cost * count for cost, count in zip(costs, counts, strict=True))

    each = max(int(np.bincount(groups).max(initial=1)) for _, groups in tiles)
    while each > 1 and needed(each) > 0.95 * budget:  # fewer images take a little more each
        each -= 1
    return [mosaic(images, thinned(groups, each, most(images))) for images, groups in tiles]


def most(images: Tiles) -> int:
    """How many images fit into a picture one above the other."""
    return SIDE // int(images.shape[3])


def thinned(groups: Integers, each: int, most: int) -> Integers:
    """Places of at most so many of each group, evenly spread over it; at most ``most`` in all."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    kept = [places[evenly(len(places), each)] for places in members]
    rows = np.sort(np.concatenate(kept)) if kept else np.zeros(0, np.int64)
    return rows[evenly(len(rows), most)]


def evenly(count: int, most: int) -> Integers:
    """At most so many places of ``count``, evenly spread, the first of them always there."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def mosaic(images: Tiles, rows: Integers) -> Mosaic:
    """Some rows of the images (n, versions, C, H, W), side by side; without any, an empty one."""
    _, columns, channels, height, width = images.shape
    if not len(rows):
        return Mosaic("", rows, width, height)
    shown = images[rows].transpose(0, 3, 1, 4, 2).reshape(len(rows) * height, columns * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(shown.squeeze(2) if channels == 1 else shown).save(buffer, "WEBP", quality=SMALL, method=4)
    return Mosaic(as_uri(buffer.getvalue()), rows, width, height)
