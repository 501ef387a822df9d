"""Images that a function of the user's own makes: "mypkg.data:images"."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from convstab.data.images import ImageSet
from convstab.data.own.folder import PARTS
from convstab.data.own.foreign import as_images
from convstab.errors import InputError
from convstab.images import Images
from convstab.packages import made_by

AS = "package.module:function, such as mypkg.data:images"


def load(root: Path, target: str | None = None, options: Mapping[str, Any] | None = None) -> ImageSet:  # noqa: ARG001
    """The images that a function of the user's makes; its code runs.

    target: "package.module:name", of a function that is called with the options, or of what it would return: images to
        test on, as ``convstab.as_images`` takes them, or {"train": ..., "test": ...} of such, or a LightningDataModule.
    Raises InputError when it is not there, fails, or makes something else.
    """
    if target is None:
        raise InputError(f"dataset=python needs dataset.load.target={AS}")
    made = made_by(target, options, AS, lambda thing: not callable(thing))
    found = {part: images_of(target, part, source) for part, source in sources_of(made).items()}
    test, train = found["test"], found.get("train")
    train = test.part(slice(0, 0)) if train is None else train
    classes = test.classes or train.classes or numbered(train, test)
    if train.classes and train.classes != classes:
        raise InputError(f"target={target}: the images to train on have other classes than those to test on")
    return ImageSet(replace(train, classes=classes), replace(test, classes=classes), classes, own_ids=True)


def sources_of(made: Any) -> dict[str, Any]:
    """What the images of each part are made of; of the test images alone where it does not say more."""
    if hasattr(made, "train_dataloader") and hasattr(made, "test_dataloader"):
        made.prepare_data()
        made.setup("fit")
        return {"train": made.train_dataloader(), "test": made}
    if not isinstance(made, Mapping):
        return {"test": made}
    if "test" not in made or set(made) - set(PARTS):
        raise InputError(
            f"the function makes a mapping with {', '.join(map(str, made))}; it must have test, or train and test"
        )
    return dict(made)


def images_of(target: str, part: str, source: Any) -> Images:
    """The images of a part."""
    try:
        return as_images(source)
    except InputError as error:
        raise InputError(f"target={target}, {part} images: {error}") from error


def numbered(train: Images, test: Images) -> tuple[str, ...]:
    """The numbers of the classes, where they have no names."""
    return tuple(map(str, range(int(torch.cat([train.labels, test.labels]).max()) + 1)))
