"""What an offline W&B run wrote, read back from its .wandb file: a log in LevelDB's format of protobuf records."""

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

FILE_HEADER, BLOCK, CHUNK_HEADER = 7, 32768, 7  # bytes
PATIENCE = 20.0  # seconds for W&B's own process, which writes the file, to come to the end
LAST_CHUNKS = (1, 4)  # types of the chunk that a record ends with: a whole one, the last one


@dataclass
class OfflineRun:
    """A run as a server would get it.

    run: the first record. axes: curves -> their x axis. artifacts: name -> record. exit_code: None while it runs.
    """

    folder: Path
    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None

    def curve(self, name: str, axis: str) -> list[tuple[float, float]]:
        """The points of a curve against an axis."""
        return [(row[axis], row[name]) for row in self.history if name in row]

    @property
    def summary_keys(self) -> list[str]:
        """The keys of the summary, each that is in another as well."""
        return [key for name, value in self.summary.items() for key in (value if isinstance(value, dict) else [name])]

    def outputs(self) -> dict[str, str]:
        """The digests of the artifacts that the run makes, but for W&B's own of tables."""
        return {
            name: one.digest for name, one in self.artifacts.items() if not is_input(one) and one.type != "run_table"
        }

    def inputs(self) -> dict[str, str]:
        """The digests of the artifacts that the run uses.

        W&B's server then makes no new one where the name has one of this digest, and says no other run made it.
        """
        return {name: one.digest for name, one in self.artifacts.items() if is_input(one)}

    def table(self, name: str) -> dict[str, Any]:
        """The table that was logged under a name."""
        files = (file for artifact in self.artifacts.values() for file in artifact.manifest.contents)
        path = next(Path(file.local_path) for file in files if file.path == f"{name}.table.json")
        content: dict[str, Any] = json.loads(path.read_text())
        return content


def is_input(artifact: Any) -> bool:
    """Whether an artifact is used, not made: what wandb.Run.use_artifact says of one that it has not logged."""
    return bool(artifact.use_after_commit and artifact.user_created)


def offline_runs(folder: Path) -> list[OfflineRun]:
    """The offline runs in the folder ``wandb`` of a run directory, in the order of their starts, all of them ended."""
    paths = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))
    end = time.monotonic() + PATIENCE
    while any((run := read(path)).exit_code is None for path in paths):
        assert time.monotonic() < end, f"{run.folder} has no exit record"
        time.sleep(0.02)
    return [read(path) for path in paths]


def read(path: Path) -> OfflineRun:
    """Put the records of a file together."""
    told = OfflineRun(path.parent)
    for record in records(path):
        match record.WhichOneof("record_type"):
            case "run":
                told.run = record.run
            case "config":
                told.config |= {item.key: json.loads(item.value_json) for item in record.config.update}
            case "history":
                told.history.append(values(record.history.item))
            case "summary":
                told.summary |= values(record.summary.update)
                for item in record.summary.remove:
                    told.summary.pop(item.key or item.nested_key[0], None)
            case "metric":
                told.axes[record.metric.glob_name or record.metric.name] = record.metric.step_metric
            case "artifact":
                told.artifacts[record.artifact.name] = record.artifact
            case "exit":
                told.exit_code = record.exit.exit_code
    return told


def values(items: Any) -> dict[str, Any]:
    """Items by name; those of a file or table as a dict."""
    found: dict[str, Any] = {}
    for item in items:
        name, *inner = item.nested_key or [item.key]
        if inner:
            found.setdefault(name, {})[inner[0]] = json.loads(item.value_json)
        else:
            found[name] = json.loads(item.value_json)
    return found


def records(path: Path) -> Iterator[Any]:
    """The records, whose chunks do not cross the borders of blocks."""
    data, place, content = path.read_bytes(), FILE_HEADER, b""
    while place + CHUNK_HEADER <= len(data):
        left = BLOCK - place % BLOCK
        if left < CHUNK_HEADER:
            place += left  # padding
            continue
        _, length, chunk = struct.unpack_from("<IHB", data, place)
        if place + CHUNK_HEADER + length > len(data):
            return  # it is being written
        content += data[place + CHUNK_HEADER :][:length]
        place += CHUNK_HEADER + length
        if chunk in LAST_CHUNKS:
            yield wandb_internal_pb2.Record.FromString(content)  # type: ignore[attr-defined]  # made at run time
            content = b""
