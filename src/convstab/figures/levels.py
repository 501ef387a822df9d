"""Where the levels of an evaluation stand on an axis: on their own scale, evenly spaced, or by the PSNR they leave."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes

from convstab.evaluation.cells import level_in_words
from convstab.evaluation.result import StabilityResult
from convstab.statistics.intervals import Floats


def named_level(result: StabilityResult, place: int) -> str:
    """A level with its quantity, for example "sigma 40", and with its unit where that tells what it is a level of."""
    quantity, unit = result.protocol.quantity, result.protocol.unit
    return f"{quantity} {level_in_words(result.levels[place])}" + (f" ({unit})" if quantity == "level" else "")


class LevelAxis:
    """One horizontal axis for several results.

    Results of one degradation share its levels; where one of these is infinite (a neutral one), they are evenly spaced.
    Results of several degradations share the mean PSNR of their copies, or the PSNR that was asked for, on which the
    clean images have no place.
    """

    def __init__(self, results: Iterable[StabilityResult]) -> None:
        every = list(results)
        degradations = {result.degradation for result in every}
        self.targets = all(result.protocol.by_psnr for result in every)
        self.psnr = self.targets or any(result.protocol.by_psnr for result in every) or len(degradations) > 1
        levels = np.concatenate([result.levels for result in every])
        self.spaced: tuple[float, ...] = ()
        if not self.psnr and not np.isfinite(levels).all():
            self.spaced = every[0].degradation.check(np.unique(levels))
        self.label = "PSNR (dB)" if self.psnr else every[0].label

    def positions(self, result: StabilityResult) -> Floats:
        """Where each level of a result stands; NaN: nowhere."""
        if self.psnr:
            decibels = result.levels if self.targets else result.psnr
            return np.where(np.isfinite(decibels), decibels, np.nan)
        if self.spaced:
            return np.array([self.spaced.index(level) for level in result.levels.tolist()], float)
        return result.levels

    @property
    def ticks(self) -> list[str] | None:
        """Names of the positions 0, 1, ... where the levels are evenly spaced."""
        return [level_in_words(level) for level in self.spaced] or None

    def finish(self, axis: Axes) -> None:
        """Label an axis; worse is on its right."""
        axis.set_xlabel(self.label)
        if self.psnr:
            axis.xaxis.set_inverted(True)
        if self.ticks:
            axis.set_xticks(range(len(self.ticks)), self.ticks)
