"""Lower bounds for the images of an evaluation: its run is loaded again."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from convstab.bounds.lower import lower_bounds
from convstab.commands.attack import with_images_of
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.progress.bar import progress_bar
from convstab.runs.configuration import load_config
from convstab.runs.run import Run, load_run
from convstab.statistics.intervals import Floats
from convstab.sweeps.jobs import members_of


def lower_bounds_of(evaluation: Path) -> Floats:
    """The lower bound of each image of an evaluation, in its order, in grey levels; see ``bounds.lower``.

    Raises InputError where the evaluation is not of a training on its own images, or where that is no longer there.
    """
    run = with_images_of(run_of(evaluation, "--bounds"), evaluation)
    ids, index = run.test.ids.numpy(), StabilityResult.read(evaluation).by_image("index")[:, 0]
    order = np.argsort(ids)
    with progress_bar() as bar:
        advance = partial(bar.advance, bar.add_task("bounds", total=len(run.test)))
        bounds = lower_bounds(run.model, run.test, advance)
    found: Floats = bounds[order[np.searchsorted(ids[order], index)]]
    return found


def run_of(evaluation: Path, option: str, trust: Sequence[str] = ()) -> Run:
    """The run of an evaluation; InputError where there is none, or it was on other images.

    option: what needs it. trust: functions of the user that may make its model, see ``load_run``.
    """
    values = load_config(evaluation)
    named, dataset = values.get("run"), values.get("dataset") or {}
    if named is None or "load" in dataset:
        said = "is of an own model, of imported predictions, or of images of another data set"
        raise InputError(f"{option} needs a run that train made and its own test images; {evaluation} {said}")
    return load_run(members_of(named), values["runs"], values["rule"], dataset.get("root"), trust=trust)
