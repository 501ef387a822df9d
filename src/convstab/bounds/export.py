"""A model as an ONNX file, as verifiers take it."""

import io
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.files import write_bytes
from convstab.images import GREY_LEVELS
from convstab.packages import need, one_line

EXTRA = "onnx"  # what brings the packages, see pyproject.toml
OPSET = 13  # the newest that the converters of verifiers know well
SAME = 1e-4  # of the greatest logit: how far those of the file may be from the model's
INPUT, OUTPUT = "image", "logits"


def write_onnx(model: nn.Module, pixels: Tensor, path: Path) -> None:
    """Write a model that takes images in [0, 1], (n, C, H, W) with any n, and returns logits; its normalisation inside.

    Args:
        model: on the CPU, in evaluation mode.
        pixels: uint8 (n, C, H, W), on which the file is tried: its logits must be those of the model.
        path: of the file.

    Raises:
        InputError: the extra ``onnx`` is missing, the model cannot be written, or the file says something else.
    """
    need("onnx", EXTRA)
    runtime = need("onnxruntime", EXTRA)
    if not getattr(model, "differentiable", True):
        raise InputError("votes, and models without gradients, cannot be written as ONNX for a verifier")
    images = pixels.float() / GREY_LEVELS
    content = as_onnx(model, images[:1])
    check_same(model, runtime.InferenceSession(content, providers=["CPUExecutionProvider"]), images)
    write_bytes(path, content)


def as_onnx(model: nn.Module, image: Tensor) -> bytes:
    """The content of the file; image: one, in [0, 1], whose values do not matter."""
    content, any_number = io.BytesIO(), {name: {0: "n"} for name in (INPUT, OUTPUT)}
    try:
        with warnings.catch_warnings():  # that PyTorch has a newer exporter, which needs onnxscript, too
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (image,),
                content,  # type: ignore[arg-type]  # PyTorch writes to it
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes=any_number,
            )
    except Exception as error:
        raise InputError(f"the model cannot be written as ONNX: {one_line(error)}") from error
    return content.getvalue()


@torch.inference_mode()
def check_same(model: nn.Module, session: Any, images: Tensor) -> None:
    """Raise InputError unless a file gives the logits of the model."""
    expected = model(images)
    (found,) = session.run(None, {INPUT: images.numpy()})
    apart = float((torch.from_numpy(found) - expected).abs().max() / expected.abs().max())
    if not apart <= SAME:
        raise InputError(f"the ONNX file is not the model: its logits are {apart:.2g} of the greatest one off")
