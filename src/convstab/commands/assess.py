"""What evaluate and attack share: a run and its test images, a folder of parts, and the mark of a finished result."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch

from convstab.commands import own
from convstab.commands.app import sweep_name
from convstab.errors import InputError
from convstab.evaluation.gate import Clean, gate
from convstab.loggers.tracking import check_logger, tracking
from convstab.runs import directory
from convstab.runs.parts import Part, Parts, folder_name
from convstab.runs.results import each_once
from convstab.runs.run import Run
from convstab.runs.settled import DRAWS, FORWARD, MEASURED, Measured, as_counts
from convstab.runs.shard import Shard
from convstab.sweeps.jobs import Outcome, members_of
from convstab.validation import AUTO

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

Result = TypeVar("Result")  # of the command
Value = TypeVar("Value")
GATE = 10_000  # images that are classified before the long work
ALONE = "probabilities"  # the rule that is not said of one model: it is the default


@dataclass(frozen=True)
class Task(Generic[Result]):
    """One evaluation or attack of a run, in a folder.

    command: "evaluate" or "attack". config: its plain configuration, with the run and the folder as they are.
    shard: the share of the parts that this process makes. others: results that join the figures, by their folders.
    read: a result from its folder. asked: a digest of what the result depends on, without what is measured for it.
    """

    command: str
    config: Mapping[str, Any]
    run: Run
    device: torch.device
    folder: Path
    parts: Parts
    shard: Shard
    others: Mapping[Path, Result]
    read: Callable[[Path], Result]
    asked: str

    @classmethod
    def open(
        cls,
        command: str,
        config: Mapping[str, Any],
        run: Run,
        device: torch.device,
        options: Mapping[str, Any],
        name: str,
        read: Callable[[Path], Result],
    ) -> "Task[Result]":
        """A new task, or one to go on with: nothing but its folder of parts is made.

        options: what the result depends on beside the run and the device. name: of the folder, where the configuration
        does not say ``output``; it is followed by a digest of all that the result depends on.
        Raises InputError when the folder holds another result, or one that is to be compared is not there.
        """
        depends_on = identity(run, device, options)
        default = Path(config["runs"], command, folder_name(name, depends_on | {"slice": config["slice"]}))
        folder, shard = Path(config["output"] or default), Shard.parse(str(config["shard"]))
        directory.refuse_training(folder)
        check_logger(config)
        _, *compared = each_once([folder, *map(Path, config["compare"])])
        others = {path: read(path) for path in compared}
        asked = folder_name("", depends_on)
        depends_on |= measured(folder, depends_on, asked)
        parts = Parts(folder / directory.PARTS, len(run.test), depends_on, config["slice"])
        return cls(
            command, dict(config) | {"output": str(folder)}, run, device, folder, parts, shard, others, read, asked
        )

    def finished_before(self) -> Result | None:
        """The result, where it was finished before and is to be left as it is; it is said."""
        if not self.config["skip_done"] or directory.finished(self.folder) != self.command or self.parts.missing():
            return None
        with suppress(InputError):  # a table is gone or damaged: the parts make it again
            directory.check_files(self.folder)
            result = self.read(self.folder)
            print(f"finished before: {self.folder}")
            return result
        return None

    def settle(self, setting: Measured[Value], value: Value) -> "Task[Result]":
        """The task with a setting that all its parts are made by: this one, unless another process was first."""
        depends_on = self.parts.fingerprint | {setting.name: setting.settle(self.folder, value, self.asked)}
        depends_on |= measured(self.folder, depends_on, self.asked)  # another process may have settled more meanwhile
        return replace(self, parts=Parts(self.parts.folder, len(self.run.test), depends_on, self.config["slice"]))

    @property
    def forward(self) -> str | None:
        """The name of the forward pass, where it is settled."""
        found: str | None = self.parts.fingerprint.get(FORWARD.name)
        return found

    @property
    def draws(self) -> tuple[int, ...] | None:
        """The draws of each level, where they are settled."""
        return as_counts(self.parts.fingerprint.get(DRAWS.name))

    def begin(self) -> dict[int, range]:
        """The slices of the test set that this process has to make, by their numbers; the configuration is kept."""
        if directory.finished(self.folder) != self.command:
            directory.begin(self.folder, self.config)
        return {number: self.parts.slices[number] for number in self.parts.todo(self.shard)}

    def merge(self) -> Part | None:
        """All parts as one, or None while other shards are at work; it is said."""
        whole = self.parts.merge()
        if whole is None:
            print(self.parts.awaited(self.shard))
        return whole

    @contextmanager
    def finishing(self) -> Iterator[list["Logger"]]:
        """The loggers; what is done with them makes the result whole, which is marked at the end."""
        directory.begin(self.folder, self.config)
        with tracking(self.config, self.folder, self.command, group=sweep_name()) as loggers:
            yield loggers
        directory.finish(self.folder, self.command)

    def outcome(self, metric: float | None = None) -> Outcome:
        """What the command leaves; where it is asked for, with a page about a whole result."""
        if self.config.get("report") and directory.finished(self.folder) == self.command:
            from convstab.paper.report import PAGE, write_report

            write_report([self.folder, *self.others], self.folder, f"Stability of {self.run.name}")
            print(self.folder / PAGE)
        return Outcome(self.folder, metric)


def measured(folder: Path, depends_on: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """What is settled in a folder of that which is still open, by its names in the fingerprint."""
    open_yet = [one for one in MEASURED if depends_on.get(one.name, AUTO) == AUTO]
    found = {one.name: one.settled(folder, asked) for one in open_yet}
    return {name: value for name, value in found.items() if value is not None}


def identity(run: Run, device: torch.device, options: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that a result depends on: its options, the run, and what computes."""
    return dict(options) | run.fingerprint(device)


def load(
    config: Mapping[str, Any], images: int | Sequence[int] | None, device: torch.device
) -> tuple[dict[str, Any], Run]:
    """What ``run`` names, a run, several, or the finished ones of a sweep, or an own model; with these images.

    Beside it the configuration in which ``run=latest`` is the run that is the newest now: later there may be a newer.
    """
    config = own.tidy(config)
    run, members, name = config["run"], list[str](), ""
    if run == "latest":
        run = str(directory.find_run("latest", config["runs"]))
        print(f"run=latest: {run}")
    if run is not None:
        members = members_of(run)
        name = Path(run).name if isinstance(run, str) and len(members) > 1 else ""
    loaded = own.run_of(config, members, name, images, device)
    if len(members) < 2 and config["rule"] != ALONE:
        print(f"rule={config['rule']} has no effect: {loaded.name} is one model")
    say_how_many(config["images"], len(loaded.test))
    return config | {"run": run}, loaded


def say_clean(task: Task[Any], run: Run, device: torch.device) -> Clean | None:
    """Print the clean accuracy before the long work, and what is strange about it; InputError for less than expected.

    It is that of at most 10,000 images, evenly spaced. Where nothing is left to do and nothing expected, it is not
    measured again: None.
    """
    if not task.parts.missing() and task.config["expect_clean"] is None:
        return None
    clean = gate(run.model.to(device), run.test.spread(GATE), device, task.config["expect_clean"])
    print(f"{run.name}: {clean}", *clean.remarks, sep="\n")
    return clean


def say_how_many(images: int | Sequence[int] | None, count: int) -> None:
    """Print a line where more images are asked for than the test set has."""
    if isinstance(images, int) and images > count:
        print(f"images={images}: the test set has {count}, and all are taken")
