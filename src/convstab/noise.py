"""Degradations of images: pure functions on tensors, with an explicit generator."""

from torch import Tensor

GREY_LEVELS = 255.0  # 8-bit white; sigma and every noise amplitude are given on this scale


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 pixels in [0, 255] -> float32 pixels in [0, 1], any shape, memory layout kept."""
    return pixels.float().div_(GREY_LEVELS)


def to_grey(pixels: Tensor) -> Tensor:
    """float pixels in [0, 1] -> uint8 grey levels in [0, 255], rounded to the nearest, clipped."""
    return pixels.mul(GREY_LEVELS).round_().clamp_(0, GREY_LEVELS).byte()


def round_to_grey(pixels: Tensor) -> Tensor:
    """float pixels -> the nearest of the 256 values k/255 that an 8-bit image can hold, still as floats in [0, 1]."""
    return pixels.mul(GREY_LEVELS).round_().clamp_(0, GREY_LEVELS).div_(GREY_LEVELS)
