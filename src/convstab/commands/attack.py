"""Search the least noise that makes a run misclassify its test images, and leave a table and the noise."""

from collections.abc import Sequence
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markdown import Markdown

from convstab.attacks import Attack
from convstab.attacks.result import AttackResult, as_markdown, as_table
from convstab.commands.app import door, run_folder
from convstab.commands.console import progress_bar
from convstab.commands.tested import subject_of
from convstab.errors import InputError
from convstab.figures import files
from convstab.files import CONFIG, FIGURES, write_text
from convstab.loggers.results import log_attack
from convstab.loggers.wandb import tracking
from convstab.runs.parts import Part, Parts, Shard, folder_name
from convstab.runs.provenance import made_with
from convstab.runs.run import Run, first_correct
from convstab.validation import device_of

SCHEMA = 3  # of the rows in a part; another number keeps parts of another layout apart
NO_INFLUENCE = ("slots", "batch_size")  # on any result


@door("attack")
def main(config: DictConfig) -> float | None:
    """Attack what the configuration names; the median L2 norm, or None: infinite, or other shards are at work."""
    device, attack, shard = device_of(config.device), attack_of(config), Shard.parse(str(config.shard))
    run = images_of(config, device)
    identity = fingerprint(config, attack, run, device)
    name = folder_name(f"{run.name}-{type(attack).__name__}", identity | {"slice": config.slice})
    folder = run_folder(config, f"attack/{name}")
    parts = Parts(folder / "parts", len(run.test), identity, config.slice)
    others = files.compared(config.compare, AttackResult.read)
    if config.skip_done and (folder / FIGURES / "by_class.svg").exists() and not parts.missing():  # the last file
        print(f"finished before: {folder}")
        return median_of(AttackResult.read(folder))
    write_text(folder / CONFIG, OmegaConf.to_yaml(config, resolve=True))

    work(config, attack, run, device, parts, list(parts.todo(shard)))
    whole = parts.merge()
    if whole is None:
        print(parts.awaited(shard))
        return None
    test, kind = run.test, type(attack).__name__
    result = AttackResult.of(whole.rows, test.pixels.numpy(), test.classes, run.name, kind, test.units)
    table = as_markdown(result)
    with tracking(config, folder, "attack") as loggers:
        result.write(folder, {"training": run.training, "made_with": made_with(device)})
        for name, figure in files.of_attack([folder, *others]):
            files.save(figure, folder / FIGURES / name)
        log_attack(loggers, folder, result)
    Console().print(Markdown(table))
    print(f"{run.name}: {folder}")
    return median_of(result)


def images_of(config: DictConfig, device: torch.device) -> Run:
    """What is attacked: the images that are listed, all, or those up to the n-th that is correct when clean."""
    count = config.images if isinstance(config.images, int) else None
    images = None if count is not None else config.images
    run = subject_of(config, images)
    return run if count is None else first_correct(run, count, device)


def attack_of(config: DictConfig) -> Attack:
    """The attack with its values; InputError when they, the seed or the queries make no sense."""
    limits = [("seed", config.seed, -(2**63), ""), ("max_queries", config.max_queries, 1, ", or null for no limit")]
    for name, value, low, other in limits:
        if not (isinstance(value, int) and low <= value < 2**63) and not (other and value is None):
            raise InputError(f"{name} is {value}; it must be a whole number of 64 bits, at least {low}{other}")
    try:
        attack: Attack = instantiate(config.attack, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, TypeError):  # a value that the attack does not know
            raise InputError(f"attack: {error.__cause__}") from error
        raise
    return attack


def fingerprint(config: DictConfig, attack: Attack, run: Run, device: torch.device) -> dict[str, Any]:
    """Everything that the rows depend on."""
    values = {f"attack.{name}": value for name, value in vars(attack).items() if name not in NO_INFLUENCE}
    options = {"seed": config.seed, "max_queries": config.max_queries, "rule": config.rule}
    return {"attack": type(attack).__qualname__, "schema": SCHEMA} | values | run.fingerprint(device) | options


def work(config: DictConfig, attack: Attack, run: Run, device: torch.device, parts: Parts, todo: Sequence[int]) -> None:
    """Make the parts of these slices, one after another: an attack has many images in each forward pass."""
    test, classifier = run.test, run.model.to(device)
    with progress_bar() as bar:
        task = bar.add_task("images", total=sum(len(parts.slices[number]) for number in todo))
        for number in todo:
            images = slice(parts.slices[number].start, parts.slices[number].stop)
            result = attack(
                classifier,
                test.pixels[images].to(device),
                test.labels[images].to(device),
                test.ids[images],
                config.seed,
                config.max_queries,
                progress=lambda finished: bar.advance(task, finished),
                allow_nothing=True,
            )
            parts.write(number, Part(as_table(result)))


def median_of(result: AttackResult) -> float | None:
    """The median L2 norm, or None when it is infinite."""
    median: float | None = result.summary["l2_median"]
    return median
