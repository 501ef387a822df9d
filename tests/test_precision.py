"""float32 that is float32: what torch may round is off inside, for every thread, and as it was afterwards."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import torch
from torch.backends import cuda, cudnn, mkldnn

from convstab import precision
from convstab.precision import true_float32

GENERIC: Any = torch.backends
CUDNN: Any = cudnn
MKLDNN: Any = mkldnn
TWO_INTERFACES = hasattr(GENERIC, "fp32_precision")  # torch 2.9 has brought the second one


def read(get: Callable[[], Any]) -> Any:
    """A switch; torch refuses to read one that was set by the other of its two interfaces."""
    try:
        return get()
    except RuntimeError:
        return "refused"


def switches() -> list[Any]:
    """All that torch says about the precision of float32."""
    old = [lambda: cudnn.allow_tf32, lambda: cuda.matmul.allow_tf32, torch.get_float32_matmul_precision]
    new = [operator for operator in (GENERIC, cudnn, *precision.OPERATORS) if hasattr(operator, "fp32_precision")]
    return [*map(read, old), *(operator.fp32_precision for operator in new)]


def rounded() -> list[str]:
    """What operators of float32 would round to."""
    found = [getattr(operator, "fp32_precision", "none") for operator in precision.OPERATORS]
    return [name for name in found if name not in ("ieee", "none")]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave torch as it starts for the tests that follow."""
    yield
    if TWO_INTERFACES:
        GENERIC.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = True
    for operator in precision.OPERATORS:
        if hasattr(operator, "fp32_precision"):
            operator.fp32_precision = "tf32" if operator in (CUDNN.conv, CUDNN.rnn) else "none"


OLD: list[Callable[[], Any]] = [
    lambda: None,
    lambda: torch.set_float32_matmul_precision("high"),
    lambda: torch.set_float32_matmul_precision("medium"),
    lambda: setattr(cudnn, "allow_tf32", False),
    lambda: setattr(cuda.matmul, "allow_tf32", True),
]
NEW: list[Callable[[], Any]] = [
    lambda: setattr(GENERIC, "fp32_precision", "tf32"),
    lambda: setattr(GENERIC, "fp32_precision", "bf16"),
    lambda: setattr(GENERIC, "fp32_precision", "ieee"),
    lambda: setattr(CUDNN.conv, "fp32_precision", "ieee"),
    lambda: setattr(cuda.matmul, "fp32_precision", "tf32"),
    lambda: setattr(MKLDNN.matmul, "fp32_precision", "bf16"),
]


def fails_inside() -> None:
    with true_float32():
        with true_float32():
            assert rounded() == []
        assert rounded() == []
        assert read(lambda: cudnn.allow_tf32) in (False, "refused")
        raise KeyError


@pytest.mark.parametrize("set_up", OLD + (NEW if TWO_INTERFACES else []))
def test_whatever_was_set_is_off_inside_and_set_again_afterwards(set_up: Callable[[], Any]) -> None:
    set_up()
    before = switches()
    with pytest.raises(KeyError):
        fails_inside()
    assert switches() == before


def test_programs_may_read_and_bracket_cudnn_inside() -> None:
    with true_float32():
        assert (cudnn.allow_tf32, cuda.matmul.allow_tf32) == (False, False)
        with cudnn.flags(enabled=False, allow_tf32=False):
            assert rounded() == []
        assert rounded() == []


def test_a_thread_that_leaves_does_not_switch_on_what_others_need_off() -> None:
    first_out, checked, before = Barrier(2), Barrier(2), switches()

    def short() -> None:
        with true_float32():
            first_out.wait()
        checked.wait()

    with ThreadPoolExecutor(1) as pool, true_float32():
        done = pool.submit(short)
        first_out.wait()
        checked.wait()
        assert rounded() == []
        done.result()
    assert switches() == before


def test_a_torch_with_one_interface_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "OPERATORS", [None])
    torch.set_float32_matmul_precision("medium")
    with true_float32():
        assert (cudnn.allow_tf32, torch.get_float32_matmul_precision()) == (False, "highest")
    assert (cudnn.allow_tf32, torch.get_float32_matmul_precision()) == (True, "medium")
