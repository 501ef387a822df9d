"""What draws leave uncertain where the images stay the same: how far a mean may be from that of endless draws."""

import numpy as np
from scipy.special import ndtri

from convstab.statistics.intervals import TAIL, Floats

NORMAL = float(ndtri(1 - TAIL))  # 1.96: so many standard deviations to both sides hold 95 %
PART = 0.2  # of half an interval, that draws may move a mean by: errors add in squares, so it is 2 % more


def error(spread: Floats, images: Floats, draws: Floats) -> Floats:
    """Half of the 95 % interval that draws alone leave a mean over images.

    The draws of an image are independent, so this holds for these very images, however they were chosen. The second
    term stands for what was never seen: three draws of all that flip may well show none (the "rule of three").

    spread: mean over the images of the variance of one draw. draws: of each image.
    """
    total = images * draws
    found: Floats = NORMAL * np.sqrt(spread / total + (NORMAL / total) ** 2)
    return found
