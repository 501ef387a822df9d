"""Randomised smoothing: how far an image may be moved before most of its noisy copies are taken for something else.

It speaks of the smoothed model h, which decides as most copies under N(0, sigma^2) do, with all that is done to a copy
(clipping, rounding) inside; never of the model itself.
"""

from math import ceil, log

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from convstab.errors import InputError
from convstab.statistics.intervals import Floats
from convstab.units import Integers
from convstab.validation import FRACTION, check_limit

ALPHA = 0.001  # that of the paper: one certificate in a thousand may be wrong


def draws_for_one_sigma(alpha: float = ALPHA) -> int:
    """Draws of an image, all of which agree, after which ``certified_radius`` is at least sigma.

    >>> draws_for_one_sigma()
    40
    """
    return ceil(log(alpha) / log(ndtr(1.0)))


def certified_radius(agreeing: Integers, draws: Integers, sigma: Floats, alpha: float = ALPHA) -> Floats:
    """Within which L2 distance the smoothed model decides for a class, (n, levels); NaN where it abstains.

    The class has to be fixed before the draws are looked at: the label, or the decision for the clean image. Then all
    draws estimate the chance p of this class, and with the lower end of its one-sided interval of Clopper and Pearson
    the radius is sigma times the normal quantile of it.

    Args:
        agreeing: draws that are taken for the class, (n, levels).
        draws: all draws, of the same shape.
        sigma: of the noise under each level, (levels,); the radius has its unit. At sigma 0 nothing is smoothed: NaN.
        alpha: how often a radius may be too great, for each image and level on its own; a tenth of it for ten
            radii that are to hold together.

    Raises:
        InputError: alpha is not in (0, 1), or more draws agree than there are.

    Source: Cohen, Rosenfeld and Kolter, ICML 2019, equation 3 with the chance of all others 1 - p.

    >>> certified_radius(np.array([[150]]), np.array([[150]]), np.array([10.0]))
    array([[16.9531...]])
    """
    check_limit("alpha", alpha, FRACTION)
    if (agreeing > draws).any() or (agreeing < 0).any():
        raise InputError("of the draws of an image more agree than there are, or fewer than none")
    chance = np.where(agreeing > 0, betaincinv(np.maximum(agreeing, 1), draws - agreeing + 1, alpha), 0.0)
    radius: Floats = np.where((chance > 0.5) & (sigma > 0), sigma * ndtri(np.maximum(chance, 0.5)), np.nan)
    return radius
