"""Damages and forgeries of every file of a training, an evaluation and an attack, and all that is read of them."""

import json
import resource
import shutil
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convstab.attacks.result import CONVERGENCE, MINIMUM_NOISE, NOISE, AttackResult
from convstab.commands import app
from convstab.errors import InputError
from convstab.evaluation.examples import EXAMPLES, Examples
from convstab.evaluation.result import CONFUSION, HISTOGRAM, STABILITY, StabilityResult
from convstab.files import BEST, CONFIG, LAST, METRICS, SUMMARY, read_json, write_bytes, write_json
from convstab.files.arrays import read_arrays, write_arrays
from convstab.files.seals import SEAL, sealed
from convstab.files.tables import read_table, write_table
from convstab.report.results import read_result
from convstab.runs import checkpoints, configuration, directory
from convstab.runs.directory import FINISHED, PARTS
from convstab.runs.parts import Parts
from convstab.runs.shard import Shard
from tests.support.in_process import call_in, train_short

SECONDS, MEMORY = 10, 2**30  # that reading a damaged file may take, at most
QUICK = ["logger=none", "output={}", "run=one", "images=8", "slice=4"]
PART = f"{PARTS}/part-00001.parquet"
FILES = {
    "train": (BEST, LAST, CONFIG, METRICS, FINISHED, "metrics.csv"),
    "evaluate": (STABILITY, CONFUSION, HISTOGRAM, EXAMPLES, SUMMARY, CONFIG, FINISHED, PART),
    "attack": (MINIMUM_NOISE, NOISE, CONVERGENCE, SUMMARY, CONFIG, FINISHED, PART),
}
Place = tuple[str, str]  # a command, and a file of its result
KINDS: dict[str, list[Place]] = {}
for command, names in FILES.items():
    for name in names:
        KINDS.setdefault("part" if name == PART else Path(name).suffix, []).append((command, name))
Value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("${oc.env:HOME}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def budget(attempt: Callable[[st.DataObject], object], examples: int) -> None:
    """Make an attempt so many times, with the same choices each time."""

    def made(data: st.DataObject) -> None:
        attempt(data)

    each = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    each(given(data=st.data())(made))()


def results_in(folder: Path) -> Path:
    """Make a training, an evaluation and an attack as their commands leave them, a second evaluation, and copies."""
    train_short(folder, {"one": ["logger=csv"]})
    for name, seed in (("evaluate", 0), ("other", 1)):
        words = [word.format(name) for word in QUICK]
        call_in(folder, app.evaluate, *words, "draws=3", "levels=[8,40]", f"seed={seed}")
    small = ["attack.population=8", "attack.generations=3", "attack.tournament=2", "attack.descents=0"]
    call_in(folder, app.attack, *[word.format("attack") for word in QUICK], "attack.targets=1", *small)
    (folder / "one").rename(folder / "train")
    for command in FILES:  # from which damaged parts are made again
        shutil.copytree(folder / command, folder / f"{command}.whole")
    return folder


def digest(*found: Any) -> str:
    """A short name of values of any kind."""
    return sha256("".join(map(plain, found)).encode()).hexdigest()


def plain(value: Any) -> str:
    """A value, all of an array in its digest."""
    if isinstance(value, dict):
        return "".join(f"{key}={plain(inner)}" for key, inner in value.items())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.dtype}{value.shape}{sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.tolist()}"
    return str(value)


def read_training(folder: Path) -> str:
    """All that is ever read of a training."""
    directory.check_files(folder)
    weights = checkpoints.load_classifier(folder).state_dict()
    last = checkpoints.load_checkpoint(folder / LAST)["state_dict"]
    config, metrics = configuration.load_config(folder), directory.metrics(folder)
    read_result(folder)
    tensors = [tensor.numpy() for state in (weights, last) for tensor in state.values()]
    return digest(config, metrics, *tensors, (folder / "metrics.csv").read_text())


def read_evaluation(folder: Path) -> str:
    """All that is ever read of an evaluation; parts that are damaged are made again."""
    read_result(folder)
    result, examples = StabilityResult.read(folder), Examples.read(folder)
    config, summary = configuration.load_config(folder), read_json(folder / SUMMARY)
    arrays = result.rows | result.totals
    return digest(config, summary, result.classes, result.protocol, arrays, vars(examples), read_parts(folder))


def read_attack(folder: Path) -> str:
    """All that is ever read of an attack."""
    read_result(folder)
    result, config = AttackResult.read(folder), configuration.load_config(folder)
    arrays = result.rows | result.history | {"noise": result.noise, "pixels": result.pixels}
    return digest(config, read_json(folder / SUMMARY), result.protocol, result.classes, arrays, read_parts(folder))


def read_parts(folder: Path) -> dict[str, Any]:
    """The rows of the parts, as a second start takes them: a damaged one is made again, here by copying it."""
    kept = folder.with_name(f"{folder.name}.whole") / PARTS
    good = read_table(kept / "part-00000.parquet")[1]
    fingerprint = json.loads(good[b"convstab.fingerprint"])
    images, size = fingerprint.pop("images"), fingerprint.pop("slice size")
    parts = Parts(folder / PARTS, images, fingerprint, size)
    for number in parts.todo(Shard()):
        shutil.copy(kept / parts.path(number).name, parts.path(number))
    merged = parts.merge()
    assert merged is not None
    return dict(merged.rows.to_pydict())


READ: dict[str, Callable[[Path], str]] = {
    "train": read_training,
    "evaluate": read_evaluation,
    "attack": read_attack,
}


def damaged(data: st.DataObject, content: bytes, others: list[bytes]) -> bytes:
    """Content with a few bits flipped, cut, prolonged, overwritten with zeros, or that of another file."""
    kind = data.draw(st.sampled_from(["flip", "cut", "longer", "zeros", "swap", "empty"]))
    changed = bytearray(content)
    if kind == "flip":
        for place in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=4, unique=True)):
            changed[place // 8] ^= 1 << place % 8
    elif kind == "cut":
        del changed[data.draw(st.integers(0, len(content) - 1)) :]
    elif kind == "longer":
        changed += data.draw(st.binary(min_size=1, max_size=200))
    elif kind == "zeros":
        start = data.draw(st.integers(0, len(content) - 1))
        changed[start : start + 512] = bytes(len(changed[start : start + 512]))
    elif kind == "swap":
        changed = bytearray(data.draw(st.sampled_from(others)))
    else:
        changed.clear()
    return bytes(changed)


def refusal(read: Callable[[], Any]) -> InputError | None:
    """The error in one line that reading ends in, or None; soon, and in little memory."""
    start, before, said = time.monotonic(), peak(), None
    try:
        read()
    except InputError as error:
        said = error
    assert said is None or "\n" not in str(said)
    assert time.monotonic() - start < SECONDS
    assert peak() - before < MEMORY
    return said


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def try_damage(whole: Path, values: dict[str, str], places: list[Place], data: st.DataObject) -> bool:
    """One damage of one file: whether one line named a file of the result; if not, the values are as before."""
    command, name = data.draw(st.sampled_from(places))
    folder = whole / command
    path, content = folder / name, (whole / f"{command}.whole" / name).read_bytes()
    others = [file.read_bytes() for file in (whole / "other").rglob(f"*{path.suffix}") if file.is_file()]
    found: list[str] = []
    try:
        path.write_bytes(damaged(data, content, others or [b"x"]))
        said = refusal(lambda: found.append(READ[command](folder)))
    finally:
        path.write_bytes(content)
    assert found == [values[command]] if said is None else str(folder) in str(said), path
    return said is not None


def forged_json(data: st.DataObject, path: Path) -> None:
    """Another value under one key, or another key, with a checksum that fits."""
    content = read_json(path)
    key = data.draw(st.sampled_from([*content, "new"]))
    write_json(path, content | {key: data.draw(Value)} if data.draw(st.booleans()) else without(content, key))


def forged_yaml(data: st.DataObject, path: Path) -> None:
    """The same for a configuration, down to its second level."""
    content = yaml.safe_load(path.read_text())
    key = data.draw(st.sampled_from([*content]))
    inner = content[key]
    if isinstance(inner, dict) and inner and data.draw(st.booleans()):
        below = data.draw(st.sampled_from([*inner]))
        inner[below] = data.draw(Value)
    else:
        content[key] = data.draw(Value)
    write_bytes(path, sealed(f"{yaml.safe_dump(content)}# {SEAL}\n".encode()))


def forged_table(data: st.DataObject, path: Path) -> None:
    """A column that is gone, has another name or type, or another value somewhere; or rows that are gone."""
    table, metadata = read_table(path)
    name = data.draw(st.sampled_from(table.column_names))
    place, column = table.column_names.index(name), table[name].to_pylist()
    kind = data.draw(st.sampled_from(["gone", "name", "text", "value", "null", "rows"]))
    if kind == "gone":
        table = table.drop_columns([name])
    elif kind == "name":
        table = table.rename_columns([f"{old}x" if old == name else old for old in table.column_names])
    elif kind == "text":
        table = table.set_column(place, name, pa.array(list(map(str, column))))
    elif kind == "rows":
        table = table.slice(data.draw(st.integers(1, len(table) - 1)))
    else:
        row, other = data.draw(st.integers(0, len(column) - 1)), data.draw(st.sampled_from([-1, 0, 2**40]))
        column[row] = None if kind == "null" else other if type(column[row]) is int else column[row]
        table = table.set_column(place, name, pa.array(column))
    write_table(path, table, metadata)


def forged_arrays(data: st.DataObject, path: Path) -> None:
    """An array that is gone, or of another shape or type."""
    arrays = read_arrays(path)
    name = data.draw(st.sampled_from(sorted(arrays)))
    others = [np.zeros(0), np.zeros((2, 2)), np.array("x"), np.atleast_1d(arrays[name])[:1], np.arange(7) - 3]
    changed = others[data.draw(st.integers(0, len(others) - 1))]
    write_arrays(path, arrays | {name: changed} if data.draw(st.booleans()) else without(arrays, name))


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    """All but one."""
    return {key: value for key, value in values.items() if key != name}


FORGED = {".json": forged_json, ".yaml": forged_yaml, ".parquet": forged_table, ".npz": forged_arrays}
FORGEABLE = {kind: [place for place in places if place[1] != FINISHED] for kind, places in KINDS.items()}


def try_forgery(whole: Path, places: list[Place], data: st.DataObject) -> bool:
    """One file of a result with other content and checksums that fit, also in the mark: whether a line refused it."""
    command, name = data.draw(st.sampled_from(places))
    folder = whole / command
    path, content = folder / name, (whole / f"{command}.whole" / name).read_bytes()
    mark = (folder / FINISHED).read_bytes()
    try:
        FORGED[path.suffix](data, path)
        directory.finish(folder, command)
        return refusal(lambda: READ[command](folder)) is not None
    finally:
        path.write_bytes(content)
        (folder / FINISHED).write_bytes(mark)
