"""Weights from a file that holds tensors and plain values, never code."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.packages import need

PREFIXES = "module.", "model.", "net.", "_orig_mod."  # of DataParallel, LightningModules and torch.compile
WITHIN = "state_dict", "model_state_dict", "model"  # where a checkpoint keeps the weights
UNSAFE = "holds more than weights and plain values, or is damaged; save them alone: torch.save(model.state_dict(), ...)"
Weights = dict[str, Tensor]


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Give a module the weights of a file, all of them; InputError names what is missing, too much or of other shape.

    path: a state dict of ``torch.save`` (read with weights_only), a checkpoint that has one, or .safetensors. Prefixes
        such as ``module.`` are taken off where all names fit then.
    """
    wanted = model.state_dict()
    given = stripped(read_weights(Path(path)), set(wanted))
    missing, unexpected = [name for name in wanted if name not in given], [name for name in given if name not in wanted]
    if missing or unexpected:
        said = [f"misses {some(missing)}"] * bool(missing) + [f"has {some(unexpected)} too many"] * bool(unexpected)
        raise InputError(f"{path} does not fit the model: it {' and '.join(said)}")
    for name, value in wanted.items():
        if given[name].shape != value.shape:
            there, here = tuple(given[name].shape), tuple(value.shape)
            raise InputError(f"{path} does not fit the model: {name} is {there} there and {here} in the model")
    model.load_state_dict(given)


def read_weights(path: Path) -> Weights:
    """The named tensors of a file; InputError when it holds none, or anything that could be code."""
    if not path.is_file():
        raise InputError(f"weights={path} is not a file")
    try:
        if path.suffix == ".safetensors":
            content: Any = need("safetensors.torch", "safetensors").load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        raise InputError(f"{path} {UNSAFE}") from error
    except Exception as error:  # torch and safetensors have many words for a file that is none of theirs
        raise InputError(f"{path} {UNSAFE}") from error
    for name in WITHIN:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping) or not content or not all(isinstance(one, Tensor) for one in content.values()):
        raise InputError(f"{path} holds no state dict: names with a tensor each")
    return {str(name): value for name, value in content.items()}


def stripped(given: Weights, wanted: set[str]) -> Weights:
    """The weights without the prefixes that all of them share, one after another, where that makes all names fit."""
    shorter = given
    while shorter.keys() != wanted:
        prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in shorter)), None)
        if prefix is None:
            return max(given, shorter, key=lambda one: len(one.keys() & wanted))
        shorter = {name.removeprefix(prefix): value for name, value in shorter.items()}
    return shorter


def some(names: list[str]) -> str:
    """The first two names, and how many more there are."""
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
