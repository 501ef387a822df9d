"""From results to what a requirement is tested on: a share for each image, and which images are independent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convstab.attacks.by_name import spoken
from convstab.attacks.result import AttackResult
from convstab.attacks.verification import CUT_OFF
from convstab.errors import InputError
from convstab.evaluation.cells import level_in_words
from convstab.evaluation.measures import Measures
from convstab.requirements.metrics import FLIPS
from convstab.requirements.parsing import nearest
from convstab.requirements.specification import ALL, CLEAN, EACH, Requirement
from convstab.runs.results import Results
from convstab.statistics import intervals, rates
from convstab.statistics.intervals import Floats
from convstab.units import Integers, Units

Found = TypeVar("Found", Measures, AttackResult)


@dataclass(frozen=True, eq=False)  # of arrays
class Sample:
    """What is tested as one share: values in [0, 1], (n,), of n images of which these units are independent.

    of: the class; empty: all images. draws: of all of them together; of an attack 0.
    """

    values: Floats
    units: Units
    of: str = ""
    draws: int = 0

    @property
    def counted(self) -> tuple[float, float]:
        """The share, and how many independent trials it rests on."""
        value, trials = intervals.value_and_trials(self.values[:, None], units=self.units)
        return float(value[0]), float(trials[0])

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share."""
        found = intervals.mean(self.values[:, None], units=self.units)
        return float(found.low[0]), float(found.high[0])

    @property
    def in_words(self) -> str:
        """What the share is over, for a reader."""
        images = len(self.values)
        words = self.units.in_words(images)
        return f"{words} ({images:,} images)" if self.units.groups is not None else f"{images:,} {words}"


@dataclass(frozen=True)
class Evidence:
    """What speaks for or against a requirement: samples, one or one of each class, of the result in a folder.

    remarks: what a reader must know of them.
    """

    folder: Path
    samples: tuple[Sample, ...]
    remarks: tuple[str, ...] = ()


def evidence_for(requirement: Requirement, results: Results) -> Evidence:
    """What the results say of a requirement; InputError when none fits it, or more than one, or it is about nothing."""
    try:
        if requirement.kind.source == "attack":
            attacks = {folder: (one.attack, one.attack.split("_")[0]) for folder, one in results.attacks.items()}
            folder = the_one(requirement, attacks, "attack")
            return of_attack(requirement, folder, results.attacks[folder])
        families = {
            folder: (one.degradation.in_words, one.degradation.name) for folder, one in results.evaluations.items()
        }
        folder = the_one(requirement, families, "evaluation")
        return of_evaluation(requirement, folder, results.evaluations[folder])
    except InputError as error:
        raise InputError(f"{requirement.name}: {error}") from error


def the_one(requirement: Requirement, names: Mapping[Path, tuple[str, ...]], what: str) -> Path:
    """The folder of the result that is meant; names: of its degradation or attack."""
    wanted, key = requirement.source, requirement.kind.source
    fit = [folder for folder, said in names.items() if wanted is None or spoken(wanted) in map(spoken, said)]
    listed = ", ".join(f"{said[0]} in {folder}" for folder, said in names.items())
    if not fit and wanted is None:
        raise InputError(f"{requirement.metric} is of an {what}, and none is given; add the folder of one")
    if not fit:
        raise InputError(f"no {what} is given whose {key} is {wanted}; there is {listed or 'none'}")
    if len(fit) > 1:
        hint = f"name one by its {key}:" if wanted is None else "give only one of them"
        raise InputError(f"{len(fit)} {what}s fit; {hint} ({listed})")
    return fit[0]


def of_attack(requirement: Requirement, folder: Path, result: AttackResult) -> Evidence:
    """Whether each image that was attacked keeps the bound: a search that found nothing counts as endless noise."""
    attacked, success = result.rows["attacked"], result.rows["success"]
    if requirement.metric == "least_noise_l2":
        kept = result.norms >= requirement.bound
    else:
        kept = np.where(success, result.rows["psnr"], -np.inf) <= requirement.bound
    sample = Sample(kept[attacked].astype(float), result.units.part(attacked))
    remarks = ["an attack finds an upper bound of the least noise: a better search may find less"]
    failed = int((attacked & ~success).sum())
    remarks += [f"{failed:,} of the searches found nothing and count as kept"] if failed else []
    cut_off = int(np.isin(result.rows["ended"][attacked], CUT_OFF).sum())
    remarks += [f"{cut_off:,} of the searches were cut off by a limit"] if cut_off else []
    return Evidence(folder, (sample,), tuple(remarks))


def of_evaluation(requirement: Requirement, folder: Path, result: Measures) -> Evidence:
    """The share of draws of each image that the metric counts, at a level or over all degraded ones."""
    places = places_of(requirement, result)
    shares, counted = shares_of(requirement, result)
    values = rates.mean_of_drawn(shares[:, places])
    remarks = []
    if missing := int(np.isnan(shares[counted][:, places]).any(1).sum()):
        remarks = [f"no level leaves {missing:,} of {counted.sum():,} images this PSNR, where they are left out"]
    counted &= ~np.isnan(values)
    draws = result.by_image("draws")[:, places].sum(1)
    chosen = chosen_by(requirement, result)
    samples = tuple(sample(values, counted & rows, result, of, draws) for of, rows in chosen)
    return Evidence(folder, samples, tuple(remarks))


def sample(values: Floats, chosen: NDArray[np.bool_], result: Measures, of: str, draws: Integers) -> Sample:
    """The values of some images; InputError when there are none. draws: of each image."""
    if not chosen.any():
        among = f" of the class {of}" if of else ""
        raise InputError(f"it is about no image{among} of {result.images:,}; evaluate some that it is about")
    return Sample(values[chosen], result.units.part(chosen), of, int(draws[chosen].sum()))


def chosen_by(requirement: Requirement, result: Measures) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The name of each class that a requirement is about, and which images are of it; or all images, without a name."""
    if requirement.of_class is None:
        yield "", np.ones(result.images, bool)
        return
    classes = list(result.classes)
    wanted = classes if requirement.of_class == EACH else [requirement.of_class]
    for name in wanted:
        if name not in classes:
            raise InputError(f"there is no class {name}; {nearest(name, classes)}{shortened(classes)}")
        yield name, result.labels == classes.index(name)


def shortened(classes: list[str], most: int = 10) -> str:
    """What classes there are, and that it can be each of them."""
    more = f" and {len(classes) - most} more" if len(classes) > most else ""
    return f"it can be {EACH}, or one of {', '.join(classes[:most])}{more}"


def shares_of(requirement: Requirement, result: Measures) -> tuple[Floats, NDArray[np.bool_]]:
    """The shares of draws, (images, levels), and which images count."""
    everything = np.ones(result.images, bool)
    if requirement.metric == "flip_rate":
        return 1 - result.rates, result.rates[:, 0] == 1
    if requirement.metric == "flip_probability":
        return result.per_draw("changed"), everything
    return result.rates, everything


def places_of(requirement: Requirement, result: Measures) -> NDArray[Any]:
    """Which levels a requirement is about; InputError for one that was not evaluated."""
    protocol, flips = result.protocol, requirement.metric in FLIPS
    if flips and result.degraded[0]:
        raise InputError(f"flips need the clean images: evaluate them, too, with {protocol.neutral:g} among the levels")
    possible = result.degraded if flips else np.ones(len(result.levels), bool)
    wanted = protocol.neutral if requirement.level == CLEAN else requirement.level
    found = np.flatnonzero(result.degraded if wanted == ALL else possible & (result.levels == wanted))
    if not len(found):
        listed = ", ".join(map(level_in_words, result.levels[possible].tolist()))
        unit = f" ({protocol.unit})"
        raise InputError(f"level is {as_words(wanted)}; those that it can be of are {listed or 'none'}{unit}")
    return found


def as_words(level: Any) -> str:
    """A level that was asked for."""
    return level_in_words(level) if isinstance(level, float) else str(level)
