"""What result folders hold, recognised and read: the evidence that a report speaks of."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.examples import Examples
from convstab.evaluation.paired import paired_difference
from convstab.evaluation.result import StabilityResult
from convstab.files import METRICS, REQUIREMENTS, SUMMARY, read_json
from convstab.files.shapes import shaped
from convstab.ledger.ledger import LEDGER
from convstab.runs import configuration, directory
from convstab.runs.configuration import Config
from convstab.runs.directory import begun_below, finished
from convstab.runs.parts import share_done
from convstab.runs.provenance import training_of
from convstab.statistics.intervals import Estimate
from convstab.units import Integers

CHOICES = {  # of the group augment, by the augmentations that they are made of
    "GaussianNoise": "gaussian",
    "NoisyCopies": "noisy",
    "Jitter": "jitter",
    "Jitter + NoisyCopies": "jitter_noisy",
    "DegradedCopies": "degraded",
}


@dataclass(frozen=True)
class Source:
    """Where a result comes from.

    folder: that holds it. dataset: for example "gtsrb". model: name of the architecture. augment: names of the
    augmentations, or "none". noisy: whether one of them adds noise. members: 1, or the number of models of an ensemble.
    seeds: of the trainings. epochs: None: not known; "various": the models of an ensemble differ. images: "train",
    "validation" and "test" -> count, or the same two. official: whether the files are the publisher's; None: not
    known. made_with: versions and machine, empty where they were not recorded. run: the name of what was trained
    or tried, "": not known.
    """

    folder: Path
    dataset: str
    model: str
    augment: str
    noisy: bool
    members: int
    seeds: list[int]
    epochs: int | str | None
    images: dict[str, int | str | None]
    official: bool | None
    made_with: dict[str, Any]
    run: str = ""

    @property
    def name(self) -> str:
        """What was trained, in words: data set, augmentation, and the models of an ensemble; or what was given.

        Of images of a user's own it has the name of the run: there is no paper that knows it by its kind.
        """
        if not self.seeds:  # it was trained elsewhere
            return f"{self.dataset}, {self.model}"
        own = bool(self.run) and self.dataset not in configuration.PUBLISHED
        who = self.run if own and self.members == 1 else f"{self.run}, {self.models}" if own else self.models
        return f"{self.dataset}, {who}, augment: {CHOICES.get(self.augment, self.augment)}"

    @property
    def models(self) -> str:
        """How many models were asked, in words."""
        return "one model" if self.members == 1 else f"{self.members} models"


class Summary(TypedDict):
    """What others read of the summary of an evaluation or attack, beside the numbers of its result."""

    run: str
    training: dict[str, Any]
    protocol: dict[str, Any]
    made_with: dict[str, Any]


@dataclass(frozen=True)
class Training:
    """A finished training: its metrics.json and the confusion on the clean test set, (K, K) by label, prediction."""

    source: Source
    config: Config
    metrics: dict[str, Any]
    classes: list[str]
    confusion: Integers

    @property
    def images_each(self) -> float:
        """Test images for each independent unit."""
        return float(self.metrics.get("images/test_for_each_unit", 1.0))


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation. examples: None where its folder keeps no images."""

    source: Source
    summary: dict[str, Any]
    result: StabilityResult
    examples: Examples | None


@dataclass(frozen=True)
class Attacked:
    """A finished attack."""

    source: Source
    config: Config
    summary: dict[str, Any]
    result: AttackResult


@dataclass(frozen=True)
class Evidence:
    """All that was found, each kind in the order of data set, members, augmentation, seed, then as it was named.

    remarks: what the reader must know about what was left out: a half-finished evaluation with its share, ...
    """

    trainings: list[Training]
    evaluations: list[Evaluation]
    attacks: list[Attacked]
    remarks: list[str]

    @cached_property
    def differences(self) -> list[dict[int, Estimate]]:
        """Of each evaluation: how much higher its accuracy is than those of others on the same draws, by place."""
        found: list[dict[int, Estimate]] = [{} for _ in self.evaluations]
        for (place, one), (other, another) in permutations(enumerate(self.evaluations), 2):
            with suppress(InputError):  # they are not of the same draws
                found[place][other] = paired_difference(one.result, another.result)
        return found


def gather(folders: Sequence[Path]) -> Evidence:
    """Read the results that these folders are, or have below them; each once.

    Raises InputError for a folder that is not there or holds none, when none is finished, and for one that is damaged.
    """
    found = {result: name for folder in folders for result, name in results_below(folder).items()}
    read, remarks = [], []
    for folder, name in found.items():
        unused = why_unused(folder)
        if unused is None:
            read.append(read_result(folder))
        else:
            remarks.append(f"{name} {unused}")
    if not read:
        raise InputError(f"nothing is finished: {'; '.join(remarks) or 'there are requirements, and no result'}")
    read.sort(key=lambda result: order_of(result.source))
    return Evidence(
        [result for result in read if isinstance(result, Training)],
        [result for result in read if isinstance(result, Evaluation)],
        [result for result in read if isinstance(result, Attacked)],
        remarks,
    )


def results_below(folder: Path) -> dict[Path, str]:
    """The folders with a result, finished or not, that this folder is or has below it, and what to call them.

    Raises InputError when there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist; name folders that train, evaluate or attack wrote")
    found = sorted(begun_below(folder))
    if not found and not any(folder.rglob(REQUIREMENTS)):
        if (folder / LEDGER).exists():
            raise InputError(f"{folder} is a ledger: the page makes the ledger itself, leave it out")
        raise InputError(f"{folder} holds no result of train, evaluate or attack, nor do its folders")
    above = folder.resolve().parent
    return {path.resolve(): path.resolve().relative_to(above).as_posix() for path in found}


def why_unused(folder: Path) -> str | None:
    """What a folder lacks, in a line, or None when its result is whole; InputError when it is damaged."""
    if finished(folder):
        return None
    if (folder / directory.PARTS).exists():
        done, total = share_done(folder / directory.PARTS)
        lacking = (
            f"{done} of {total or '?'} parts are there" if done != total else "its parts are there, its tables not"
        )
        return f"is half-finished and not used: {lacking}"
    return "is a training that is not finished and not used"


def read_result(folder: Path) -> Training | Evaluation | Attacked:
    """The result that a folder holds; InputError when it is damaged or another program's."""
    kind = finished(folder)
    directory.check_files(folder)
    if kind == "train":
        return read_training(folder)
    summary = read_json(folder / SUMMARY)
    shaped(Summary, summary, folder / SUMMARY)
    source = source_of(folder, summary["training"] | {"run": summary["run"]}, summary["made_with"], folder / SUMMARY)
    if kind == "evaluate":
        return Evaluation(source, summary, StabilityResult.read(folder), Examples.read(folder))
    return Attacked(source, configuration.load_config(folder), summary, AttackResult.read(folder))


def read_training(folder: Path) -> Training:
    """The training of a run directory."""
    config, metrics = configuration.load_config(folder), directory.metrics(folder)
    configuration.check_run(config, folder)
    training = training_of(config, metrics)
    seeds: dict[str, Any] = {"members": 1, "seeds": [training.pop("seed")]}
    source = source_of(folder, training | seeds | {"run": folder.name}, metrics["made_with"], folder / METRICS)
    return Training(source, config, metrics, directory.classes_of(metrics), np.array(metrics["test/confusion"]))


def source_of(folder: Path, training: dict[str, Any], made_with: dict[str, Any], path: Path) -> Source:
    """Where a result comes from, by what its file says; DamagedError when that cannot be."""
    return shaped(Source, {"folder": folder, **training, "made_with": made_with}, path)


def order_of(source: Source) -> tuple[str, int, str, list[int]]:
    """Data set, members, augmentation, seeds; what is alike in all of them stays as it was named."""
    return source.dataset, source.members, source.augment, source.seeds
