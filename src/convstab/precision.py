"""float32 that is float32: convolutions and matrix products that do not round their factors to TF32 or bfloat16."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

import torch
from torch.backends import cuda, cudnn, mkldnn

EXACT = ("ieee", "none")  # of fp32_precision; "none": nothing else was asked for
LOCK, BEFORE = Lock(), ExitStack()  # what torch was set to before the first of those that are inside came
INSIDE = [0]


@contextmanager
def true_float32() -> Iterator[None]:
    """float32 with 24 bits of mantissa in convolutions and matrix products; also a decorator.

    torch lets cuDNN round to TF32 (11 bits) by default, and matrix products to TF32 or bfloat16 where a program asked
    for it. These switches belong to the process: any number of threads may be inside at once, and the last one that
    leaves puts back what there was. Autocast is another matter, and stays as it is.
    """
    with LOCK:
        if not INSIDE[0]:
            switch_off()
        INSIDE[0] += 1
    try:
        yield
    finally:
        with LOCK:
            INSIDE[0] -= 1
            if not INSIDE[0]:
                BEFORE.close()


def switch_off() -> None:
    """Turn off all that rounds more than float32 does, and note in ``BEFORE`` how to undo it."""
    operators = [operator for operator in OPERATORS if hasattr(operator, "fp32_precision")]  # torch 2.9 has brought it
    for operator, precision in [(operator, operator.fp32_precision) for operator in operators]:
        BEFORE.callback(set_precision, operator, precision)
    for get, put, exact in SWITCHES:
        try:
            BEFORE.callback(put, get())
        except RuntimeError:  # set by fp32_precision alone: torch then refuses to read this one
            continue
        put(exact)
    for operator in operators:
        if operator.fp32_precision not in EXACT:
            operator.fp32_precision = "ieee"


def set_precision(operator: Any, precision: str) -> None:
    """Set the precision of an operator, unless it has it: one that was never set follows its backend."""
    if operator.fp32_precision != precision:
        operator.fp32_precision = precision


def set_cudnn_tf32(allowed: bool) -> None:
    """Let cuDNN use TF32, or not."""
    cudnn.allow_tf32 = allowed


OPERATORS: list[Any] = [
    cuda.matmul,
    *(getattr(backend, name, None) for backend in (cudnn, mkldnn) for name in ("conv", "rnn", "matmul")),
]
SWITCHES: list[tuple[Callable[[], Any], Callable[[Any], None], Any]] = [  # read, write, what is exact
    (lambda: cudnn.allow_tf32, set_cudnn_tf32, False),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
]
