"""Noise in whole grey levels: docs/noise.md rebuilt in plain Python, its law, and its key."""

import math
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import chi2

from convstab.degradations.draws.copies import Copies
from convstab.degradations.draws.grey import DeviceCopies, GreyCopies
from convstab.degradations.draws.make import copies_of, degraded_copies
from convstab.degradations.gaussian import Gaussian
from convstab.generators.draws import DrawRange
from convstab.generators.grey_noise import GreyNoise, words_of_draw
from convstab.generators.rounded_normal import rounded_normal
from convstab.images import row_length
from tests.generators.by_hand import noise

DOCUMENT = Path(__file__).parents[2] / "docs" / "noise.md"
GOLDEN = [  # seed, sigma, image, draw, size
    (0, 1.0, 0, 0, 784),
    (0, 20.0, 0, 0, 784),
    (0, 40.0, 9999, 149, 3072),
    (-1, 8.5, -7, 3, 6912),
    (2**63 - 1, 500.0, 2**62, 10**6, 100),
]


def drawn_noise(seed: int, sigma: float, size: int, image: int, first: int, count: int) -> NDArray[np.int16]:
    found = np.empty((count, size), np.int16)
    GreyNoise(seed, [sigma], size).fill(found, [DrawRange(0, image, 0, first, count)])
    return found


def golden(numbers: list[int]) -> str:
    return sha256(np.array(numbers, "<i2").tobytes()).hexdigest()


@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_the_document_in_plain_python_makes_the_same_noise(case: tuple[int, float, int, int, int]) -> None:
    seed, sigma, image, draw, size = case
    rebuilt = noise(*case)
    assert drawn_noise(seed, sigma, size, image, draw, 1)[0].tolist() == rebuilt
    assert f"| {seed} | {sigma:g} | {image} | {draw} | {size} | `{golden(rebuilt)}` |" in DOCUMENT.read_text()


@pytest.mark.parametrize("sigma", [0.5, 4.0, 20.0, 40.0, 200.0])
def test_noise_has_the_law_of_the_rounded_normal(sigma: float) -> None:
    """Chi-square over whole grey levels of 2 million values; the cells are joined until 20 values are expected."""
    drawn = drawn_noise(11, sigma, 2000, 5, 0, 1000)
    values = np.arange(-255, 256)
    seen = np.array([(drawn == value).sum() for value in values])
    edges = [0.0] + [0.5 * math.erfc(-(value + 0.5) / sigma / 2**0.5) for value in values[:-1]] + [1.0]
    wanted = np.diff(edges) * drawn.size
    cell = np.minimum((wanted.cumsum() // 20).astype(int), int(drawn.size // 20) - 1)
    _, place = np.unique(cell, return_inverse=True)
    found, expected = (np.bincount(place, weights) for weights in (seen, wanted))
    distance = ((found - expected) ** 2 / expected).sum()
    assert 1e-4 < chi2.sf(distance, len(expected) - 1) < 1 - 1e-4


def test_pixels_draws_images_levels_and_seeds_are_independent() -> None:
    fills = [
        drawn_noise(seed, sigma, 5000, image, draw, 1)[0] / sigma
        for seed, sigma, image, draw in [(0, 20, 0, 0), (1, 20, 0, 0), (0, 21, 0, 0), (0, 20, 1, 0), (0, 20, 0, 1)]
    ]
    fills += [np.roll(fills[0], shift) for shift in (1, 4, 16)]  # neighbours in a word, in a block, and of a block
    related = np.abs(np.corrcoef(fills)[np.triu_indices(len(fills), 1)])
    assert related.max() < 5 / 5000**0.5


def test_the_pixels_that_a_head_does_not_decide_are_independent_and_as_likely_as_they_should_be() -> None:
    sigma = 1e6  # all thresholds lie within two heads: each of these pixels takes the bits of a spare word
    drawn = np.concatenate([drawn_noise(0, sigma, 4096, image, 0, 500).ravel() for image in range(8)])
    between = np.abs(drawn) < 255
    wanted = drawn.size * (2 * 254.5 / sigma / math.sqrt(2 * math.pi))
    assert between.sum() == pytest.approx(wanted, abs=4 * wanted**0.5)
    assert np.abs(drawn[between].mean()) < 4 * 147 / between.sum() ** 0.5  # uniform from -254 to 254
    several = [row[(np.abs(row) < 255)] for row in drawn.reshape(-1, 4096) if (np.abs(row) < 255).sum() > 1]
    assert len(several) > 500
    assert np.mean([row[0] == row[1] for row in several]) < 0.03  # one in 509, unless a draw had one tail for all


def test_spare_words_are_used_again_when_they_do_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    source = GreyNoise(0, [3e4], 784)  # a threshold lies in each head near 0
    heads, spare = words_of_draw(784)
    assert (heads, spare) == (196, 20)
    tails = np.random.default_rng(0).integers(2**64, size=spare, dtype=np.uint64)
    words = np.concatenate([np.full(heads, 0x8000_8000_8000_8000, np.uint64), tails])
    monkeypatch.setattr(source.streams[0], "words", lambda *_: words)
    drawn = np.empty((1, 784), np.int16)
    source.fill(drawn, [DrawRange(0, 0, 0, 0, 1)])
    known = rounded_normal(3e4).at(np.uint64(0x8000 << 48) + tails % np.uint64(2**48))
    assert drawn[0].tolist() == np.resize(known, 784).tolist()
    assert np.unique(drawn).tolist() == [0, 1]


def fill(copies: Copies, runs: list[DrawRange], size: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.zeros(sum(run.length for run in runs), row_length(size), dtype=torch.uint8)
    return rows, copies.fill(rows, runs)


def test_a_device_makes_the_same_copies_and_errors_as_numpy() -> None:
    pixels = torch.randint(0, 256, (3, 3, 9, 11), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    sigmas, index = [0.0, 1e-3, 1.0, 8.5, 40.0, 500.0, 1e9], [5, -7, 2**62]
    runs = [DrawRange(11 * place, place // 7, place % 7, 3 * place, 11) for place in range(21)]
    rows, squares = fill(GreyCopies(sigmas, pixels, index, -3), runs, 297)
    others, same = fill(DeviceCopies(sigmas, pixels, index, -3), runs, 297)
    assert torch.equal(rows, others)
    assert torch.equal(squares, same)
    clean = pixels.permute(0, 2, 3, 1).flatten(1).double().repeat_interleave(77, 0)
    assert torch.equal(squares, (rows[:, :297].double() - clean).square().sum(1))
    assert squares.max() > 2**20


def test_squares_of_large_images_are_exact() -> None:
    pixels = torch.randint(0, 256, (1, 3, 100, 101), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    copies = copies_of(Gaussian(), torch.tensor([[200.0]]), pixels, [0])
    rows, squares = fill(copies, [DrawRange(0, 0, 0, 0, 3)], 30300)
    clean = pixels.permute(0, 2, 3, 1).flatten(1).double()
    assert torch.equal(squares, (rows[:, :30300].double() - clean).square().sum(1))
    assert squares.min() > 2**24


def test_the_copies_are_the_noise_added_and_clipped() -> None:
    pixels = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    made = degraded_copies(pixels, Gaussian(), 40, 4, image=9, seed=2, first=6).mul(255).round()
    drawn = torch.tensor(np.array([noise(2, 40.0, 9, draw, 192) for draw in range(6, 10)]))
    by_hand = pixels.permute(1, 2, 0).flatten() + drawn
    assert torch.equal(made.permute(0, 2, 3, 1).flatten(1), by_hand.clamp(0, 255).float())
    assert by_hand.min() < 0
    assert by_hand.max() > 255


@pytest.mark.parametrize("switches", [{"clip": False}, {"rounding": False}, {"key": 20.0}])
def test_where_copies_are_not_what_an_8_bit_image_holds_noise_is_of_floats(switches: dict[str, float]) -> None:
    pixels = torch.full((1, 8, 8), 128, dtype=torch.uint8)
    made = degraded_copies(pixels, Gaussian(), 20, 4, 0, **switches)  # type: ignore[arg-type]
    assert not torch.equal(made, degraded_copies(pixels, Gaussian(), 20, 4, 0))


def test_a_table_is_made_once() -> None:
    assert rounded_normal(20.0) is rounded_normal(20.0)
