"""An own model in place of a run, and the model of a run on other images."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from convstab.data.images import ImageData
from convstab.errors import InputError
from convstab.evaluation.matching import Match, matched
from convstab.images import Images
from convstab.models.own.wrapper import Own
from convstab.runs.run import Run, chosen
from convstab.validation import own_model

LONGEST = 60  # characters of a name that becomes a folder's


def own_run(
    model: Own,
    data: ImageData,
    name: str,
    device: torch.device,
    images: int | Sequence[int] | None = None,
    match: Match | None = None,
) -> Run:
    """An own model and the test images of a data set.

    name: of the data set. device: where the model will work. images: see ``load_run``. match: see ``matched``.
    Raises InputError when the images do not fit the model: their size, their channels, or their classes.
    """
    test = test_of(data)
    model.check(tuple(test.pixels.shape[1:]), f"the images of {name}")
    model.requires_grad_(False)
    ready, test = own_model(matched(model, model.classes, test.classes, match), test, device)
    source = model.source | {"classes": list(model.classes), "match": match}
    called = called_by(model.source)
    training = {
        "dataset": name,
        "model": f"{source['kind']} {called}",
        "augment": "not known",
        "noisy": False,
        "seeds": [],
        "members": 1,
        "epochs": None,
        "images": {"train": None, "validation": None, "test": len(test)},
        "official": data.images.official,
    }
    short = re.sub(r"[^\w.-]+", "-", called).strip("-.")[-LONGEST:]
    return Run(ready, test.part(chosen(images, len(test))), f"{short}_{name}", training, source)


def on_other_images(
    run: Run, data: ImageData, name: str, images: int | Sequence[int] | None, match: Match | None
) -> Run:
    """The model of a run, and the test images of a data set that it may not be trained on.

    Raises InputError when they do not fit the model, see ``own_run``.
    """
    test, shape = test_of(data), tuple(run.test.pixels.shape[1:])
    if tuple(test.pixels.shape[1:]) != shape:
        there, wanted = ("x".join(map(str, one)) for one in (test.pixels.shape[1:], shape))
        raise InputError(f"the images of {name} are {there} (channels, height, width) and {run.name} takes {wanted}")
    model = matched(run.model, run.test.classes, test.classes, match).eval()
    trained = run.training["dataset"]
    training = run.training | ({} if trained == name else {"dataset": f"{name} (trained on {trained})"})
    return replace(
        run,
        model=model,
        test=replace(test, classes=test.classes or run.test.classes).part(chosen(images, len(test))),
        name=f"{run.name}_{name}",
        training=training | {"official": data.images.official},
        source={"match": match, "architecture": run.fingerprint(torch.device("cpu"))["architecture"]},
    )


def test_of(data: ImageData) -> Images:
    """The test images of a data set, with their class names; their ids are their own, if any, else places."""
    test = data.images.test
    if not len(test):
        raise InputError("the data set has no test images")
    ids = test.ids if data.images.own_ids else torch.arange(len(test))
    return replace(test, classes=tuple(data.images.classes), ids=ids)


def called_by(source: Mapping[str, Any]) -> str:
    """The name of an own model: of its target, of its architecture, or of its file."""
    return str(source.get("target") or source.get("name") or source.get("path") or source["kind"])
