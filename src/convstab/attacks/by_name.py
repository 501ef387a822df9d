"""Attack a model from Python: ``convstab.attack``."""

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any, Literal

import numpy as np
import torch
import yaml
from tqdm.auto import tqdm

from convstab.attacks.attack import Attack, Progress
from convstab.attacks.result import AttackResult, as_table
from convstab.errors import InputError
from convstab.files import choices
from convstab.forward.device import device_of
from convstab.forward.own_model import check_gradients, gradients_for_images_only, own_model
from convstab.images import Images
from convstab.validation import QUERIES, SEED, or_meant


def attack(
    model: Any,
    images: Images,
    name: str = "genetic",
    *,
    seed: int = 0,
    max_queries: int | Literal["default"] | None = "default",
    device: str | torch.device | None = None,
    progress: bool | Progress = False,
    **values: Any,
) -> AttackResult:
    """Search the least noise that makes a model misclassify each image. Paper: section 3.

    Nothing is written, and the model stays as it is. Images that the model misclassifies without noise are listed and
    not attacked; what is found for the others is verified by a fresh forward pass in float32, and failures stay.

    Args:
        model: an nn.Module in evaluation mode, or a callable; see ``convstab.evaluate``.
        images: n images with their labels.
        name: genetic, paper, nes, square, hopskipjump or boundary; with gradients of the model: ddn,
            carlini_wagner, lbfgs or deepfool; least_level: of a ``degradation``, given by its name.
        seed: of the attack, 64 bits.
        max_queries: images that may be classified for each; None: as many as it takes to the attack's own end;
            "default": 50,000, and no limit for the paper's search, which needs hundreds of thousands.
        device: cpu, cuda, cuda:1 ...; None: the best there is.
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
    limit = chosen.default_queries if max_queries == "default" else max_queries
    check_budget(seed, limit)
    own, images = own_model(model, images, target)
    pixels, labels = images.pixels.to(target), images.labels.to(target)
    with (
        gradients_for_images_only(model),
        tqdm(total=len(images), unit="image", disable=progress is not True) as bar,
    ):
        if chosen.needs_gradients:
            check_gradients(own, images, target, name)
        advance = progress if callable(progress) else bar.update
        found = chosen(own, pixels, labels, images.ids, seed, limit, advance)
    table, kind = as_table(found), type(model).__name__
    protocol = {"seed": seed, "max_queries": limit} | vars(chosen)
    names = kind, chosen.called
    told = images.units, images.name_column()
    return AttackResult.of(table, np.asarray(images.pixels), images.classes, *names, protocol, *told)


def check_budget(seed: Any, max_queries: Any) -> None:
    """Raise InputError for a seed or a limit of queries (None: none) that no attack can have."""
    if not SEED.holds(seed):
        raise InputError(f"seed is {seed}; it must be {SEED.words}")
    if max_queries is not None and not QUERIES.holds(max_queries):
        raise InputError(
            f"max_queries is {max_queries}; it must be a whole number of at least 1, or null (None): no limit"
        )


def make(name: str, values: Mapping[str, Any]) -> Attack:
    """The attack of conf/attack/<name>.yaml, some of its values replaced; InputError when they do not fit."""
    files = choices("attack")
    name = {spoken(file): file for file in files}.get(spoken(name), name)
    if name not in files:
        raise InputError(f"the attack is {name!r}; it can be {', '.join(sorted(files))}{or_meant(name, files)}")
    content = yaml.safe_load(files[name].read_text(encoding="utf-8"))
    module, _, kind = content.get("attack", content)["_target_"].rpartition(".")
    attack: type[Attack] = getattr(import_module(module), kind)
    known = [field.name for field in fields(attack)]  # type: ignore[arg-type]  # each attack is a dataclass
    for value in values:
        if value not in known:
            raise InputError(
                f"the attack {name} has no setting {value}; it has {', '.join(known)}{or_meant(value, known)}"
            )
    return attack(**values)


def spoken(name: object) -> str:
    """A name without what tells the name of a class from that of a file: CarliniWagner, carlini_wagner."""
    return str(name).replace("_", "").lower()
