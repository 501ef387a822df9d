"""Degradations one after another, as light passes haze, lens, sensor and compression."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from torch import Tensor

from convstab.degradations.blur import Defocus
from convstab.degradations.compression import Jpeg
from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import by_level
from convstab.degradations.sensor import Sensor
from convstab.images import GREY_LEVELS
from convstab.validation import listed

Member = tuple[Degradation, float]
Members = Annotated[
    tuple[Member, ...],
    listed(
        lambda member: isinstance(member, tuple) and len(member) == 2 and isinstance(member[0], Degradation),
        "a list of degradations with their levels, such as [[gaussian_blur, 1.5], [gaussian, 10]]",
    ),
]
CAMERA: tuple[Member, ...] = ((Defocus(), 1.0), (Sensor(), 0.5), (Jpeg(), 50.0))


@dataclass(frozen=True)
class Chain(Degradation):
    """Degrades by each member in turn; the level is a strength: 1 is the members' levels, 0.5 is half the way there.

    Each member moves from its neutral level as ``Degradation.between`` says. Values are clipped between them, and not
    rounded. Each draws random numbers of its own.

    members: families and levels in their order; by default a camera: lens, sensor, file.
    """

    name: ClassVar[str] = "chain"
    unit: ClassVar[str] = "share of the levels"
    high: ClassVar[float] = 1.0
    grid: ClassVar[tuple[float, ...]] = (0.25, 0.5, 0.75, 1.0)
    members: Members = CAMERA

    def __post_init__(self) -> None:
        super().__post_init__()
        for family, level in self.members:
            family.check([level])

    @property
    def settings(self) -> dict[str, Any]:
        """Name and members in plain values."""
        return {"name": self.name, "members": [[family.settings, level] for family, level in self.members]}

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """Those of the members, one behind another."""
        return tuple(wanted for family, _ in self.members for wanted in family.numbers(shape))

    def check_shape(self, shape: Shape) -> None:
        """Raise InputError for images that a member cannot degrade."""
        for family, _ in self.members:
            family.check_shape(shape)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images after all members."""
        shape: Shape = (images.shape[1], images.shape[2], images.shape[3])
        numbers = iter(random)
        for family, level in self.members:
            own = [next(numbers) for _ in family.numbers(shape)]
            images = family.apply(images.clamp(0, GREY_LEVELS), on_the_way(family, level, levels), own)
        return images


def on_the_way(family: Degradation, level: float, strengths: Tensor) -> Tensor:
    """The level of a member for each image, at its share of the way to ``level``."""
    levels = strengths.clone()
    for strength, chosen in by_level(strengths):
        levels[chosen] = family.between(level, strength)
    return levels
