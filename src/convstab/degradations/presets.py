"""The severities of ImageNet-C as families and levels, where a family is the same function.

Source: Hendrycks and Dietterich 2019; the constants are those of the published code, make_imagenet_c.py.
"""

from typing import Any

from convstab.degradations.by_name import degradation
from convstab.degradations.degradation import Degradation
from convstab.errors import InputError
from convstab.images import GREY_LEVELS

IMAGENET_C: dict[str, tuple[dict[str, Any], tuple[float, ...]]] = {  # family, levels in its unit, severities 1 to 5
    "gaussian_noise": ({"name": "gaussian"}, tuple(GREY_LEVELS * c for c in (0.08, 0.12, 0.18, 0.26, 0.38))),
    "shot_noise": ({"name": "shot"}, (60.0, 25.0, 12.0, 5.0, 3.0)),
    "impulse_noise": ({"name": "impulse"}, (0.03, 0.06, 0.09, 0.17, 0.27)),
    "speckle_noise": ({"name": "speckle"}, (0.15, 0.2, 0.35, 0.45, 0.6)),
    "gaussian_blur": ({"name": "gaussian_blur"}, (1.0, 2.0, 3.0, 4.0, 6.0)),
    "brightness": ({"name": "brightness", "hsv": True}, tuple(GREY_LEVELS * c for c in (0.1, 0.2, 0.3, 0.4, 0.5))),
    "contrast": ({"name": "contrast"}, (0.4, 0.3, 0.2, 0.1, 0.05)),
    "saturate": ({"name": "saturation"}, (0.3, 0.1, 2.0)),
    "jpeg_compression": ({"name": "jpeg"}, (25.0, 18.0, 15.0, 10.0, 7.0)),
    "pixelate": ({"name": "resolution", "window": "box"}, tuple(1 / c for c in (0.6, 0.5, 0.4, 0.3, 0.25))),
}


def imagenet_c(name: str, severity: int) -> tuple[Degradation, float]:
    """A corruption of ImageNet-C as a family and a level.

    Two differ by rounding: its pixelate rounds to whole grey levels after each step, its noise is cut off, not rounded,
    when it becomes 8 bits.

    Args:
        name: as ImageNet-C has it, such as "gaussian_noise".
        severity: 1 to 5; of saturate 1 to 3, since 4 and 5 also add a constant.

    Raises:
        InputError: a name or a severity that no family gives.

    >>> family, level = imagenet_c("shot_noise", 3)
    >>> family.name, level, family.unit
    ('shot', 12.0, 'photons at white')
    """
    if name not in IMAGENET_C:
        raise InputError(
            f"{name} is no corruption of ImageNet-C that a family gives; it can be {', '.join(IMAGENET_C)}"
        )
    family, levels = IMAGENET_C[name]
    if severity not in range(1, len(levels) + 1):
        raise InputError(f"severity of {name} is {severity}; it must be a whole number from 1 to {len(levels)}")
    return degradation(family), levels[severity - 1]
