"""A classifier of transformers that is trained here: from a configuration, with or without weights."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from convstab.errors import InputError
from convstab.models.own.found import Found
from convstab.models.own.libraries import of_processor, tried
from convstab.packages import need

# in a configuration: code of others, or files and models of the hub by their names
OF_OTHERS = re.compile(r"_.*|auto_map|.*_implementation|quantization_config|backbone|use_.*backbone|.*dtype")
WEIGHTS = "*.safetensors", "pytorch_model*.bin", "*.index.json"  # in the folder of a model that has some
LIBRARY_OF_ITS_OWN = "timm_wrapper"
Config = Mapping[str, Any]


def hf_classifier(
    shape: Sequence[int], classes: Sequence[str], name: str, download: bool = False, config: Config | None = None
) -> Found:
    """A classifier of transformers for these classes, by a folder, or an id of the hub; its code is transformers' own.

    download: fetch from the hub what is not there. config: plain values in place of the folder: random weights.
    """
    library = need("transformers", "hf")
    if config is not None:
        return Found(from_config(library, config, name), source(name, config), trained=False)
    options = {"local_files_only": not download, "trust_remote_code": False}
    hint = "" if download else "; model.download=true (download=True) fetches it from the hub"
    given = tried(lambda: library.AutoConfig.from_pretrained(name, **options), f"hf: {name}", hint)
    plain = json.loads(given.to_json_string(use_diff=False)) | labels(classes)
    trained = not Path(name).is_dir() or any(any(Path(name).glob(one)) for one in WEIGHTS)
    if not trained and "num_channels" in plain:
        plain["num_channels"] = shape[0]
    plain = harmless(plain)
    model = from_config(library, plain, name)
    if trained:
        model = with_weights(library, model, name, options, hint)
    normalisation = None
    with suppress(Exception):  # there is no processor, or it needs what is not there: then mean and std are to be said
        normalisation = of_processor(library.AutoImageProcessor.from_pretrained(name, **options))
    return Found(model, source(name, plain), normalisation, trained=trained)


def from_config(library: Any, config: Config, name: str) -> Any:
    """A new model of a configuration, in float32; InputError for one that names what is not transformers' own."""
    values: dict[str, Any] = harmless(config)
    kind = values.pop("model_type", None)
    if kind == LIBRARY_OF_ITS_OWN:
        raise InputError(f"hf: {name} is a model of timm; model=timm trains it")
    label, auto = f"hf: {name}", library.AutoModelForImageClassification
    made = tried(lambda: library.AutoConfig.for_model(kind, **values), label)
    return tried(lambda: auto.from_config(made, trust_remote_code=False), label).float()


def with_weights(library: Any, model: Any, name: str, options: Mapping[str, Any], hint: str) -> Any:
    """The model with its weights; those of a head for other classes are made anew, and no others."""
    auto, label = library.AutoModelForImageClassification, f"hf: {name}"
    more = {"config": model.config, "ignore_mismatched_sizes": True, "output_loading_info": True}
    loaded, info = tried(lambda: auto.from_pretrained(name, **more, **options), label, hint)
    wanted, labels = model.state_dict(), model.config.num_labels
    for one, *_ in info["mismatched_keys"]:
        if wanted[one].shape[0] != labels:
            raise InputError(f"{label}: its weights do not fit its configuration: {one}")
    return loaded.float()


def harmless(value: Any) -> Any:
    """A configuration, or a value in it, without what names code, files or models of others, at any depth."""
    if isinstance(value, Mapping):
        return {str(key): harmless(one) for key, one in value.items() if not OF_OTHERS.fullmatch(str(key))}
    return [harmless(one) for one in value] if isinstance(value, list) else value


def labels(classes: Sequence[str]) -> dict[str, Any]:
    """The classes as a configuration of transformers has them."""
    return {
        "id2label": {str(place): name for place, name in enumerate(classes)},
        "label2id": {name: place for place, name in enumerate(classes)},
    }


def source(name: str, config: Config) -> dict[str, Any]:
    """The plain values that make the model again."""
    return {"kind": "hf", "name": name, "config": dict(config)}
