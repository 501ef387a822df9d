"""An ensemble and its members against the level: how often each flips, and what is gained beyond independent ones."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convstab.figures.legends import legend
from convstab.figures.levels import LevelAxis
from convstab.figures.multiples import Curve
from convstab.figures.style import COLOURS, MARKERS, finish_axis, in_percent, labelled
from convstab.members.members import Members
from convstab.statistics.intervals import Floats
from convstab.statistics.rates import mean_of_drawn

MEMBER, ENSEMBLE, INDEPENDENT = "0.6", COLOURS[0], COLOURS[1]
NAMED = 4  # members; more of them share a line of the legend


def of_members(members: Members) -> Figure:
    """Flip rates of the members, the ensemble and the independent vote; beside them the last two's difference."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    levels = LevelAxis([members.ensemble])
    positions = levels.positions(members.ensemble)
    draw_flips(left, members, positions)
    some = members.ensemble.degraded
    value, *ends = (100 * one[some] for one in (members.beyond.value, members.beyond.low, members.beyond.high))
    right.axhline(0, color="0.5", linewidth=1, linestyle="--")
    Curve("", positions[some], value, {"color": ENSEMBLE, "marker": "o"}, (ends[0], ends[1])).draw(right)
    right.set(title="independent vote less ensemble", ylabel="flips (points)")
    left.set(title=f"flip rate of {members.common.sum()} images that all classify", ylabel="share of draws")
    left.set_ylim(0, None)
    for axis in (left, right):
        finish_axis(axis)
        levels.finish(axis)
        axis.title.set_fontsize(10)
    in_percent(left)
    legend(figure, left)
    return figure


def draw_flips(axis: Axes, members: Members, positions: Floats) -> None:
    """Thin lines for the members, a thick one for the ensemble, a dashed one for the independent vote."""
    every = list(zip(members.members, members.flip_rates, strict=True))
    for number, (name, flips) in enumerate(every):
        label = labelled(name, 24) if len(every) <= NAMED else "" if number else f"{len(every)} members"
        marker = MARKERS[1 + number % (len(MARKERS) - 1)] if len(every) <= NAMED else ""
        axis.plot(positions, flips, color=MEMBER, linewidth=0.8, marker=marker, markersize=3.5, label=label)
    flips = members.ensemble_flips
    axis.fill_between(positions, flips.low, flips.high, color=ENSEMBLE, alpha=0.2, linewidth=0)
    axis.plot(positions, flips.value, color=ENSEMBLE, linewidth=2.4, label=f"ensemble, {members.rule}")
    vote = mean_of_drawn(members.independent.T)
    axis.plot(positions, vote, color=INDEPENDENT, linewidth=1.6, linestyle="--", label="independent vote")
    axis.fill_between(positions, *members.independent_limits, color=INDEPENDENT, alpha=0.2, linewidth=0)
