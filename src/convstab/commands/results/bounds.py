"""Lower bounds for the images of an evaluation: its run is loaded again."""

from pathlib import Path

import numpy as np

from convstab.bounds.lower import lower_bounds
from convstab.commands.attack import with_images_of
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.runs.configuration import load_config
from convstab.runs.run import load_run
from convstab.statistics.intervals import Floats
from convstab.sweeps.jobs import members_of


def lower_bounds_of(evaluation: Path) -> Floats:
    """The lower bound of each image of an evaluation, in its order, in grey levels; see ``bounds.lower``.

    Raises InputError where the evaluation is not of a training on its own images, or where that is no longer there.
    """
    values = load_config(evaluation)
    named, dataset = values.get("run"), values.get("dataset") or {}
    if named is None or "load" in dataset:
        said = "is of an own model, of imported predictions, or of images of another data set"
        raise InputError(f"--bounds needs a run that train made and its own test images; {evaluation} {said}")
    run = with_images_of(load_run(members_of(named), values["runs"], values["rule"], dataset.get("root")), evaluation)
    ids, index = run.test.ids.numpy(), StabilityResult.read(evaluation).by_image("index")[:, 0]
    order = np.argsort(ids)
    found: Floats = lower_bounds(run.model, run.test)[order[np.searchsorted(ids[order], index)]]
    return found
