"""Weights on disk: read under ``weights_only``, written whole or not at all."""

import io
import pickle
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from convstab import models
from convstab.errors import InputError
from convstab.files import BEST, CONFIG, LAST, write_bytes
from convstab.files.seals import DamagedError, read_sealed, sealed_zip
from convstab.runs.configuration import check_run, load_config, value

if TYPE_CHECKING:
    from convstab.models import Classifier

DAMAGED = (  # what torch.load raises for a file that is no checkpoint: it takes its bytes for commands of pickle
    *(pickle.UnpicklingError, RuntimeError, EOFError),
    *(LookupError, TypeError, ValueError, AttributeError),
)


def load_classifier(folder: Path, checkpoint: str = BEST, trust: Sequence[str] = ()) -> "Classifier":
    """The classifier of a run, on the CPU, in evaluation mode; only plain values and tensors are read from disk.

    trust: the functions of users that may be called to make the model, by their targets, such as "mypkg.nets:build".
    Raises InputError when the checkpoint is missing, damaged, holds anything else, is of another architecture, or of a
    model that another function makes.
    """
    path, config = folder / checkpoint, load_config(folder)
    check_run(config, folder)
    architecture = architecture_of(str(value(config, "model._target_")), folder)
    content = load_checkpoint(path)
    try:
        classifier = architecture.remade(content["hyper_parameters"], trust)
        classifier.load_state_dict(content["state_dict"])
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path} is not a checkpoint of {architecture.__name__}, which {CONFIG} names") from error
    return classifier.eval()


def architecture_of(target: str, folder: Path) -> "type[Classifier]":
    """The class that a run names; InputError when it is no Classifier of convstab."""
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{folder / CONFIG}: model._target_ is {target}, which is not there") from error
    if not (isinstance(found, type) and issubclass(found, models.Classifier)):
        raise InputError(f"{folder / CONFIG}: model._target_ {target} is not a Classifier")
    return found


def load_weights(model: "Classifier", path: Path) -> None:
    """Give a classifier the weights and statistics of a checkpoint; InputError when it is of another architecture."""
    name, shape = type(model).__name__, "x".join(map(str, model.shape))
    try:
        model.load_state_dict(load_checkpoint(path)["state_dict"])
    except (LookupError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path} is not a checkpoint of {name} for {shape} images and {len(model.classes)} classes"
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A Lightning checkpoint, on the CPU, under ``weights_only``; InputError when it is missing, damaged or unsafe."""
    try:
        content = torch.load(io.BytesIO(read_sealed(path)), map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; has the training finished an epoch?") from error
    except DamagedError as error:
        raise InputError(f"{error}; train the run again, or with ckpt=last where {LAST} is whole") from error
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{path} is damaged, or holds more than weights and plain values") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a checkpoint: it holds no names")
    return content


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint with a checksum, at once or not at all."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, sealed_zip(buffer.getvalue()))
