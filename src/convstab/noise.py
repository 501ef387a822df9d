"""Degradations of images and PSNR: pure functions on tensors, and the keyed source of the noise."""

import math
import struct
from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import Tensor

from convstab.errors import InputError

GREY_LEVELS = 255.0  # 8-bit white; sigma and every noise amplitude are given on this scale
BLOCK = 32  # draws that share one state of the generator
LANE = 16  # torch draws normals on a CPU in groups of 16; only whole groups make a short fill a prefix of a long one


def to_unit(pixels: Tensor) -> Tensor:
    """Pixels in [0, 255], uint8 -> float32 pixels in [0, 1], any shape, memory layout kept."""
    return grey_to_unit_(pixels.float())


def grey_to_unit_(pixels: Tensor) -> Tensor:
    """Grey levels in [0, 255] -> [0, 1], in place; bit for bit what ``to_unit`` gives for whole grey levels."""
    return pixels.div_(GREY_LEVELS)


def to_grey(pixels: Tensor) -> Tensor:
    """Pixels in [0, 1], float -> uint8 grey levels in [0, 255], rounded to the nearest, clipped."""
    return pixels.mul(GREY_LEVELS).round_().clamp_(0, GREY_LEVELS).byte()


def round_to_grey(pixels: Tensor) -> Tensor:
    """Pixels, float -> the nearest of the 256 values k/255 that an 8-bit image can hold, still as floats in [0, 1]."""
    return pixels.mul(GREY_LEVELS).round_().clamp_(0, GREY_LEVELS).div_(GREY_LEVELS)


def check_sigmas(sigmas: Iterable[float]) -> tuple[float, ...]:
    """Noise levels in grey levels, ascending; InputError when one is negative, not a number, or there twice."""
    levels = sorted(float(sigma) for sigma in sigmas)
    for sigma in levels:
        if not 0 <= sigma < math.inf:  # NaN fails every comparison
            raise InputError(f"sigma is {sigma}; it must be a number of grey levels, 0 (no noise) or more")
    if not levels or len(set(levels)) < len(levels):
        raise InputError(f"sigmas is {levels}; it must name every noise level once, and at least one")
    return tuple(levels)


class NoiseSource:
    """Standard normal noise that depends on (seed, image, sigma, draw) and on nothing else.

    Every ``BLOCK`` draws of an image under one sigma start their own generator, so that any draw can be had without
    those before it and 10 draws are the first 10 of 150. The values are those of the kind of device: CPU and CUDA
    differ. A CPU generator takes 32 bits of the key, so of a million blocks some hundred pairs share their noise.

    seed: any integer of 64 bits.
    device: where the noise is wanted.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed = seed
        self.generator = torch.Generator(device)
        self.whole = self.generator.device.type != "cpu"  # elsewhere the values of a fill depend on its size
        self.next: tuple[int, float, int] | None = None  # image, sigma and draw that a CPU generator stands before

    def fill(self, rows: Tensor, image: int, sigma: float, first: int = 0) -> Tensor:
        """Fill ``rows``, float32 (n, size), size a multiple of 16, in place with draws first ... first + n - 1.

        image: index in the test set. sigma: only a part of the key; the noise has standard deviation 1.
        """
        done, count = 0, len(rows)
        while done < count:
            block, skip = divmod(first + done, BLOCK)
            take = min(BLOCK - skip, count - done)
            target = rows[done : done + take]
            if skip and self.next == (image, sigma, first + done):
                target.normal_(generator=self.generator)
            else:
                self.fill_from_start_of_block(target, self.key(image, sigma, block), skip)
            done += take
            self.next = None if self.whole else (image, sigma, first + done)
        return rows

    def fill_from_start_of_block(self, target: Tensor, key: int, skip: int) -> None:
        """Fill ``target`` with the draws of one block that follow its first ``skip``."""
        self.generator.manual_seed(key)
        count, size = target.shape
        length = BLOCK if self.whole else skip + count
        if length == count:
            target.normal_(generator=self.generator)
        else:
            target.copy_(target.new_empty(length, size).normal_(generator=self.generator)[skip : skip + count])

    def key(self, image: int, sigma: float, block: int) -> int:
        """64 bits that look random and name one block of draws."""
        return int.from_bytes(blake2b(struct.pack("<qqdq", self.seed, image, sigma, block), digest_size=8).digest())


def add_noise(clean: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """The sum clean + sigma * noise, written over ``noise``; clean and sigma in grey levels."""
    return torch.add(clean, noise, alpha=sigma, out=noise)


def quantise_(pixels: Tensor, clip: bool = True, rounding: bool = True) -> Tensor:
    """What an 8-bit image does to float grey levels, in place: whole levels, within [0, 255]."""
    if rounding:
        pixels.round_()
    return pixels.clamp_(0, GREY_LEVELS) if clip else pixels


def noisy_copies(
    pixels: Tensor,
    sigma: float,
    draws: int,
    image: int,
    seed: int = 0,
    clip: bool = True,
    rounding: bool = True,
) -> Tensor:
    """The first ``draws`` noisy copies of one image, float32 (draws, C, H, W), channels last, in [0, 1] if clipped.

    pixels: uint8 (C, H, W). sigma: in grey levels. image: index in the test set. Paper: section 4, tolerance
    against noise. Raises InputError for a sigma below 0 or no number.
    """
    check_sigmas([sigma])
    rows = torch.empty(draws, row_length(pixels.numel()), device=pixels.device)
    clean = as_rows(pixels[None])
    NoiseSource(seed, pixels.device).fill(rows, image, sigma)
    quantise_(add_noise(clean, rows, sigma), clip, rounding)
    return as_images(grey_to_unit_(rows), pixels.shape)


def row_length(size: int) -> int:
    """Floats in the row that holds an image of ``size`` values: whole groups of 16."""
    return -(-size // LANE) * LANE


def as_rows(pixels: Tensor) -> Tensor:
    """Pixels, uint8 (N, C, H, W) -> float32 grey levels (N, row length), each row in the order H, W, C, then zeros."""
    flat = pixels.permute(0, 2, 3, 1).flatten(1)
    rows = torch.zeros(len(flat), row_length(flat.shape[1]), device=pixels.device)
    rows[:, : flat.shape[1]] = flat
    return rows


def as_images(rows: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Rows as ``as_rows`` makes them -> a view of them as images (N, C, H, W), channels last."""
    channels, height, width = shape
    pixels: Tensor = rows[:, : channels * height * width].unflatten(1, (height, width, channels))
    return pixels.permute(0, 3, 1, 2)


def psnr_of_mse(error: Tensor) -> Tensor:
    """10 log10(255^2 / mean squared error in grey levels) in dB, any shape; infinite where the error is 0."""
    decibels: Tensor = torch.log10(error.reciprocal() * GREY_LEVELS**2) * 10
    return decibels
