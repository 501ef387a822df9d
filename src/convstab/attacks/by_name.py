"""Attack a model from Python: ``convstab.attack``."""

from collections.abc import Mapping
from importlib import import_module, resources
from typing import Any, Literal

import numpy as np
import yaml
from tqdm.auto import tqdm

from convstab.attacks.attack import Attack, Progress
from convstab.attacks.result import AttackResult, as_table
from convstab.errors import InputError
from convstab.images import Images
from convstab.validation import device_of, own_model


def attack(
    model: Any,
    images: Images,
    name: str = "genetic",
    *,
    seed: int = 0,
    max_queries: int | Literal["default"] | None = "default",
    device: str | None = None,
    progress: bool | Progress = False,
    **values: Any,
) -> AttackResult:
    """Search the least noise that makes a model misclassify each image. Paper: section 3.

    Nothing is written, and the model stays as it is. Images that the model misclassifies without noise are listed and
    not attacked; what is found for the others is verified by a fresh forward pass in float32, and failures stay.

    Args:
        model: an nn.Module in evaluation mode, or a callable; see ``convstab.evaluate``.
        images: n images with their labels.
        name: boundary, carlini_wagner, ddn, deepfool, gaussian, genetic, hopskipjump, lbfgs, nes, paper or square.
        seed: of the attack, 64 bits.
        max_queries: images that may be classified for each; None: as many as it takes to the attack's own end;
            "default": 50,000, and no limit for the paper's search, which needs hundreds of thousands.
        device: cpu or cuda; None: the best there is.
        progress: show a bar, in a terminal or a notebook; or what is given the number of images just finished.
        values: of the attack, in place of its defaults, such as ``steps=300``.

    Raises:
        InputError: a model, images, a name or values that do not fit; no image that is classified correctly.

    >>> import torch, convstab as cs
    >>> images = cs.Images(torch.rand(4, 1, 4, 4), torch.tensor([0, 1, 0, 1]))
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    >>> found = cs.attack(model, images, "ddn", steps=20)
    >>> found.attack, found.norms.shape, found.noise.shape
    ('DDN', (4,), (4, 1, 4, 4))
    """
    chosen = make(name, values)
    target = device_of(device)
    own, images = own_model(model, images, target)
    pixels, labels = images.pixels.to(target), images.labels.to(target)
    limit = chosen.default_queries if max_queries == "default" else max_queries
    with tqdm(total=len(images), unit="image", disable=progress is not True) as bar:
        advance = progress if callable(progress) else bar.update
        found = chosen(own, pixels, labels, images.ids, seed, limit, advance)
    table, kind = as_table(found), type(model).__name__
    protocol = {"seed": seed, "max_queries": limit} | vars(chosen)
    names = kind, type(chosen).__name__
    return AttackResult.of(table, np.asarray(images.pixels), images.classes, *names, protocol, images.units)


def make(name: str, values: Mapping[str, Any]) -> Attack:
    """The attack of conf/attack/<name>.yaml, some of its values replaced; InputError when they do not fit."""
    files = {file.name.removesuffix(".yaml"): file for file in (resources.files("convstab.conf") / "attack").iterdir()}
    if name not in files:
        raise InputError(f"the attack is {name!r}; it can be {', '.join(sorted(files))}")
    content = yaml.safe_load(files[name].read_text(encoding="utf-8"))
    module, _, kind = content.get("attack", content)["_target_"].rpartition(".")
    try:
        made: Attack = getattr(import_module(module), kind)(**values)
    except TypeError as error:
        raise InputError(f"attack {name}: {error}") from error
    return made
