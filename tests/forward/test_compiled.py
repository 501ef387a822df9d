"""The compiled forward pass: the logits of the model, the same bits among any other images, and its failures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._inductor import config

from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.forward.compiled import CompiledPass, of_its_own
from convstab.forward.eager import EagerPass
from convstab.models import Aghdam, CifarQuick, LeNet

CPU = torch.device("cpu")
ROWS = 32


def grey(count: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)
    return pixels.contiguous(memory_format=torch.channels_last)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 4), nn.Dropout(0.9)
    )


@pytest.fixture(scope="module")
def compiled() -> Iterator[CompiledPass]:
    """A small network, compiled once for all tests here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    forward = CompiledPass(network(), CPU, ROWS)
    with torch.inference_mode():
        forward(grey(ROWS, 3, 12, 12))
    yield forward
    torch.set_num_threads(threads)


def test_on_a_cpu_the_graph_has_one_size_whatever_the_batches_have() -> None:
    """Where a core has AMX, how a sum is rounded depends on the size: a result must not depend on batch_size."""
    few, many = CompiledPass(network(), CPU, 16), CompiledPass(network(), CPU, 4096)
    assert few.rows == many.rows


@torch.inference_mode()
def test_the_logits_are_those_of_the_model_in_bfloat16(compiled: CompiledPass) -> None:
    images = grey(100, 3, 12, 12)
    exact = EagerPass(network(), "float32", CPU)(images)
    found = compiled(images)
    assert found.dtype == torch.float32
    assert found.shape == (100, 4)
    assert torch.allclose(found, exact, atol=0.02)
    assert not torch.equal(found, exact)
    assert torch.allclose(found, EagerPass(network(), "bfloat16", CPU)(images), atol=0.01)


@torch.inference_mode()
def test_an_image_has_the_same_logits_among_any_others(compiled: CompiledPass) -> None:
    images = grey(100, 3, 12, 12)
    whole = compiled(images)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(1))
    assert torch.equal(compiled(images[order]), whole[order])
    for first, count in [(0, 1), (3, 16), (17, 33), (68, 32)]:
        assert torch.equal(compiled(images[first : first + count]), whole[first : first + count])


@torch.inference_mode()
def test_floats_are_taken_as_grey_levels_and_left_as_they_are(compiled: CompiledPass) -> None:
    images = grey(20, 3, 12, 12)
    floats = images.float()
    before = floats.clone()
    assert torch.allclose(compiled(floats), compiled(images), atol=0.01)
    assert torch.equal(floats, before)


def test_each_has_code_of_its_own_and_so_its_own_graphs() -> None:
    def function() -> int:
        return number

    number = 3
    found = of_its_own(function)
    assert found.__code__ is not function.__code__
    assert found() == 3


class Refusing(nn.Module):
    """A model that fails on what it is given."""

    def forward(self, images: Tensor) -> Tensor:
        return images.view(7, -1)


@torch.inference_mode()
def test_what_cannot_be_compiled_is_said_in_a_line() -> None:
    with pytest.raises(InputError, match=r"^the model cannot be compiled \(.+\); compile=false does without$") as said:
        CompiledPass(Refusing(), CPU, ROWS)(grey(ROWS, 3, 12, 12))
    assert "\n" not in str(said.value)


@pytest.mark.slow
@torch.inference_mode()
def test_without_a_compiler_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    with config.patch({"cpp.cxx": ("no-such-compiler",)}), pytest.raises(InputError, match="cannot be compiled"):
        CompiledPass(nn.Sequential(nn.Flatten(), nn.Linear(75, 5), nn.Tanh()), CPU, ROWS)(grey(ROWS, 3, 5, 5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "shape"), [(LeNet, (1, 28, 28)), (CifarQuick, (3, 32, 32)), (Aghdam, (3, 48, 48))]
)
def test_batch_size_and_slices_change_no_byte_for_the_models_of_the_paper(
    architecture: type[LeNet], shape: tuple[int, int, int]
) -> None:
    torch.manual_seed(0)
    model = architecture(shape, [str(label) for label in range(10)]).eval()
    pixels, labels, index = grey(6, *shape), torch.arange(6), torch.arange(6)
    protocol, forward = Protocol((0, 20, 60), draws=37), CompiledPass(model, CPU, 128)

    def counts(rows: slice, size: int) -> dict[str, np.ndarray]:
        return stability(forward, pixels[rows], labels[rows], index[rows], 10, protocol, batch_size=size).rows

    whole = counts(slice(0, 6), 128)
    for size in (16, 48, 500):
        assert all(np.array_equal(column, whole[name]) for name, column in counts(slice(0, 6), size).items())
    for rows in (16, 48):  # graphs of other sizes
        forward = CompiledPass(model, CPU, rows)
        assert all(np.array_equal(column, whole[name]) for name, column in counts(slice(0, 6), rows).items())
    parts = [counts(rows, 128) for rows in (slice(0, 1), slice(1, 6))]
    assert all(np.array_equal(np.concatenate([part[name] for part in parts]), whole[name]) for name in whole)
    exact = stability(model, pixels, labels, index, 10, protocol).rows
    assert np.abs(exact["score_mean"] - whole["score_mean"]).max() < 0.02
    assert not np.array_equal(exact["score_mean"], whole["score_mean"])
