"""Models by their names in timm, transformers and torchvision."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from convstab.errors import InputError
from convstab.models.own.found import Found
from convstab.models.own.normalisation import Normalisation, as_numbers
from convstab.models.own.wrapper import Size
from convstab.packages import need, one_line

NO_NAME = re.compile(r"LABEL_\d+")  # what transformers calls classes that have no name


def of_timm(name: str, pretrained: bool = False, options: Mapping[str, Any] | None = None) -> Found:
    """A model of timm: its configuration knows mean, standard deviation and size."""
    timm = need("timm", "timm")
    model = tried(lambda: timm.create_model(name, pretrained=pretrained, **(options or {})), f"timm: {name}")
    config = need("timm.data", "timm").resolve_model_data_config(model)
    given = getattr(model, "pretrained_cfg", None) or {}  # else timm fills in the numbers of ImageNet
    known = (
        Normalisation(as_numbers("mean", config["mean"]), as_numbers("std", config["std"])) if "mean" in given else None
    )
    return Found(
        model.eval(),
        source("timm", timm, name, options),
        known,
        size=tuple(config["input_size"][1:]),
        trained=pretrained,
    )


def of_hf(name: str, download: bool = False) -> Found:
    """A model of transformers, from a folder or a hub's copy on this machine; its code is that of transformers alone.

    download: fetch from the hub what is not there.
    """
    transformers = need("transformers", "hf")
    options = {"local_files_only": not download, "trust_remote_code": False}
    hint = "" if download else "; model.download=true (download=True) fetches it from the hub"
    model = tried(
        lambda: transformers.AutoModelForImageClassification.from_pretrained(name, **options), f"hf: {name}", hint
    )
    processor = None
    with suppress(Exception):  # there is none, or it needs what is not there: then mean and std are to be said
        processor = transformers.AutoImageProcessor.from_pretrained(name, **options)
    return Found(
        model.eval(),
        source("hf", transformers, name, None),
        None if processor is None else of_processor(processor),
        classes_of(getattr(model, "config", None)),
        size_of(processor),
    )


def of_torchvision(name: str, pretrained: bool = False, options: Mapping[str, Any] | None = None) -> Found:
    """A model of torchvision; the weights that it comes with know mean, standard deviation, size and classes."""
    models = need("torchvision.models", "torchvision")
    label = f"torchvision: {name}"
    if not pretrained:
        model = tried(lambda: models.get_model(name, weights=None, **(options or {})), label)
        return Found(
            model.eval(), source("torchvision", need("torchvision", "torchvision"), name, options), trained=False
        )
    weights = tried(lambda: models.get_model_weights(name).DEFAULT, label)
    model = tried(lambda: models.get_model(name, weights=weights, **(options or {})), label)
    side = weights.transforms().crop_size[0]
    return Found(
        model.eval(),
        source("torchvision", need("torchvision", "torchvision"), name, options),
        normalisation_of_weights(weights),
        tuple(weights.meta["categories"]),
        (side, side),
    )


def normalisation_of_weights(weights: Any) -> Normalisation:
    """What torchvision does to the images of its weights."""
    images = weights.transforms()
    return Normalisation(as_numbers("mean", images.mean), as_numbers("std", images.std))


def tried(make: Callable[[], Any], label: str, hint: str = "") -> Any:
    """What a library makes; InputError when it cannot, in its own words."""
    try:
        return make()
    except Exception as error:  # each library has words of its own for a name that is not there
        raise InputError(f"{label} cannot be loaded: {one_line(error)}{hint}") from error


def source(kind: str, package: Any, name: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where a model is from."""
    return {
        "kind": kind,
        "name": name,
        "options": dict(options or {}),
        "package": f"{package.__name__} {getattr(package, '__version__', '?')}",
    }


def of_processor(processor: Any) -> Normalisation:
    """The normalisation of transformers: it multiplies grey levels by a factor, most often 1/255, beforehand."""
    factor = 255 * (processor.rescale_factor if getattr(processor, "do_rescale", True) else 1.0)
    plain = not getattr(processor, "do_normalize", True)
    mean, std = ((0.0,), (1.0,)) if plain else (processor.image_mean, processor.image_std)
    means, stds = as_numbers("mean", mean), as_numbers("std", std)
    return Normalisation(tuple(one / factor for one in means), tuple(one / factor for one in stds))


def size_of(processor: Any) -> Size | None:
    """(H, W) of the images that a processor of transformers makes, where it says both."""
    cropped = getattr(processor, "do_center_crop", False) and getattr(processor, "crop_size", None)
    size = cropped or getattr(processor, "size", None)
    height, width = (  # transformers 5 has an object in place of a dictionary
        size.get(side) if isinstance(size, Mapping) else getattr(size, side, None) for side in ("height", "width")
    )
    return (int(height), int(width)) if height and width else None


def classes_of(config: Any) -> tuple[str, ...]:
    """The class names in a configuration of transformers; none where it has made them up."""
    names = getattr(config, "id2label", None) or {}
    found = tuple(str(names[place]) for place in sorted(names, key=int))
    return () if all(NO_NAME.fullmatch(name) for name in found) else found
