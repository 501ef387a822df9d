"""Requirements of a model, as a file says them; loads nothing heavy."""

from dataclasses import dataclass

from convstab.requirements.metrics import METRICS, Metric

ALL, EACH, CLEAN = "all", "each", "clean"  # levels; classes; the level of the clean images


@dataclass(frozen=True)
class Requirement:
    """One line of a requirements file.

    name: for a reader. metric: a name in ``METRICS``. bound: in the unit of the metric.
    level: of an evaluation; "all": the mean over the degraded levels of each image; "clean".
    of_class: the name of a class, or "each". share: of the attacked images that must keep the bound.
    source: the degradation or the attack that is meant; None: there is but one result of its kind.
    """

    name: str
    metric: str
    bound: float
    level: float | str | None = None
    of_class: str | None = None
    share: float | None = None
    source: str | None = None

    @property
    def kind(self) -> Metric:
        """What its metric is."""
        return METRICS[self.metric]

    @property
    def at_least(self) -> bool:
        """Whether the share that is tested must not be below its bound; else it must not be above."""
        return self.share is not None or self.kind.side == "at_least"

    @property
    def needed_share(self) -> float:
        """What the share that is tested is held to, in (0, 1)."""
        return self.bound if self.share is None else self.share

    @property
    def sentence(self) -> str:
        """What it says, for a requirement without a name."""
        side, metric = self.kind.side.replace("_", " "), self.metric.replace("_", " ")
        of_class = {None: "", EACH: " of each class"}.get(self.of_class, f" of {self.of_class}")
        where = f"{self.level:g}" if isinstance(self.level, float) else str(self.level)
        at = "" if self.level is None else f" at {'all levels' if where == ALL else f'level {where}'}"
        among = "" if self.share is None else f" for at least {self.share:.10g} of the images"
        source = "" if self.source is None else f" ({self.source})"
        return f"{metric}{of_class}{at} {side} {self.bound:.10g}{self.kind.unit}{among}{source}"


@dataclass(frozen=True)
class Specification:
    """All requirements of a file. confidence: in (0.5, 1), of all that pass together."""

    requirements: tuple[Requirement, ...]
    confidence: float = 0.95

    @property
    def risk(self) -> float:
        """The chance that is left for any wrong pass."""
        return 1 - self.confidence
