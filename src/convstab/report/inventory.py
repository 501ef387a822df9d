"""What was run and on what: the facts behind each result, as a reader is told them."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convstab.report.formatting import is_published, of_draws
from convstab.report.results import Attacked, Evaluation, Evidence, Source, Training
from convstab.runs.settled import FORWARD

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Ran:
    """One result in words. machine: place in ``machines``, from 1; None: not recorded."""

    kind: str
    name: str
    folder: str
    model: str
    seeds: str
    epochs: str
    images: str
    official: str
    protocol: str
    seconds: float | None
    machine: int | None


def ran(evidence: Evidence) -> list[Ran]:
    """All results of the evidence: trainings, evaluations, attacks."""
    folders, known = folders_of(evidence), machines(evidence)
    return [
        Ran(
            kind=type(result).__name__.lower().replace("attacked", "attack"),
            name=result.source.name,
            folder=folders[result.source.folder],
            model=result.source.model,
            seeds=", ".join(map(str, result.source.seeds)) or "not recorded",
            epochs=number_in_words(result.source.epochs),
            images=images_of(result.source.images),
            official=official_in_words(result.source),
            protocol=protocol_of(result),
            seconds=(result.metrics if isinstance(result, Training) else result.summary).get("seconds"),
            machine=known.index(made) + 1 if (made := machine_of(result.source.made_with)) in known else None,
        )
        for result in results(evidence)
    ]


def official_in_words(source: Source) -> str:
    """Whether the images are the publisher's files; nothing for images that have no publisher."""
    words = {True: "yes", False: "no", None: "not recorded"}
    return words[source.official] if is_published(source) else ""


def results(evidence: Evidence) -> list[Training | Evaluation | Attacked]:
    """All results in one list."""
    return [*evidence.trainings, *evidence.evaluations, *evidence.attacks]


def folders_of(evidence: Evidence) -> dict[Path, str]:
    """The folder of each result as it is seen from the folder that all of them are in."""
    folders = [result.source.folder for result in results(evidence)]
    parents = [str(folder.parent) for folder in folders]
    common = Path(os.path.commonpath(parents)) if parents else Path()
    return {folder: folder.relative_to(common).as_posix() for folder in folders}


def number_in_words(number: int | str | None) -> str:
    """A number as text, or the word for several that differ."""
    return "not recorded" if number is None else f"{number:,}" if isinstance(number, int) else number


def images_of(images: Mapping[str, Any]) -> str:
    """The numbers of images to train, to validate and to test."""
    return " / ".join(number_in_words(images.get(name)) for name in PARTS)


def protocol_of(result: Training | Evaluation | Attacked) -> str:
    """How the images of a result were degraded."""
    if isinstance(result, Training):
        return f"clean test set, {result.confusion.sum():,} images"
    if isinstance(result, Attacked):
        summary = result.summary
        tried = f"{summary['attacked']:,} of {summary['images']:,} images"
        return f"attack {result.result.attack} on {tried}: those that are correct when clean"
    protocol = result.summary.get("protocol", {})
    levels, degradation = ", ".join(f"{level:g}" for level in result.result.levels), result.result.degradation
    asked = result.result.protocol
    clipped = {True: "clipped to 0 to 255", False: "not clipped"}.get(protocol.get("clip"), "")
    rounded = {True: "rounded to whole grey levels", False: "not rounded"}.get(protocol.get("rounding"), "")
    words = [
        f"{result.result.images:,} images",
        f"{degradation.title}: {asked.quantity} {levels} {asked.unit}",
        f"{of_draws(result.result, 'draw')} of each image and level",
    ]
    words += [f"seed {protocol['seed']}"] if "seed" in protocol else []
    forward = result.source.made_with.get(FORWARD.name)
    return "; ".join(filter(None, [*words, clipped, rounded, f"classified in {forward}" if forward else ""]))


def machines(evidence: Evidence) -> list[str]:
    """What computed the results, each machine with its software once."""
    told = [machine_of(result.source.made_with) for result in results(evidence)]
    return [machine for machine in dict.fromkeys(told) if machine]


def machine_of(made_with: Mapping[str, Any]) -> str:
    """Versions and machine in one line; empty where nothing was recorded."""
    return ", ".join(f"{name} {value}" for name, value in made_with.items() if name != FORWARD.name)


def unique_names(names: Sequence[str], folders: Sequence[str]) -> list[str]:
    """Names, with the folder where several results have the same one."""
    times = Counter(names)
    return [f"{name} ({folder})" if times[name] > 1 else name for name, folder in zip(names, folders, strict=True)]
