"""The module of an own model that is trained here: as a user says it, and anew from the plain values of a run."""

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from convstab.errors import InputError
from convstab.models.own.found import Found
from convstab.models.own.hf import hf_classifier
from convstab.models.own.libraries import normalisation_of_weights, of_timm, tried
from convstab.models.own.normalisation import own_normalisation
from convstab.models.own.python import made_by
from convstab.packages import need, one_line

Options = Mapping[str, Any] | None
# options that fetch weights, or read files
OF_WEIGHTS = re.compile(r"pretrained.*|weights.*|checkpoint_path|cache_dir|progress")
NAME = re.compile(r"[\w.-]+")  # of an architecture; "hf-hub:..." and "local-dir:..." are places


def to_train(kind: str, where: Mapping[str, Any], shape: Sequence[int], classes: Sequence[str]) -> Found:
    """The module that is to be trained on images (C, H, W) of these classes.

    Its source holds the plain values that make the same module again, without weights, in another process.

    kind, where: as ``load_model`` has them, and for hf ``config``, the plain values of one in place of a folder.
    Raises InputError for what cannot be made, or cannot be trained.
    """
    if kind not in MAKERS:
        raise InputError(f"a model of the kind {kind} cannot be trained; {', '.join(MAKERS)} can")
    return MAKERS[kind](shape, classes, **where)


def python_module(shape: Sequence[int], classes: Sequence[str], target: Any, options: Options = None) -> Found:  # noqa: ARG001
    """What a function of the user's makes, or a copy of it: it may give the same module to every training."""
    made = made_by(target, options)
    try:
        own = copy.deepcopy(made)
    except RuntimeError as error:
        raise InputError(f"what {target} makes cannot be copied: {one_line(error)}") from error
    source = {"kind": "python", "target": target, "options": dict(options or {})}
    return Found(own, source, own_normalisation(own), trained=False)


def timm_classifier(
    shape: Sequence[int], classes: Sequence[str], name: str, pretrained: bool = False, options: Options = None
) -> Found:
    """A model of timm with these channels and classes; where it brings weights, timm makes its head anew."""
    chosen = {"num_classes": len(classes), "in_chans": shape[0]} | allowed("timm", name, options)
    found = of_timm(name, pretrained, chosen)
    source = {"kind": "timm", "name": name, "options": chosen}
    return Found(found.model, source, found.normalisation, trained=pretrained)


def torchvision_classifier(
    shape: Sequence[int],  # noqa: ARG001  # its models take images of three channels
    classes: Sequence[str],
    name: str,
    pretrained: bool = False,
    options: Options = None,
) -> Found:
    """A classifier of torchvision with these classes; its own weights but for the last layer, where they are wanted."""
    models = need("torchvision.models", "torchvision")
    chosen = {"num_classes": len(classes)} | allowed("torchvision", name, options)
    if name not in models.list_models(module=models):
        raise InputError(f"torchvision: {name} is not one of its classifiers, such as resnet18")
    if pretrained and "transform_input" in inspect.signature(models.get_model_builder(name)).parameters:
        chosen = {"transform_input": True} | chosen  # as torchvision itself has it for its weights
    model = tried(lambda: models.get_model(name, weights=None, **chosen), f"torchvision: {name}")
    source = {"kind": "torchvision", "name": name, "options": chosen}
    if not pretrained:
        return Found(model, source, trained=False)
    weights = tried(lambda: models.get_model_weights(name).DEFAULT, f"torchvision: {name}")
    state = tried(lambda: weights.get_state_dict(progress=False, check_hash=True), f"torchvision: {name}")
    load_but_head(model, state, f"torchvision: {name}")
    return Found(model, source, normalisation_of_weights(weights))


def load_but_head(model: nn.Module, state: Mapping[str, Tensor], label: str) -> None:
    """Load weights, but for those of layers with another number of classes; InputError when others do not fit."""
    wanted = model.state_dict()
    fits = {name: value for name, value in state.items() if name in wanted and wanted[name].shape == value.shape}
    other = [name for name in wanted if name not in fits]
    beyond = [name for name in other if name not in state or wanted[name].shape[1:] != state[name].shape[1:]]
    if beyond or state.keys() - wanted.keys():
        name = (beyond or sorted(state.keys() - wanted.keys()))[0]
        raise InputError(f"{label}: with these options its weights do not fit: {name}")
    model.load_state_dict(fits, strict=False)


def allowed(library: str, name: str, options: Options) -> dict[str, Any]:
    """The options of an architecture; InputError for those of weights, and for a name that is a place."""
    if not NAME.fullmatch(str(name)):
        raise InputError(f"{library}: {name} is not the name of an architecture, from which a run could be made again")
    for option in options or {}:
        if OF_WEIGHTS.fullmatch(str(option)):
            raise InputError(f"model.options has {option}; say model.pretrained= or model.weights= in its place")
    return dict(options or {})


MAKERS: dict[str, Callable[..., Found]] = {
    "python": python_module,
    "timm": timm_classifier,
    "hf": hf_classifier,
    "torchvision": torchvision_classifier,
}
