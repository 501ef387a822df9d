"""Make an evaluation of what a model elsewhere predicts for the degraded copies that convstab-draws has written."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from typing_extensions import TypedDict

from convstab.commands import own
from convstab.commands.app import plain
from convstab.commands.assess import Task
from convstab.commands.draws import MANIFEST, SETTINGS
from convstab.commands.evaluate import SCHEMA, conclude, name_of, score, write_part
from convstab.commands.signals import goes_on, kept_in
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.recorded import counts_of
from convstab.evaluation.result import StabilityResult
from convstab.files import read_json
from convstab.files.digests import digest
from convstab.files.predictions import read_predictions
from convstab.files.shapes import shaped
from convstab.images import Images
from convstab.progress.bar import progress_bar
from convstab.runs import configuration
from convstab.runs.own import test_of, trained_elsewhere
from convstab.runs.run import Run, chosen, digest_of
from convstab.sweeps.jobs import Outcome

ALONE = {"shard": "1/1"}  # that a task needs to know


class Settings(TypedDict):
    """What draws.json says."""

    dataset: configuration.DataSet
    images: int | list[int] | None
    protocol: dict[str, Any]
    data: str


def main(config: DictConfig) -> Outcome:
    """Count the predictions as those of a model that is here; leave the tables and figures of an evaluation."""
    values = plain(config)
    path, folder = Path(values["path"]), Path(values["draws"])
    if values["output"] is not None and (Path(values["output"]) / SETTINGS).exists():
        raise InputError(f"{values['output']} holds the draws themselves; choose another output=")
    settings, protocol = settings_of(folder, values["trust"] or ())
    files = files_of(folder, protocol)
    images, official = images_of(settings, folder)
    logits, scored = read_predictions(path, files, images.classes)
    protocol = protocol if scored else replace(protocol, score="none")
    run = run_of(values["name"] or path.stem, settings, images, official, logits)
    options = protocol.settings | {"schema": SCHEMA}
    name = name_of(run, protocol)
    task = Task.open("evaluate", values | ALONE, run, torch.device("cpu"), options, name, StabilityResult.read)
    before = task.finished_before()
    if before is not None:
        return task.outcome(score(before))
    goes_on(partial(kept_in, task.parts.folder))
    count(task, protocol, with_gaps(protocol, images, logits))
    return conclude(task, protocol, {})


def settings_of(folder: Path, trust: str | Sequence[str] = ()) -> tuple[dict[str, Any], Protocol]:
    """What convstab-draws has written, and its protocol; InputError where it is damaged, gone, or names other code."""
    try:
        settings = read_json(folder / SETTINGS)
        shaped(Settings, settings, folder / SETTINGS)
        configuration.check_own(settings, ["dataset"], folder / SETTINGS)
        levels = tuple(map(float, settings["protocol"]["levels"]))
        trusted = [trust] if isinstance(trust, str) else trust
        configuration.check_trusted(settings["dataset"], trusted)
        return settings, Protocol.of(settings["protocol"] | {"levels": levels}, trusted)
    except FileNotFoundError as error:
        said = f"draws={folder} has no {SETTINGS}; it must be a folder that convstab-draws has written"
        raise InputError(said) from error
    except InputError as error:
        raise InputError(f"{folder / SETTINGS}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / SETTINGS} is not what convstab-draws writes: {error!r}") from error


def files_of(folder: Path, protocol: Protocol) -> list[str]:
    """The files that the manifest lists, in the order image, level, draw, in whatever order it has them."""
    path = folder / MANIFEST
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(place_of(row, protocol), row["file"]) for row in reader]
    except FileNotFoundError as error:
        said = f"{folder} has no {MANIFEST}: convstab-draws has not ended; the same command goes on"
        raise InputError(said) from error
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not what convstab-draws writes ({error}); make it again with that") from error
    return [file for _, file in sorted(rows)]


def place_of(row: Mapping[str, str], protocol: Protocol) -> tuple[int, int, int]:
    """Where a draw stands among all: its image, the place of its level, and its number."""
    return int(row["image"]), protocol.levels.index(float(row["level"])), int(row["draw"])


def images_of(settings: Mapping[str, Any], folder: Path) -> tuple[Images, bool]:
    """The images that were degraded, and whether they are the publisher's; InputError where they have changed."""
    data, name = (
        own.data_of(configuration.fetching_nothing(settings["dataset"])),
        configuration.images_name(settings["dataset"]),
    )
    whole = test_of(data)
    images = whole.part(chosen(settings["images"], len(whole)))
    if digest_of(images) != settings["data"]:
        raise InputError(f"the images of {name} are no longer those that {folder} was made of; write the draws again")
    return images, data.images.official


def run_of(name: str, settings: Mapping[str, Any], images: Images, official: bool, logits: Tensor) -> Run:
    """The images, and what is known of the model: its name and its predictions."""
    training = trained_elsewhere(configuration.images_name(settings["dataset"]), name, len(images), official)
    source = {"kind": "predictions", "name": name, "weights": digest({"logits": logits})}
    return Run(nn.Identity(), images, name, training, source)


def with_gaps(protocol: Protocol, images: Images, logits: Tensor) -> Tensor:
    """The logits of all draws, (n * draws, K), with zeros for those of a level that an image does not have."""
    drawn = ~protocol.applied(images.pixels, images.ids.tolist()).isnan()
    there = drawn.repeat_interleave(torch.tensor(protocol.draws_of), dim=1).flatten()
    if int(there.sum()) != len(logits):
        raise InputError(f"there are {len(logits):,} predictions and {int(there.sum()):,} draws; write the draws again")
    found = logits.new_zeros(len(there), logits.shape[1])
    found[there] = logits
    return found


def count(task: Task[StabilityResult], protocol: Protocol, logits: Tensor) -> None:
    """Make the parts that are not there."""
    each, todo = protocol.draws_per_image, task.begin()
    with progress_bar() as bar:
        said = bar.add_task("draws", total=each * sum(map(len, todo.values())))
        for number, rows in todo.items():
            images = task.run.test.part(slice(rows.start, rows.stop))
            write_part(task.parts, number, counts_of(protocol, images, logits[rows.start * each : rows.stop * each]))
            bar.advance(said, each * len(rows))
