"""Which folders are results: of which command, whether they are finished, and what their numbers are."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic takes no other below Python 3.12

from convstab.errors import InputError
from convstab.files import BEST, CONFIG, LAST, METRICS, REQUIREMENTS, STEP, read_json, write_json
from convstab.files.seals import DamagedError
from convstab.files.shapes import shaped
from convstab.runs.configuration import Config, load_config, refuse_other_training, value, write_config

Metrics = TypedDict(  # what others read of metrics.json
    "Metrics",
    {
        "test/accuracy": float,
        "test/balanced_accuracy": float,
        "test/confusion": list[list[int]],
        "val/accuracy": NotRequired[float],
        "epochs": int,
        "images/train": int,
        "images/validation": int,
        "images/test": int,
        "images/test_for_each_unit": float,
        "official": bool | None,
        "seconds": float,
        "made_with": dict[str, str | int],
    },
)
PRECISION = "test/precision/"  # and a class: a key of the metrics
FINISHED = "finished.json"  # written last, by the command that made the result
FORMS = (".yaml", ".json", ".csv", ".parquet", ".npz")  # of the files of a result
MAY_GO = ("examples.npz",)  # a result may be handed on without its images
JOB, SWEEP = "job.json", "sweep.yaml"  # of a job of a sweep, and of the sweep
# of a sweep, a step, the parts; of what comes later
NOT_OF_A_RESULT = (FINISHED, JOB, STEP, "forward.json", "pilot.json", REQUIREMENTS)
COMMANDS = ("train", "evaluate", "attack")
CHECKPOINTS, PARTS = "checkpoints", "parts"  # folders of a training, and of an evaluation or attack


def open_for_training(folder: Path, config: Config) -> Path | None:
    """Make or reopen a run directory; the checkpoint whose weights come first, or None to start from the beginning.

    Raises InputError when the folder holds another run, or one that ``ckpt=last`` was not said for.
    """
    ckpt = config["ckpt"]
    refuse_parts(folder)
    if any((folder / name).exists() for name in (LAST, METRICS)):  # else nothing was trained yet: start afresh
        if ckpt != "last":
            raise InputError(f"{folder} holds a run already: add ckpt=last to resume it, or choose another output=")
        refuse_other_training(folder, config)
    if ckpt not in (None, "last") and not Path(ckpt).is_file():
        raise InputError(f"ckpt={ckpt} is not a file; it can be last or the path of a checkpoint")
    (folder / FINISHED).unlink(missing_ok=True)
    write_config(folder, config)
    if ckpt in (None, "last"):
        last = folder / LAST
        return last if ckpt and last.exists() else None
    return Path(ckpt)


def finished_training(folder: Path, config: Config) -> dict[str, Any] | None:
    """The metrics of a training that is finished, None when it is not or is to go on; InputError for another one."""
    numbers = metrics(folder)
    if not numbers:
        return None
    refuse_other_training(folder, config)
    long_enough = numbers.get("epochs", 0) >= value(config, "trainer.max_epochs", 0)
    return numbers if long_enough and finished(folder) else None


def metrics(folder: Path) -> dict[str, Any]:
    """The metrics of a training, empty while it is not finished; InputError when they are damaged."""
    try:
        return checked_metrics(read_json(folder / METRICS), folder / METRICS)
    except FileNotFoundError:
        return {}
    except InputError as error:
        raise InputError(f"{error}; delete it and train with ckpt=last to test the run again") from error


def checked_metrics(numbers: dict[str, Any], path: Path) -> dict[str, Any]:
    """Metrics of a training; DamagedError when they are of another form, or do not fit each other."""
    shaped(Metrics, numbers, path)
    confusion, count = numbers["test/confusion"], len(classes_of(numbers))
    if [len(row) for row in confusion] != [count] * count or min(map(min, confusion), default=-1) < 0:
        raise DamagedError(f"{path} is not what convstab writes: its confusion is not that of {count} classes")
    images = numbers["images/test"]
    if sum(map(sum, confusion)) != images:
        raise DamagedError(f"{path} is not what convstab writes: its confusion is not that of {images} images")
    return numbers


def classes_of(metrics: Mapping[str, Any]) -> list[str]:
    """The names of the classes in the metrics of a training, in the order of the labels."""
    return [name.removeprefix(PRECISION) for name in metrics if name.startswith(PRECISION)]


def find_run(name: str, runs: str) -> Path:
    """The run directory that ``run=<dir|latest>`` means; ``latest`` is the newest finished training below ``runs``.

    Raises InputError when there is none.
    """
    if name == "latest":
        marks = sorted(Path(runs).glob(f"**/{FINISHED}"), key=lambda path: path.stat().st_mtime)
        newest = next((path.parent for path in reversed(marks) if finished(path.parent) == "train"), None)
        if newest is None:
            raise InputError(f"run=latest: there is no finished training below {Path(runs).resolve()}; train one first")
        return newest
    folder = Path(name)
    if not (folder / CONFIG).is_file() or not (folder / CHECKPOINTS).is_dir():
        what = "is not a run directory of train" if folder.exists() else "does not exist"
        raise InputError(f"run={name} {what}; it would hold {CONFIG} and {BEST}")
    return folder


def refuse_training(folder: Path) -> None:
    """Raise InputError when an evaluation or attack would go into the folder of a training."""
    if (folder / METRICS).exists() or (folder / CHECKPOINTS).exists():
        raise InputError(f"{folder} holds a training; choose another output=")


def refuse_parts(folder: Path) -> None:
    """Raise InputError when a training, or degraded copies, would go into the folder of an evaluation or attack."""
    if (folder / PARTS).exists():
        raise InputError(f"{folder} holds an evaluation or attack; choose another output=")


def begin(folder: Path, config: Config) -> None:
    """Keep the configuration of an evaluation or attack in its folder, which is not finished from now on."""
    write_config(folder, config)
    (folder / FINISHED).unlink(missing_ok=True)


def finish(folder: Path, job: str) -> None:
    """Mark the result of a command, "train", "evaluate" or "attack", as finished: the last file that it writes.

    It lists the checksums of the others, so that none of them can be replaced by that of another result.
    """
    write_json(folder / FINISHED, {"command": job, "files": dict(checksums(folder))})


def checksums(folder: Path) -> Iterator[tuple[str, str]]:
    """The files of a result but its figures and parts, with their SHA-256."""
    for name in (BEST, *sorted(path.name for path in folder.glob("*") if path.suffix in FORMS)):
        if name not in NOT_OF_A_RESULT and (folder / name).is_file():
            with (folder / name).open("rb") as file:
                yield name, file_digest(file, "sha256").hexdigest()


def check_files(folder: Path) -> None:
    """Raise DamagedError when a finished result has lost a file, or has another one than it was finished with."""
    said, found = read_json(folder / FINISHED).get("files"), dict(checksums(folder))
    for name, checksum in (said if isinstance(said, dict) else {FINISHED: ""}).items():
        if found.get(name, checksum if name in MAY_GO else None) != checksum:
            what = "was changed since it was finished" if name in found else "is gone"
            raise DamagedError(f"{folder / name} {what}; make the result again with the command that made it")


def finished(folder: Path) -> str | None:
    """The command whose finished result a folder holds; None: there is none, or its mark is damaged."""
    with suppress(OSError, InputError):
        command = read_json(folder / FINISHED).get("command")
        return command if command in COMMANDS else None
    return None


def sweep_of(folder: Path) -> str | None:
    """The name of the sweep that a folder is a job of, or None."""
    above = folder.resolve().parent
    return above.name if (folder / JOB).is_file() and (above / SWEEP).is_file() else None


def kind(folder: Path) -> str | None:
    """The command whose result a folder holds, finished or not; None where it holds none."""
    found = finished(folder)
    if found is None and (folder / CHECKPOINTS).exists():
        return "train"
    if found is None and (folder / PARTS).exists():
        with suppress(InputError):
            return "attack" if "attack" in load_config(folder) else "evaluate"
    return found


def begun_below(folder: Path) -> set[Path]:
    """The folders with a result, finished or not, that this folder is or has below it."""
    found = (path.parent for path in folder.rglob(CONFIG))
    return {path for path in found if any((path / name).exists() for name in (CHECKPOINTS, PARTS, FINISHED))}


def numbers_of(values: Mapping[str, Any]) -> dict[str, float]:
    """Those values that are single numbers."""
    return {name: value for name, value in values.items() if type(value) in (int, float)}
