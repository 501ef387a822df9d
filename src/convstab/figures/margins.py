"""Pictures of margins against PSNR: the density of all draws, class by class, and where a tenth of them flips."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from convstab.figures.evaluation import MISCLASSIFIED, PER_PAGE
from convstab.figures.evaluation import limits as limits_of
from convstab.figures.legends import legend
from convstab.figures.style import labelled
from convstab.ledger.margins import PSNR_EDGES, WITHIN, Margins
from convstab.statistics.intervals import Floats

LINES = (  # share of the draws below, style, colour and name
    (0.1, ":", "0.15", "a tenth of the draws below, a tenth above"),
    (0.5, "-", "0.15", "half of the draws"),
    (0.9, ":", "0.15", None),
)
LEAST = 1e-3  # of the greatest density: below it a bin is as pale as can be
FAR = 1e-3  # share of the draws of a page that may lie beyond each end of its margins


def margin_pages(margins: Margins) -> list[Figure]:
    """Margin against PSNR for all classes and each one with images, at most 15 panels a page."""
    shown = np.flatnonzero(margins.drawn.any(1))
    return [margin_page(margins, rows.tolist()) for rows in np.array_split(shown, -(-len(shown) // PER_PAGE))]


def margin_page(margins: Margins, rows: Sequence[int]) -> Figure:
    """A panel for each of some rows: the density, three lines of draws, and the margin at which the decision flips."""
    columns = 4 if len(rows) > 3 else len(rows)
    lines = -(-len(rows) // columns)
    figure = Figure(figsize=(2.4 * columns + 0.9, 1.9 * lines + 0.7), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    density = 100 * margins.density[list(rows)]
    edges, greatest = margins.edges[::WITHIN], density.max()
    norm = LogNorm(LEAST * greatest, greatest)
    for axis, row, shares in zip(axes, rows, density, strict=False):
        seen = np.ma.masked_less(shares.T, LEAST * greatest / 10)
        mesh = axis.pcolormesh(PSNR_EDGES, edges, seen, cmap="Blues", norm=norm, rasterized=True)
        draw_lines(axis, margins, row)
        axis.set_title(f"{labelled(margins.names[row], 20)} ({margins.images[row]} images)", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set(xlim=limits_of(density.sum((0, 2)), PSNR_EDGES), ylim=ends_of(density.sum((0, 1)), edges))
    for axis in axes[len(rows) :]:
        axis.set_axis_off()
    for axis in axes[max(0, len(rows) - columns) : len(rows)]:
        axis.tick_params(labelbottom=True)
    title = f"degradation {labelled(margins.family)}, images that are correct when clean"
    legend(figure, axes[0], where="outside upper center", title=title)
    size = f"{PSNR_EDGES[1]:g} dB and {edges[1] - edges[0]:.3g} logits"
    label = f"% of the draws in {size}\n(colours logarithmic)"
    bar = figure.colorbar(mesh, ax=list(axes), shrink=0.8, aspect=30, pad=0.01, format="%g", extend="min")
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.supxlabel("PSNR (dB)", fontsize=9)
    figure.supylabel("margin of the label (logits)", fontsize=9)
    return figure


def draw_lines(axis: Axes, margins: Margins, row: int) -> None:
    """What a tenth, half and nine tenths of the draws fall short of under each level, and the margin 0."""
    axis.axhline(0, color=MISCLASSIFIED, linewidth=1, label="the decision flips")
    for share, style, colour, name in LINES:
        curve = margins.quantile(share)[row]
        axis.plot(margins.psnr[row], curve, linestyle=style, color=colour, linewidth=1.2, label=name)


def ends_of(shares: Floats, edges: Floats) -> tuple[float, float]:
    """The range of margins without the few draws that are furthest away; 0 is in it."""
    below = np.cumsum(shares) / shares.sum()
    low, high = edges[int((below > FAR).argmax())], edges[int((below >= 1 - FAR).argmax()) + 1]
    return min(low, -0.02 * (high - low)), max(high, 0.02 * (high - low))
