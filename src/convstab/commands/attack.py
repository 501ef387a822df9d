"""Search the least noise that makes a run misclassify its test images, and leave a table and the noise."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.markdown import Markdown

from convstab.attacks import Attack
from convstab.attacks.result import MEANT, AttackResult, as_markdown, as_table
from convstab.commands import own
from convstab.commands.app import plain
from convstab.commands.assess import Task, load, say_clean
from convstab.commands.console import console
from convstab.commands.signals import goes_on, kept_in
from convstab.commands.trial import values_of
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.figures.files import named_attacks, of_attack, save
from convstab.files import FIGURES
from convstab.forward.device import device_of
from convstab.forward.own_model import check_gradients
from convstab.loggers.results import log_attack
from convstab.progress.bar import progress_bar
from convstab.runs.parts import Part
from convstab.runs.provenance import made_with
from convstab.runs.run import Run, first_correct
from convstab.sweeps.jobs import Outcome

SCHEMA = 3  # of the rows in a part; another number keeps parts of another layout apart
NO_INFLUENCE = ("slots", "batch_size")  # on any result


def main(config: DictConfig) -> Outcome:
    """Attack what the configuration names; the median L2 norm, or None: infinite, or other shards are at work."""
    values = plain(config)
    device, attack = device_of(values["device"]), attack_of(values)
    values, whole, run = images_of(values, device)
    attack.check_shape(run.test.shape)
    kind = attack.called
    task = Task.open("attack", values, run, device, options_of(values, attack), f"{run.name}-{kind}", AttackResult.read)
    before = task.finished_before()
    if before is not None:
        return task.outcome(before.summary["l2_median"])

    say_clean(task, whole, device)
    if attack.needs_gradients and run.source is not None:
        check_gradients(run.model, run.test, device, kind)
    search(task, attack)
    merged = task.merge()
    if merged is None:
        return task.outcome()
    test = run.test
    protocol = {name: values[name] for name in ("seed", "max_queries")} | vars(attack)
    told = test.units, test.name_column()
    result = AttackResult.of(merged.rows, test.pixels.numpy(), test.classes, run.name, kind, protocol, *told)
    table = as_markdown(result)
    figures = list(of_attack(named_attacks({task.folder: result} | dict(task.others))))  # before a file is touched
    about = {"training": run.training, "made_with": made_with(device)}
    about |= {} if run.source is None else {"model": dict(run.source)}
    with task.finishing() as loggers:
        result.write(task.folder, about)
        for name, figure in figures:
            save(figure, task.folder / FIGURES / name)
        log_attack(loggers, task.folder, result)
    console().print(Markdown(f"{table}\n{MEANT}"))
    print(f"{run.name}: {task.folder}")
    return task.outcome(result.summary["l2_median"])


check = own.check


def images_of(values: Mapping[str, Any], device: torch.device) -> tuple[dict[str, Any], Run, Run]:
    """The images that are listed, or all; and those that are attacked: up to the n-th that is correct when clean."""
    count, folder = values["images"] if isinstance(values["images"], int) else None, values["images_of"]
    if folder is not None and isinstance(values["images"], list):
        said = "with images_of= it can be a number of the images of that evaluation, or null for all"
        raise InputError(f"images is a list of places; {said}")
    values, run = load(values, None if count is not None else values["images"], device)
    run = run if folder is None else with_images_of(run, Path(folder))
    return values, run, run if count is None else first_correct(run, count, device)


def with_images_of(run: Run, folder: Path) -> Run:
    """A run with those of its test images that an evaluation has; InputError unless it has them all."""
    result = StabilityResult.read(folder)
    index, labels = result.by_image("index")[:, 0], result.labels
    _, rows, places = np.intersect1d(run.test.ids.numpy(), index, return_indices=True)
    same = len(rows) == len(index) and np.array_equal(run.test.labels.numpy()[rows], labels[places])
    if not same or list(run.test.classes) != list(result.classes):
        raise InputError(f"{folder} is an evaluation of other images than those of {run.name}")
    return replace(run, test=run.test.part(torch.from_numpy(np.sort(rows))))


def attack_of(values: Mapping[str, Any]) -> Attack:
    """The attack with its values; InputError when they make no sense."""
    try:
        with values_of("attack"):
            attack: Attack = instantiate(values["attack"], _convert_="all")
    except InputError as error:  # of Python's attack: "steps is 0", which is the key attack.steps here
        key = str(error).partition(" ")[0]
        raise InputError(f"attack.{error}" if key in values["attack"] else str(error)) from error
    if not isinstance(attack, Attack):
        raise InputError(
            f"attack._target_ is {values['attack']['_target_']}; it must be an attack, see attack= in --help"
        )
    return attack


def options_of(values: Mapping[str, Any], attack: Attack) -> dict[str, Any]:
    """What the rows depend on beside the run and the device."""
    settings = {f"attack.{name}": value for name, value in vars(attack).items() if name not in NO_INFLUENCE}
    chosen = {name: values[name] for name in ("seed", "max_queries", "rule")}
    return {"attack": type(attack).__qualname__, "schema": SCHEMA} | settings | chosen


def search(task: Task[AttackResult], attack: Attack) -> None:
    """Make the parts that are not there, one after another: an attack has many images in each forward pass."""
    goes_on(partial(kept_in, task.parts.folder))
    test, classifier, todo = task.run.test, task.run.model.to(task.device), task.begin()
    with progress_bar() as bar:
        advance = partial(bar.advance, bar.add_task("images", total=sum(map(len, todo.values()))))
        for number, rows in todo.items():
            images = slice(rows.start, rows.stop)
            result = attack(
                classifier,
                test.pixels[images].to(task.device),
                test.labels[images].to(task.device),
                test.ids[images],
                task.config["seed"],
                task.config["max_queries"],
                progress=advance,
                allow_nothing=True,
            )
            task.parts.write(number, Part(as_table(result)))
