"""Pictures of attacks: results in, a Figure out; no model, no files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from convstab.attacks.result import AttackResult, on_common_images, quantile
from convstab.figures.legends import legend
from convstab.figures.multiples import Chart, Curve, drawn
from convstab.figures.style import COLOURS, MARKERS, finish_axis, in_percent, labelled, look_of
from convstab.units import Integers

BLUE, ORANGE = COLOURS[:2]
NORM = "L2 norm for pixels in [0, 1]"
NAMED = 3  # of the classes that a figure leaves out


def samples(result: AttackResult, count: int = 6) -> Figure:
    """Clean image, noise and noisy image of successes from the least norm to the greatest, as the paper's Figure 1.

    There must be a success.
    """
    chosen = result.spread(count)
    figure = Figure(figsize=(1.75 * len(chosen) + 0.5, 6.6), layout="constrained")
    axes = figure.subplots(3, len(chosen), squeeze=False)
    for column, row in zip(axes.T, chosen, strict=True):
        draw_sample(list(column), result, row)
    grey = result.pixels.shape[1] == 1
    names = ("clean", "noise\n" + ("red: brighter, blue: darker" if grey else "grey: unchanged"), "noisy")
    for axis, name in zip(axes[:, 0], names, strict=True):
        axis.set_ylabel(name, fontsize=9)
    return figure


def draw_sample(column: list[Axes], result: AttackResult, row: int) -> None:
    """One image, its noise, and both together."""
    clean, noise = result.pixels[row].transpose(1, 2, 0).astype(np.float64), result.noise[row].transpose(1, 2, 0)
    rows = {name: values[row] for name, values in result.rows.items()}
    greatest = float(np.abs(noise).max())
    names = [labelled(result.classes[rows[key]], 20) for key in ("label", "predicted")]
    below = (
        f"{names[0]}\nscore {rows['clean_score']:.3f}",
        f"x {127 / greatest:.1f}",
        f"{names[1]}\nscore {rows['score']:.3f}\nL2 {rows['l2']:.3g}\nPSNR {rows['psnr']:.1f} dB",
    )
    shown = (clean, noise if clean.shape[2] == 1 else 128 + noise * (127 / greatest), clean + noise)
    for axis, image, text in zip(column, shown, below, strict=True):
        if clean.shape[2] > 1:
            axis.imshow(image / 255, interpolation="nearest")
        elif image is noise:
            axis.imshow(image[..., 0], cmap="RdBu_r", vmin=-greatest, vmax=greatest, interpolation="nearest")
        else:
            axis.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axis.set_xlabel(text, fontsize=8)
        axis.set(xticks=[], yticks=[])


def survival(results: Mapping[str, AttackResult]) -> Figure:
    """Share of the images that withstand noise of up to a norm, one line per attack; images are those all attacked."""
    norms = {name: result.norms for name, result in on_common_images(results).items()}
    low, high = limits(np.concatenate(list(norms.values())))
    steps = [
        survivors(name, found, look_of(number)["color"], low, high)
        for number, (name, found) in enumerate(norms.items())
    ]

    def finish(axis: Axes) -> None:
        axis.set(xlabel=NORM, ylabel="share of the images that withstand it", xlim=(low, high), ylim=(-0.02, 1.02))
        finish_axis(axis)
        in_percent(axis)
        logarithmic(axis, "x")

    return drawn([Chart(f"{len(next(iter(norms.values())))} images", steps, finish)])


def survivors(name: str, norms: NDArray[np.float64], colour: str, low: float, high: float) -> Curve:
    """The share of some norms that are greater, in steps from the low end of an axis to the high one."""
    found = np.sort(norms[np.isfinite(norms)])
    failed = len(norms) - len(found)
    share = 1 - np.arange(len(found) + 1) / len(norms)
    label = f"{name} ({failed} failed)" if failed else name
    look = {"color": colour, "linewidth": 1.5, "drawstyle": "steps-post"}
    return Curve(label, np.concatenate([[low], found, [high]]), np.append(share, share[-1]), look)


def limits(values: NDArray[Any]) -> tuple[float, float]:
    """The range of an axis that leaves room beyond the finite values, all above 0."""
    found = values[np.isfinite(values)]
    return (0.8 * float(found.min()), 1.25 * float(found.max())) if len(found) else (0.1, 10.0)


def logarithmic(axis: Axes, which: str) -> None:
    """Make an axis, "x" or "y", logarithmic over the range that it has, with plain numbers."""
    getattr(axis, f"set_{which}scale")("log")
    low, high = getattr(axis, f"get_{which}lim")()
    subs = (1, 1.5, 2, 3, 4, 5, 6, 8) if high < 6 * low else (1, 2, 5) if high < 150 * low else (1,)
    scale = getattr(axis, f"{which}axis")
    scale.set_major_locator(LogLocator(subs=subs))
    scale.set_major_formatter(lambda value, _: f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}")
    scale.set_minor_formatter(NullFormatter())


def against_reference(results: Mapping[str, AttackResult]) -> Figure:
    """The norm of the first attack against the least of the others, image by image; failures at the edges.

    results: of at least two attacks.
    """
    (name, first), *others = ((labelled(name), result.norms) for name, result in on_common_images(results).items())
    norms = np.stack([values for _, values in others])
    reference, nearest = norms.min(0), norms.argmin(0)
    low, high = limits(np.concatenate([first, reference]))
    edge = 1.25 * high
    figure = Figure(figsize=(5.6, 5.7), layout="constrained")
    axis = figure.subplots()
    for number, (other, _) in enumerate(others, 1):  # the colours of the survival curves
        mine = (nearest == number - 1) & np.isfinite(first) & np.isfinite(reference)
        if mine.any():
            axis.scatter(
                reference[mine],
                first[mine],
                s=20,
                alpha=0.75,
                linewidths=0,
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                label=f"least of the others: {other} ({mine.sum()})",
            )
    draw_failures(axis, name, first, reference, edge)
    both, twice = np.array([low, 1.1 * edge]), np.array([low, 0.55 * edge])
    axis.plot(both, both, color="0.3", linewidth=1)
    axis.plot(twice, 2 * twice, color="0.3", linewidth=1, linestyle="--", label="twice the norm")
    axis.set(xlim=(low, 1.1 * edge), ylim=(low, 1.1 * edge), aspect="equal")
    for which in ("x", "y"):
        logarithmic(axis, which)
    axis.set(xlabel=f"least {NORM} of the other attacks", ylabel=f"{NORM} of {name}")
    known = np.isfinite(first) | np.isfinite(reference)
    ratio = np.median(first[known] / reference[known]) if known.any() else np.nan
    figure.suptitle(f"{name}: {ratio:.3g} times the least of the others (median, {known.sum()} images)", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    legend(figure, axis)
    return figure


def draw_failures(
    axis: Axes, name: str, first: NDArray[np.float64], reference: NDArray[np.float64], edge: float
) -> None:
    """Triangles at the upper edge where the first attack failed, at the right one where all others did."""
    upper, right = np.isinf(first), np.isinf(reference)
    for failed, marker, text in (
        (upper & ~right, "^", f"{name} failed"),
        (right & ~upper, ">", "all others failed"),
        (upper & right, "*", "all failed"),
    ):
        if failed.any():
            x, y = np.minimum(reference[failed], edge), np.minimum(first[failed], edge)
            axis.scatter(x, y, s=26, marker=marker, color="black", linewidths=0, label=f"{text} ({failed.sum()})")


def by_class(result: AttackResult) -> Figure:
    """Norms of the images of each class that was attacked: points, the median, and the range of the middle half.

    Failures are at the right edge and count as infinite.
    """
    attacked = result.part(result.rows["attacked"])
    labels, norms = np.unique(attacked.rows["label"]), attacked.norms
    edge = 1.05 * limits(norms)[1]
    figure = Figure(figsize=(6.4, 0.23 * len(labels) + 1.1), layout="constrained")
    axis = figure.subplots()
    for place, label in enumerate(labels):
        draw_class(axis, place, norms[attacked.rows["label"] == label], edge)
    names = [f"{labelled(result.classes[label], 28)} ({(attacked.rows['label'] == label).sum()})" for label in labels]
    axis.set_yticks(range(len(labels)), names, fontsize=8)
    axis.set(xlim=(0, 1.03 * edge), ylim=(len(labels) - 0.4, -0.6), xlabel=NORM)
    failed = int(np.isinf(norms).sum())
    title = f"{result.attack}, {len(norms)} images; bar: median and middle half"
    title += f"; triangles: {failed} failed" if failed else ""
    figure.suptitle("\n".join(filter(None, (title, left_out(result, labels)))), fontsize=9)
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def left_out(result: AttackResult, labels: Integers) -> str:
    """Which classes have no attacked image; empty where all have one."""
    absent = [labelled(name, 20) for label, name in enumerate(result.classes) if label not in labels]
    more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
    return f"no attacked image of {', '.join(absent[:NAMED])}{more}" if absent else ""


def draw_class(axis: Axes, place: int, norms: NDArray[np.float64], edge: float) -> None:
    """One row of points, spread a little so that they do not hide each other."""
    low, median, high = (min(float(quantile(norms, percent)), edge) for percent in (25, 50, 75))
    axis.plot([low, high], [place, place], color=BLUE, alpha=0.25, linewidth=8, solid_capstyle="butt")
    if median < edge:
        axis.plot([median, median], [place - 0.32, place + 0.32], color=BLUE, linewidth=1.5)
    heights = place + 0.5 * (np.random.default_rng(0).permutation(len(norms)) + 0.5) / len(norms) - 0.25
    found = np.isfinite(norms)
    axis.scatter(norms[found], heights[found], s=9, color="black", alpha=0.6, linewidths=0, zorder=3)
    axis.scatter(np.full((~found).sum(), edge), heights[~found], s=22, color=ORANGE, marker=">", linewidths=0)
