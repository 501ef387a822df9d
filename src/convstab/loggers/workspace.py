"""A workspace and a report for a project of W&B, built by code: training, stability, a sweep, attacks."""

from collections.abc import Callable
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
BESIDE = ("figures/heat_map", "figures/lines", "figures/families")  # of a sweep: its evaluations beside each other
SHOWN = {  # section -> types of the jobs whose runs it shows, and what a report says above it
    "Training": (("train",), "Loss and accuracy while the models are trained; each line is a run."),
    "Stability": (("evaluate",), "Degraded test images, against the level in the unit of the degradation."),
    "Sweep": (("evaluate", "sweep"), "What trainings differ in, and what it does to them under each level."),
    "Attacks": (("attack",), "The least perturbations that were found to change decisions, in the L2 norm."),
    "Figures": (("train", "evaluate", "attack"), "As in the folders of the results."),
}


def workspace(entity: str, project: str) -> Any:
    """A workspace of wandb-workspaces, which is saved nowhere yet; InputError where the package is not there."""
    ws = need("wandb_workspaces.workspaces", "workspaces")
    found = [ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections().items()]
    return ws.Workspace(entity=entity, project=project, name=NAME, sections=found)


def report(entity: str, project: str) -> Any:
    """A report of the same panels, which is saved nowhere yet; InputError where the package is not there.

    Its sets of runs name no project: they are of the report's. W&B's server would be asked for one that is named.
    """
    wr = need("wandb_workspaces.reports.v2", "workspaces")
    blocks = []
    for name, panels in sections().items():
        jobs, text = SHOWN[name]
        runs = [wr.Runset(name=job, filters=f"JobType = '{job}'") for job in jobs]
        blocks += [wr.H2(name), wr.P(text), wr.PanelGrid(runsets=runs, panels=panels)]
    return wr.Report(entity=entity, project=project, title=NAME, blocks=blocks, width="fluid")


def sections() -> dict[str, list[Any]]:
    """The panels by their sections, from the training to what fools the model."""
    wr = need("wandb_workspaces.reports.v2", "workspaces")
    columns = [*map(wr.Config, ACROSS), *map(wr.SummaryMetric, ("accuracy/level_0", "degraded/accuracy"))]
    across = wr.ParallelCoordinatesPlot(
        title="What the trainings of a sweep differ in, and what it does",
        columns=[wr.ParallelCoordinatesPlotColumn(metric=column) for column in columns],
    )
    against = wr.ScatterPlot(
        title="Against the noise of the training", x=wr.Config(ACROSS[0]), y=wr.SummaryMetric("degraded/accuracy")
    )
    beside = wr.MediaBrowser(title="The evaluations of a sweep beside each other", media_keys=list(BESIDE))
    bars = [wr.BarPlot(title=title, metrics=[wr.SummaryMetric(name)]) for title, name in ATTACKS]
    return {
        "Training": lines(wr, TRAINING, AXIS),
        "Stability": lines(wr, STABILITY, "level"),
        "Sweep": [across, against, beside],
        "Attacks": [*bars, wr.MediaBrowser(title="How many are fooled", media_keys=["figures/survival"])],
        "Figures": [wr.MediaBrowser(media_keys=["figures/curves", "figures/confusion", "figures/strip"])],
    }


def lines(wr: Any, curves: tuple[tuple[str, str], ...], axis: str) -> list[Any]:
    """Line plots, one line for each run."""
    return [wr.LinePlot(title=title, x=axis, y=[name], legend_template=LEGEND) for title, name in curves]


VIEWS: dict[str, Callable[[str, str], Any]] = {"workspace": workspace, "report": report}


def save(view: str, entity: str, project: str) -> str:
    """Save a new workspace or report to W&B; where it is."""
    made = VIEWS[view](entity, project)
    try:
        return str(made.save().url)
    except Exception as error:  # of any kind, as the package comes upon it: no key, no server, no such team
        raise InputError(f"W&B: {one_line(error)}") from error
