"""How long and how widely the genetic search looks."""

from dataclasses import dataclass

from convstab.errors import InputError


@dataclass(frozen=True)
class Settings:
    """How long and how widely the search looks.

    population: individuals of each image, at least 2. elite: the best ones that are kept, below the population.
    descents: children of the best individual, turned to where the margin falls; with the elite at most the population.
    memory: share of the slope that stays from generation to generation, in [0, 1].
    targets: classes that are tried, each with a population of its own; 1: none, noise may lead to any.
    trial: share of the generations for each of them, in (0, 1); times targets at most 1.
    generations: at most. patience: generations without improvement after which an image is finished.
    amplitude: of the mutation, in grey levels. damping: how slowly it follows the success of the last generation;
        None: it stays.
    slots: images that are evolved at the same time. batch_size: individuals in one forward pass.
    Raises InputError for anything else.
    """

    population: int
    elite: int
    descents: int
    memory: float
    targets: int
    trial: float
    generations: int
    patience: int
    amplitude: float
    damping: float | None
    slots: int
    batch_size: int

    def __post_init__(self) -> None:
        if self.population < 2:
            raise InputError(f"population is {self.population}; it must be at least 2")
        if not 0 <= self.elite < self.population:
            raise InputError(
                f"elite is {self.elite}; it must be at least 0 and below the population, {self.population}"
            )
        if not 0 <= self.descents <= self.population - self.elite:
            raise InputError(
                f"descents is {self.descents}; it must be at least 0 and, with the elite of {self.elite}, "
                f"at most the population, {self.population}"
            )
        for name in ("generations", "patience", "slots", "batch_size", "targets"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.targets > 1 and self.targets * self.trial > 1:
            raise InputError(
                f"targets is {self.targets}; it must be at most {int(1 / self.trial)}, "
                f"as each takes {self.trial} of the generations"
            )
        for name in ("amplitude", "damping"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(f"{name} is {value}; it must be above 0")

    def affordable(self, max_queries: int | None) -> int:
        """Generations at most; None: no limit of queries. Raises InputError when not even one can be paid."""
        if max_queries is None:
            return self.generations
        if max_queries < self.population:
            said = f"max_queries is {max_queries}; one generation takes {self.population}"
            raise InputError(f"{said}: give that many or more, or null for no limit")
        return min(self.generations, max_queries // self.population)
