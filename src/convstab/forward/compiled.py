"""The forward pass compiled, with frozen weights, in bfloat16."""

import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.forward.eager import CPU_ROWS, ForwardPass, forward_precision, in_batches
from convstab.images import to_unit

COMPILED = "bfloat16 compiled"
OPTIONS: dict[str, Any] = {  # of Inductor
    "freezing": True,
    "compile_threads": 1,  # more would be processes
}
ON_CPU: dict[str, Any] = OPTIONS | {"cpp_wrapper": True}  # without it, a thread in the graph keeps all others waiting


class CompiledPass(ForwardPass):
    """A graph for batches of one size, made by torch.compile; larger ones are cut, and smaller ones filled up.

    Only bfloat16 is compiled: a float32 graph is hardly faster, and its logits of an image depend on those beside it.

    model: images in [0, 1], float (N, C, H, W), channels last -> logits (N, K), on the device.
    rows: images in a batch on a GPU, a multiple of 16; on a CPU it is the same for all.
    Raises InputError when it is first called, where the model cannot be compiled or there is no C++ compiler.
    """

    name = COMPILED

    def __init__(self, model: nn.Module, device: torch.device, rows: int) -> None:
        model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        def classify(images: Tensor) -> Tensor:
            with forward_precision("bfloat16", device):
                logits: Tensor = model(to_unit(images))
            return logits.float()

        self.rows = CPU_ROWS if device.type == "cpu" else rows
        options = ON_CPU if device.type == "cpu" else OPTIONS
        self.graph: Callable[[Tensor], Tensor] = torch.compile(of_its_own(classify), dynamic=False, options=options)
        self.tried = False

    def __call__(self, images: Tensor) -> Tensor:
        """See ``ForwardPass``."""
        return in_batches(self.classify, images, self.rows)

    def classify(self, batch: Tensor) -> Tensor:
        """The logits of ``rows`` images."""
        if self.tried:
            return self.graph(batch)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the compiler: none of them is about the model
                logits = self.graph(batch)
        except Exception as error:
            line = " ".join(str(error).split())[:200]
            said = f"the model cannot be compiled ({type(error).__name__}: {line}); compile=false does without"
            raise InputError(said) from error
        self.tried = True
        return logits


def of_its_own(function: Any) -> FunctionType:
    """The function with code of its own: torch.compile keeps its graphs by code, and only a few for each."""
    return FunctionType(function.__code__.replace(), function.__globals__, closure=function.__closure__)
