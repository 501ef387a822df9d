"""An own model in place of a run, and the model of a run on other images."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from convstab.data.images import DataSource
from convstab.errors import InputError
from convstab.evaluation.matching import matched
from convstab.forward.own_model import own_model
from convstab.images import Images
from convstab.models.own.wrapper import Own
from convstab.models.resized import Resized, Size
from convstab.runs.run import Run, chosen
from convstab.validation import Match, Stage

LONGEST = 60  # characters of a name that becomes a folder's


def own_run(
    model: Own,
    data: DataSource,
    name: str,
    device: torch.device,
    images: int | Sequence[int] | None = None,
    match: Match | None = None,
    stage: Stage = "input",
) -> Run:
    """An own model and the test images of a data set.

    name: of the data set. device: where the model will work. images: see ``load_run``. match: see ``matched``.
    stage: "source": what is done to the images is done before they are resized to those that the model takes.
    Raises InputError when the images do not fit the model: their size, their channels, or their classes.
    """
    test, what = test_of(data), f"the images of {name}"
    channels, *size = test.pixels.shape[1:]
    if stage == "source" and model.size is None:
        raise InputError("stage=source resizes images to the size that the model takes: give model.size=")
    model.check((channels, *(size if stage == "input" else model.size or size)), what)
    model.requires_grad_(False)
    ready = before(model.size if stage == "source" else None, matched(model, model.classes, test.classes, match))
    ready, test = own_model(ready, test, device)
    source = model.source | {"classes": list(model.classes), "match": match} | resized_from(stage, size)
    called = called_by(model.source)
    dataset, kind = at_source(name, stage, size), f"{source['kind']} {called}"
    training = trained_elsewhere(dataset, kind, len(test), data.images.official)
    short = re.sub(r"[^\w.-]+", "-", called).strip("-.")[-LONGEST:]
    return Run(ready, test.part(chosen(images, len(test))), f"{short}_{called_at(name, stage)}", training, source)


def trained_elsewhere(dataset: str, model: str, images: int, official: bool) -> dict[str, Any]:
    """What is known of the training of a model that was not trained here, see ``provenance.merged``.

    images: those that it is tried on.
    """
    return {
        "dataset": dataset,
        "model": model,
        "augment": "not known",
        "noisy": False,
        "seeds": [],
        "members": 1,
        "epochs": None,
        "images": {"train": None, "validation": None, "test": images},
        "official": official,
    }


def on_other_images(
    run: Run,
    data: DataSource,
    name: str,
    images: int | Sequence[int] | None,
    match: Match | None,
    stage: Stage = "input",
) -> Run:
    """The model of a run, and the test images of a data set that it may not be trained on.

    stage: see ``own_run``. Raises InputError when they do not fit the model, see there.
    """
    test, shape = test_of(data), tuple(run.test.pixels.shape[1:])
    there, (channels, height, width) = tuple(test.pixels.shape[1:]), shape
    if there[0] != channels or (stage == "input" and there != shape):
        given, wanted = ("x".join(map(str, one)) for one in (there, shape))
        hint = "; stage=source resizes them, once they are degraded" if there[0] == channels else ""
        raise InputError(f"the images of {name} are {given} (channels, height, width), {run.name} takes {wanted}{hint}")
    size = (height, width) if stage == "source" else None
    model = before(size, matched(run.model, run.test.classes, test.classes, match)).eval()
    trained = run.training["dataset"]
    called = at_source(name, stage, there[1:])
    training = run.training | ({} if trained == called else {"dataset": f"{called} (trained on {trained})"})
    return replace(
        run,
        model=model,
        test=replace(test, classes=test.classes or run.test.classes).part(chosen(images, len(test))),
        name=f"{run.name}_{called_at(name, stage)}",
        training=training | {"official": data.images.official},
        source={"match": match, "architecture": run.fingerprint(torch.device("cpu"))["architecture"]}
        | resized_from(stage, there[1:]),
    )


def before(size: Size | None, model: Any) -> Any:
    """A model behind a resizing to the images that it takes; None: as it is."""
    return model if size is None else Resized(model, size)


def resized_from(stage: Stage, size: Sequence[int]) -> dict[str, Any]:
    """What a result says of its stage, where that is not the input of the model."""
    return {} if stage == "input" else {"stage": stage, "source": list(size)}


def at_source(name: str, stage: Stage, size: Sequence[int]) -> str:
    """A data set as results call it: of images that are degraded before they are resized, with their size."""
    return name if stage == "input" else f"{name} at {'x'.join(map(str, size))}, before resizing"


def called_at(name: str, stage: Stage) -> str:
    """The same in the name of a folder."""
    return name if stage == "input" else f"{name}_source"


def test_of(data: DataSource) -> Images:
    """The test images of a data set, with their class names; their ids are their own, if any, else places."""
    test = data.images.test
    if not len(test):
        raise InputError("the data set has no test images")
    ids = test.ids if data.images.own_ids else torch.arange(len(test))
    return replace(test, classes=tuple(data.images.classes), ids=ids)


def called_by(source: Mapping[str, Any]) -> str:
    """The name of an own model: of its target, of its architecture, or of its file, and of the file of its weights."""
    name = str(source.get("target") or source.get("name") or source.get("path") or source["kind"])
    return f"{name}-{Path(source['file']).stem}" if "file" in source else name
