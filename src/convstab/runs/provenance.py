"""Where a result comes from: the training behind it, and the software and machine that made it."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from convstab.runs.configuration import data_name, model_name

PACKAGES = ("convstab", "torch", "pytorch-lightning", "numpy")
NOISE = ("GaussianNoise", "NoisyCopies", "DegradedCopies")  # augmentations that train on noise, or on what is like it


def made_with(device: torch.device) -> dict[str, Any]:
    """Versions of what computed a result, and what it ran on."""
    versions = {package: version(package) for package in PACKAGES}
    machine = {
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "threads": torch.get_num_threads(),
    }
    return {"python": platform.python_version()} | versions | machine | {"device": name_of(device)}


def arithmetic(device: torch.device) -> dict[str, str]:
    """What decides the bits of a float32 result, beside code and data: torch, and a CPU's instructions or a GPU."""
    instructions = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    hardware = instructions if device.type == "cpu" else name_of(device)
    return {"torch": torch.__version__, "device": device.type, "hardware": hardware}


def processor() -> str:
    """The model of the processor, as Linux names it; elsewhere as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def name_of(device: torch.device) -> str:
    """The name of a GPU, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def training_of(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What was trained, on what, and from which seed: from the plain configuration and the metrics of a training.

    augment: the names of the augmentations, joined by " + ", or "none". noisy: whether one of them adds noise.
    """
    augmentations = augmentations_of(config["augment"])
    return {
        "dataset": data_name(config),
        "model": model_name(config),
        "augment": " + ".join(augmentations) or "none",
        "noisy": any(name in NOISE for name in augmentations),
        "seed": config["seed"],
        "epochs": metrics.get("epochs"),
        "images": {name: metrics.get(f"images/{name}") for name in ("train", "validation", "test")},
        "official": metrics.get("official"),
    }


def augmentations_of(augment: Mapping[str, Any]) -> list[str]:
    """The class names of an augmentation, of each part where it is a chain."""
    parts = [value for value in augment.values() if isinstance(value, Mapping) and "_target_" in value]
    name = augment["_target_"].split(".")[-1]
    return [name] if name != "Chain" else [found for part in parts for found in augmentations_of(part)]


def merged(trainings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The training of an ensemble: what its members agree on, their number and their seeds.

    Where they do not agree it is "various"; noisy when one of them is; official None, not known.
    """
    agreed = {name: common([training[name] for training in trainings]) for name in trainings[0] if name != "seed"}
    noisy = any(training["noisy"] for training in trainings)
    return agreed | {"noisy": noisy, "members": len(trainings), "seeds": [training["seed"] for training in trainings]}


def common(values: Sequence[Any]) -> Any:
    """The one value of all, key by key where they are mappings; else "various", or None for switches."""
    if isinstance(values[0], Mapping):
        return {name: common([value[name] for value in values]) for name in values[0]}
    if all(value == values[0] for value in values):
        return values[0]
    return None if isinstance(values[0], bool) else "various"
