"""The images that a page shows: some of each class, and the very draws that the table keeps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import convstab as cs
from convstab.commands import evaluate
from convstab.data.module import ImageData
from convstab.degradations.similarity import ssim
from convstab.errors import InputError
from convstab.evaluation.examples import EXAMPLES, Examples, choose
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.stability import stability
from convstab.models import LeNet
from convstab.runs.run import Run

SIGMAS = (0.0, 5.0, 40.0)
CPU = torch.device("cpu")


def test_of_each_class_the_worst_the_best_and_some_between_are_chosen() -> None:
    rates = np.linspace(0, 1, 200)[:, None] * np.ones(3)
    labels = np.arange(200) % 2
    chosen = choose(rates, labels)
    for label in (0, 1):
        members = chosen[labels[chosen] == label]
        assert len(members) == 60
        assert members[0] == label  # the worst of its class
        assert members[-1] == 198 + label  # the best
        assert (np.diff(rates[members, 0]) > 0).all()


def test_a_class_of_one_image_and_many_classes_are_no_trouble() -> None:
    labels = np.array([0, *np.repeat(np.arange(1, 101), 5)])
    chosen = choose(np.random.default_rng(0).random((len(labels), 2)), labels)
    assert np.unique(labels[chosen], return_counts=True)[1].tolist() == [1, *[2] * 100]
    assert len(set(chosen.tolist())) == len(chosen)


@pytest.fixture(params=[True, False])
def made(request: pytest.FixtureRequest, make_data: Callable[..., ImageData]) -> tuple[Run, StabilityResult, Protocol]:
    """An evaluation of an untrained model, with and without rounding."""
    test = make_data().images.test
    test = replace(test, ids=torch.arange(len(test)) * 3 + 1)
    protocol = Protocol(SIGMAS, draws=6, seed=9, clip=request.param, rounding=request.param)
    torch.manual_seed(0)
    model = LeNet((3, 16, 16), list("abcd")).eval()
    counts = stability(model, test.pixels, test.labels, test.ids, 4, protocol)
    result = StabilityResult(list("abcd"), protocol, counts.rows, counts.totals)
    return Run(model, test, "run", {}), result, protocol


class Recorder(nn.Module):
    """A classifier that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images.clone())
        return torch.zeros(len(images), 4)


@pytest.fixture
def counted(made: tuple[Run, StabilityResult, Protocol]) -> torch.Tensor:
    """The very draws that the evaluation classifies, float (images, draws, C, H, W), by sigma, then draw."""
    run, _, protocol = made
    recorder = Recorder()
    stability(recorder, run.test.pixels, run.test.labels, run.test.ids, 4, protocol, batch_size=4096)
    draws = len(run.test.ids) * protocol.draws_per_image
    return torch.cat(recorder.seen)[:draws].view(-1, protocol.draws_per_image, 3, 16, 16)


def made_on(device: torch.device, run: Run, result: StabilityResult, protocol: Protocol) -> Examples:
    """The examples of an evaluation."""
    return Examples.of(run.test, result, protocol, device)


def test_the_noisy_copies_are_the_draws_that_the_table_keeps(
    made: tuple[Run, StabilityResult, Protocol], counted: torch.Tensor
) -> None:
    run, result, protocol = made
    examples = made_on(CPU, run, result, protocol)
    assert examples.levels.tolist() == [5.0, 40.0]
    place = 7
    image = int(examples.index[place])
    row = run.test.ids.tolist().index(image)
    assert (examples.clean[place] == run.test.pixels[row].numpy()).all()
    draw = int(result.by_image("sample_draw")[row, 2])
    expected = (counted[row, 1 + 6 + draw] * 255).round().clamp(0, 255).byte()  # after sigma 0 and 5
    assert (examples.degraded[place, 1] == expected.numpy()).all()
    if protocol.rounding:
        error = (examples.degraded[place, 1] / 255.0 - examples.clean[place] / 255.0) ** 2
        psnr = result.by_image("sample_psnr")[row, 2]
        assert -10 * np.log10(error.mean()) == pytest.approx(psnr, abs=1e-3)


def test_every_example_is_the_draw_that_was_kept(
    made: tuple[Run, StabilityResult, Protocol], counted: torch.Tensor
) -> None:
    run, result, protocol = made
    examples, drawn = made_on(CPU, run, result, protocol), result.by_image("sample_draw")
    assert np.unique(drawn[:, 1:]).tolist() == list(range(6))
    for place, image in enumerate(examples.index):
        row = run.test.ids.tolist().index(image)
        kept = torch.stack([counted[row, 1 + 6 * level + int(drawn[row, 1 + level])] for level in range(2)])
        assert np.array_equal(examples.degraded[place], (kept * 255).round().clamp(0, 255).byte().numpy())


def test_the_strip_shows_draws_that_were_counted(
    made: tuple[Run, StabilityResult, Protocol], counted: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, result, protocol = made
    monkeypatch.setattr("convstab.figures.evaluation.strip", lambda images, *_: images)
    shown: Any = evaluate.strip(run, result, protocol, CPU)
    assert shown.shape == (4, len(SIGMAS), 16, 16, 3)
    for label, row in enumerate(evaluate.typical_image(run, label) for label in range(4)):
        kept = result.by_image("sample_draw")[row]
        for level, draw in enumerate((0, 1 + kept[1], 1 + 6 + kept[2])):  # whose decisions the frames tell
            expected = counted[row, draw].clamp(0, 1).permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(shown[label, level], expected)


def test_all_pictures_are_made_on_the_device_that_classified(
    made: tuple[Run, StabilityResult, Protocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    def copies(
        pixels: torch.Tensor, degradation: object, level: float, draws: int, *_: object, **__: object
    ) -> torch.Tensor:
        devices.append(pixels.device.type)
        return torch.zeros(draws, *pixels.shape)

    devices: list[str] = []
    monkeypatch.setattr("convstab.evaluation.protocol.degraded_copies", copies)
    examples = made_on(torch.device("meta"), *made)
    assert devices == ["meta"] * examples.degraded.shape[0] * examples.degraded.shape[1]
    devices.clear()
    evaluate.strip(*made, torch.device("meta"))
    assert devices == ["meta"] * 4 * len(SIGMAS)


def test_they_are_read_as_they_were_written(made: tuple[Run, StabilityResult, Protocol], tmp_path: Path) -> None:
    assert Examples.read(tmp_path) is None
    examples = made_on(CPU, *made)
    examples.write(tmp_path)
    again = Examples.read(tmp_path)
    assert again is not None
    assert all(np.array_equal(value, vars(again)[name]) for name, value in vars(examples).items())


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / EXAMPLES).write_bytes(b"not an archive")
    with pytest.raises(InputError, match=r"examples.npz is damaged"):
        Examples.read(tmp_path)


@pytest.mark.parametrize(("family", "flat"), [("gaussian", 0), ("gaussian_blur", 75)])
def test_the_similarity_is_that_of_the_first_draws(family: str, flat: int) -> None:
    """Of 100 of 150 images, under levels that not every image can have."""
    pixels = torch.rand(150, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    pixels[:flat] = 0.5  # no blur changes them
    images = cs.Images(pixels, torch.arange(150) % 2)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
    result = cs.evaluate(model, images, family, psnr=[30, 20], draws=2)
    values = result.by_image("ssim")
    rows = np.flatnonzero(~np.isnan(values[:, 0]))
    assert len(rows) == 100
    assert (rows[0], rows[-1]) == (0, 149)
    assert (np.isnan(values[rows, 1:]).all(1) == (rows < flat)).all()
    assert (values[rows, 0] == 1).all()
    np.testing.assert_allclose(result.ssim, np.nanmean(values, 0), rtol=1e-5)
    for row, level in ((rows[-1], 1), (rows[60], 2)):
        key, applied = float(result.levels[level]), float(result.applied[row, level])
        copies = result.protocol.copies(images.pixels[row], key, 2, int(images.ids[row]), applied)
        expected = ssim(copies[:1], images.pixels[row : row + 1] / 255)
        assert values[row, level] == pytest.approx(float(expected), abs=1e-6)


def test_images_without_a_similarity_have_none_in_the_tables() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    result = cs.evaluate(model, cs.Images(torch.rand(4, 1, 4, 4), torch.tensor([0, 1, 0, 1])), levels=[9], draws=2)
    assert np.isnan(result.ssim).all()
    assert result.table().splitlines()[3].endswith(" | - |")
    assert result.table().splitlines()[0].endswith(" | SSIM |")
