"""Pictures of an evaluation: a table in, a Figure out; no model, no files."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from convstab.evaluation.cells import level_in_words
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES
from convstab.figures.legends import legend
from convstab.figures.style import in_percent, labelled
from convstab.statistics.rates import ratio

CORRECT, MISCLASSIFIED = (
    "#4d4d4d",
    "#d7301f",
)  # grey and red differ in lightness too; misclassified draws are crosses besides
PER_PAGE = 15  # classes, as in the paper's Figures 5 to 7
PER_PANEL = 1200  # draws; more of them would hide each other and the density


def scatter_pages(result: StabilityResult) -> list[Figure]:
    """PSNR against score for each class, as the paper's Figures 3 to 7, at most 15 classes a page."""
    count = len(result.classes)
    pages = -(-count // PER_PAGE)
    return [scatter(result, labels.tolist()) for labels in np.array_split(np.arange(count), pages)]


def scatter(result: StabilityResult, labels: Sequence[int]) -> Figure:
    """One panel per class: misclassified draws in red over correct ones in grey, before the density of all draws."""
    columns = 5 if len(labels) > 4 else len(labels)
    rows = -(-len(labels) // columns)
    figure = Figure(figsize=(2.3 * columns + 0.6, 2.0 * rows + 0.7), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    density = result.histogram[list(labels)].sum(1)
    norm = LogNorm(1, max(10, density.max()) ** 2)  # only the paler half of the colours: the samples stay visible
    for axis, label, counts in zip(axes, labels, density, strict=False):
        mesh = axis.pcolormesh(
            PSNR_EDGES, SCORE_EDGES, np.ma.masked_equal(counts.T, 0), cmap="Blues", norm=norm, rasterized=True
        )
        draw_samples(axis, result, label)
        error = ratio(result.histogram[label, 0].sum(), result.histogram[label].sum())
        axis.set_title(f"{labelled(result.classes[label], 20)}\n{100 * error:.1f} % misclassified", fontsize=8)
        axis.set(xlim=limits(density.sum((0, 2)), PSNR_EDGES), ylim=limits(density.sum((0, 1)), SCORE_EDGES))
        axis.tick_params(labelsize=7)
    for axis in axes[len(labels) :]:
        axis.set_axis_off()
    for axis in axes[max(0, len(labels) - columns) : len(labels)]:
        axis.tick_params(labelbottom=True)  # the lowest panel of its column, whatever row it is in
    legend(figure, axes[0], where="outside upper right", markerscale=2)
    bar = figure.colorbar(mesh, ax=list(axes), shrink=0.6, aspect=40, pad=0.01)
    bar.set_label(f"{density_label(result)}\n(colours logarithmic)", fontsize=8)
    bar.ax.set_ylim(1, max(10, density.max()))
    figure.supxlabel("PSNR (dB)", fontsize=9)
    figure.supylabel(
        f"probability of the {'label' if result.protocol.score == 'label' else 'predicted class'}", fontsize=9
    )
    return figure


def density_label(result: StabilityResult) -> str:
    """What the density counts: levels of fewer draws count as much as the others."""
    return "draws per bin, all draws" if set(result.weights) <= {0, 1} else "draws per bin, levels weighing alike"


def limits(counts: NDArray[Any], edges: NDArray[Any]) -> tuple[float, float]:
    """The range of the bins that are not empty, and a little more on both sides."""
    used = counts.nonzero()[0]
    low, high = (edges[used.min()], edges[used.max() + 1]) if len(used) else (edges[0], edges[-1])
    return low - 0.02 * (high - low), high + 0.02 * (high - low)


def draw_samples(axis: Axes, result: StabilityResult, label: int) -> None:
    """One draw per image of a class and level, at most ``PER_PANEL`` of them, always the same ones."""
    shown = np.flatnonzero((result.rows["label"] == label) & np.isfinite(result.rows["sample_psnr"]))
    shown = np.sort(np.random.default_rng(0).permutation(shown)[:PER_PANEL])
    psnr, score = result.rows["sample_psnr"][shown], result.rows["sample_score"][shown]
    correct = result.rows["sample_prediction"][shown] == label
    axis.scatter(
        psnr[correct], score[correct], s=2.5, c=CORRECT, alpha=0.5, linewidths=0, rasterized=True, label="correct draw"
    )
    axis.scatter(
        psnr[~correct],
        score[~correct],
        s=7,
        c=MISCLASSIFIED,
        marker="x",
        alpha=0.8,
        linewidths=0.7,
        rasterized=True,
        label="misclassified draw",
    )


def confusion(result: StabilityResult, level: float | None = None) -> Figure:
    """What each class is taken for at the level with draws that is nearest to this one (None: the worst), as shares."""
    place = nearest_drawn(result, level)
    counts = result.confusion[place]
    shares = ratio(counts, counts.sum(1, keepdims=True))
    count = len(result.classes)
    size = max(4.5, 0.21 * count + 2.2)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(shares, cmap="Blues", norm=PowerNorm(0.4, 0, 1))
    what, where = "draws", f"{result.protocol.quantity} {result.levels[place]:g}"
    if not result.degraded[place]:
        what, where = "images", "clean images"
    axis.set_title(f"{where}, accuracy {100 * np.trace(counts) / counts.sum():.2f} %", fontsize=10)
    axis.set(xlabel="predicted", ylabel="label")
    names = [labelled(name, 24) for name in result.classes]
    axis.set_xticks(range(count), names, rotation=90 if count > 10 or max(map(len, names)) > 3 else 0, fontsize=7)
    axis.set_yticks(range(count), names, fontsize=7)
    if count <= 12:
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.0005:
                colour = "white" if share > 0.25 else "black"
                axis.text(column, row, f"{100 * share:.1f}", ha="center", va="center", fontsize=6.5, color=colour)
    bar = figure.colorbar(image, label=f"share of the {what} of the label (colours not linear)", shrink=0.8)
    in_percent(bar.ax)
    return figure


def nearest_drawn(result: StabilityResult, level: float | None) -> int:
    """The place of the level with draws that is nearest to this one; None: of the worst."""
    drawn = np.flatnonzero(result.confusion.sum((1, 2)))
    return int(drawn[-1] if level is None else drawn[np.abs(result.levels[drawn] - level).argmin()])


def strip(
    images: NDArray[Any], columns: Sequence[float], classes: Sequence[str], label: str, misread: NDArray[np.bool_]
) -> Figure:
    """One image per class under all levels, with a frame where it is misclassified.

    images: (classes, levels, H, W, C) in [0, 1]. label: of the columns. misread: (classes, levels).
    """
    count, levels, height, width, channels = images.shape
    blocks = -(-count // 22)
    per_block = -(-count // blocks)
    figure = Figure(figsize=(blocks * (0.42 * levels + 1.9), 0.42 * per_block + 0.6), layout="constrained")
    for block, axis in enumerate(figure.subplots(1, blocks, squeeze=False)[0]):
        shown = images[block * per_block : (block + 1) * per_block]
        sheet = np.pad(shown, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=1)  # a white line between
        sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(len(shown) * (height + 1), levels * (width + 1), channels)
        axis.imshow(sheet.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        names = [labelled(name, 24) for name in classes[block * per_block :][: len(shown)]]
        axis.set_xticks(
            np.arange(levels) * (width + 1) + width / 2, [level_in_words(level) for level in columns], fontsize=7
        )
        axis.set_yticks(np.arange(len(shown)) * (height + 1) + height / 2, names, fontsize=7)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(label, fontsize=8)
        for row, column in np.argwhere(misread[block * per_block :][: len(shown)]):
            corner = column * (width + 1) - 0.5, row * (height + 1) - 0.5
            axis.add_patch(Rectangle(corner, width, height, fill=False, color=MISCLASSIFIED, linewidth=1.2))
    if misread.any():
        figure.suptitle("framed: misclassified", fontsize=8, color=MISCLASSIFIED)
    return figure
