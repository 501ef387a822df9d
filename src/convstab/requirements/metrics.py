"""What a requirement can be about: its metrics, what each needs to be told, and what its bound can be."""

from dataclasses import dataclass
from typing import Literal

from convstab.validation import FRACTION, POSITIVE, Limit

Side = Literal["at_least", "at_most"]


@dataclass(frozen=True)
class Metric:
    """A number of an evaluation or of an attack that can be held to a bound.

    source: what it is measured by, which is also the word that an attack or the degradation of an evaluation is named
        by. side: on which side of the bound it should be. needs: keys that must be there. limit: what the bound can be.
    unit: of the bound, with a space before it. words: what it is, for a reader.
    """

    source: Literal["degradation", "attack"]
    side: Side
    needs: tuple[str, ...]
    words: str
    limit: Limit = FRACTION
    unit: str = ""

    @property
    def takes(self) -> tuple[str, ...]:
        """All keys of a requirement with this metric."""
        return "name", "metric", *self.needs, self.source, self.side


METRICS = {
    "accuracy": Metric("degradation", "at_least", ("level",), "share of correct draws"),
    "recall": Metric("degradation", "at_least", ("class", "level"), "share of correct draws of the images of a class"),
    "flip_rate": Metric(
        *("degradation", "at_most", ("level",)),
        words="share of misclassified draws of the images that are correct when clean",
    ),
    "flip_probability": Metric(
        *("degradation", "at_most", ("level",)), words="share of draws whose decision is not that of the clean image"
    ),
    "least_noise_l2": Metric(
        *("attack", "at_least", ("share",)),
        words="L2 norm, for pixels in [0, 1], of the least noise found",
        limit=POSITIVE,
    ),
    "least_noise_psnr": Metric(
        *("attack", "at_most", ("share",)),
        words="PSNR of the least noise found: the lower, the stronger the noise that it takes",
        limit=POSITIVE,
        unit=" dB",
    ),
}
FLIPS = "flip_rate", "flip_probability"
