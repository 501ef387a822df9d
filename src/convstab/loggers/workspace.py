"""A workspace for a project of W&B, built by code: training, stability, attacks, and what the trainings differ in."""

from typing import Any

from convstab.errors import InputError
from convstab.packages import need, one_line

NAME = "Stability"
LEGEND = "${run:displayName}"
AXIS = "trainer/global_step"
TRAINING = (("Loss", "train/loss"), ("Validation accuracy", "val/accuracy"))
STABILITY = (
    ("Accuracy", "degraded/accuracy"),
    ("Flips", "degraded/flip_rate"),
    ("Calibration error", "degraded/ece"),
    ("Negative log-likelihood", "degraded/nll"),
)
ATTACKS = (("L2, median", "attack/l2_median"), ("Success rate", "attack/success_rate"))
ACROSS = ("training.augment.sigma", "training.seed")  # of the configuration: what trainings of a sweep differ in


def workspace(entity: str, project: str) -> Any:
    """A workspace of wandb-workspaces, which is saved nowhere yet; InputError where the package is not there."""
    ws = need("wandb_workspaces.workspaces", "workspaces")
    return ws.Workspace(entity=entity, project=project, name=NAME, sections=list(sections(ws)))


def sections(ws: Any) -> list[Any]:
    """From the training to what fools the model."""
    wr = need("wandb_workspaces.reports.v2", "workspaces")
    columns = [*map(wr.Config, ACROSS), *map(wr.SummaryMetric, ("accuracy/level_0", "degraded/accuracy"))]
    across = wr.ParallelCoordinatesPlot(
        title="What the trainings of a sweep differ in, and what it does",
        columns=[wr.ParallelCoordinatesPlotColumn(metric=column) for column in columns],
    )
    against = wr.ScatterPlot(
        title="Against the noise of the training", x=wr.Config(ACROSS[0]), y=wr.SummaryMetric("degraded/accuracy")
    )
    bars = [wr.BarPlot(title=title, metrics=[wr.SummaryMetric(name)]) for title, name in ATTACKS]
    panels = {
        "Training": lines(wr, TRAINING, AXIS),
        "Stability": lines(wr, STABILITY, "level"),
        "Sweep": [across, against],
        "Attacks": [*bars, wr.MediaBrowser(title="How many are fooled", media_keys=["figures/survival"])],
        "Figures": [wr.MediaBrowser(media_keys=["figures/curves", "figures/confusion", "figures/strip"])],
    }
    return [ws.Section(name=name, panels=found, is_open=True) for name, found in panels.items()]


def lines(wr: Any, curves: tuple[tuple[str, str], ...], axis: str) -> list[Any]:
    """Line plots, one line for each run."""
    return [wr.LinePlot(title=title, x=axis, y=[name], legend_template=LEGEND) for title, name in curves]


def save(entity: str, project: str) -> str:
    """Save the workspace to W&B; where it is."""
    made = workspace(entity, project)
    try:
        return str(made.save().url)
    except Exception as error:  # of any kind, as the package comes upon it: no key, no server, no such team
        raise InputError(f"W&B: {one_line(error)}") from error
