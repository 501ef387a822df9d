"""What the figures have in common: colours, names, and axes."""

from typing import Any

from matplotlib.axes import Axes

from convstab.evaluation.cells import shortened

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito 2008
MARKERS = "osD^vPX"


def look_of(number: int) -> dict[str, Any]:
    """Colour and marker of one of several lines."""
    marker = MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]  # each colour meets the next one
    return {"color": COLOURS[number % len(COLOURS)], "marker": marker}


def finish_axis(axis: Axes) -> None:
    """A faint grid, two spines, and shares without needless digits."""
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}" if value < 0.01 else f"{value:.3g}")


def in_percent(axis: Axes, which: str = "y") -> None:
    """Shares along an axis, "x" or "y", as per cent."""
    getattr(axis, f"{which}axis").set_major_formatter(lambda share, _: f"{100 * share:.4g} %")


def labelled(name: str, length: int | None = None) -> str:
    """A name as matplotlib shows it as it is: without this, what stands between two dollars is a formula."""
    return (name if length is None else shortened(name, length)).replace("$", r"\$")
