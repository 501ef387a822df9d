"""Search the least noise that makes a run misclassify its test images, and leave a table and the noise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markdown import Markdown

from convstab import runs
from convstab.attacks import Attack, Result
from convstab.attacks.attack import NOTHING
from convstab.crew import device_of, progress_bar
from convstab.door import door, run_folder
from convstab.errors import InputError
from convstab.files import write_bytes, write_json, write_text
from convstab.parts import Part, Parts, Shard, arrays_to_bytes, folder_name, write_table
from convstab.subject import Subject, first_right, load_subject
from convstab.tracking import tracking

SCHEMA = 2  # of the rows in a part; another number keeps parts of another layout apart
MINIMUM_NOISE, NOISE, SUMMARY = "minimum_noise.parquet", "noise.npz", "summary.json"
CONVERGENCE, HISTORY = "convergence.parquet", "history/"  # the latter: prefix of columns in a part
NO_INFLUENCE = ("places", "batch_size")  # on any result


@door("attack")
def main(config: DictConfig) -> float | None:
    """Attack what the configuration names; the median L2 norm, or None: infinite, or other shards are at work."""
    device, attack, shard = device_of(config.device), attack_of(config), Shard.parse(str(config.shard))
    subject = images_of(config, device)
    identity = fingerprint(config, attack, subject, device)
    name = folder_name(f"{subject.name}-{type(attack).__name__}", identity | {"slice": config.slice})
    folder = run_folder(config, f"attack/{name}")
    parts = Parts(folder / "parts", len(subject.index), identity, config.slice)
    write_text(folder / runs.CONFIG, OmegaConf.to_yaml(config, resolve=True))

    work(config, attack, subject, device, parts, list(parts.todo(shard)))
    whole = parts.merge()
    if whole is None:
        print(f"shard {shard.number} of {shard.of} is done, {len(parts.missing())} parts are missing: {folder}")
        return None
    numbers = {"run": subject.name, "attack": type(attack).__name__} | summary(whole.rows)
    with tracking(config, folder, "attack") as loggers:
        write(folder, whole.rows, subject)
        write_json(folder / SUMMARY, numbers)
        for logger in loggers:
            logger.log_metrics(
                {f"attack/{name}": value for name, value in numbers.items() if isinstance(value, int | float)}, step=0
            )
    Console().print(Markdown(as_markdown(numbers)))
    print(f"{subject.name}: {folder}")
    median: float | None = numbers["l2_median"]
    return median


def images_of(config: DictConfig, device: torch.device) -> Subject:
    """What is attacked: the images that are listed, all, or those up to the n-th that is right when clean."""
    count = config.images if isinstance(config.images, int) else None
    images = None if count is not None else config.images
    subject = load_subject(config.run, config.runs, config.rule, config.dataset.root, images)
    return subject if count is None else first_right(subject, count, device)


def attack_of(config: DictConfig) -> Attack:
    """The attack with its values; InputError when they, the seed or the queries make no sense."""
    for name, value, low in (("seed", config.seed, -(2**63)), ("max_queries", config.max_queries, 1)):
        if not isinstance(value, int) or not low <= value < 2**63:
            raise InputError(f"{name} is {value}; it must be a whole number of 64 bits, at least {low}")
    for name, value in config.attack.items():
        if isinstance(value, str) and name != "_target_":
            raise InputError(f"attack.{name} is {value}; it must be a number, or what conf/attack has there")
    try:
        attack: Attack = instantiate(config.attack, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, TypeError):  # a value that the attack does not know
            raise InputError(f"attack: {error.__cause__}") from error
        raise
    return attack


def fingerprint(config: DictConfig, attack: Attack, subject: Subject, device: torch.device) -> dict[str, Any]:
    """Everything that the rows depend on."""
    values = {f"attack.{name}": value for name, value in vars(attack).items() if name not in NO_INFLUENCE}
    options = {"seed": config.seed, "max_queries": config.max_queries, "rule": config.rule, "device": device.type}
    return {"attack": type(attack).__qualname__, "schema": SCHEMA} | values | subject.fingerprint() | options


def work(
    config: DictConfig, attack: Attack, subject: Subject, device: torch.device, parts: Parts, todo: Sequence[int]
) -> None:
    """Make the parts of these slices, one after another: an attack has many images in each forward pass."""
    test, classifier = subject.test, subject.classifier.to(device)
    with progress_bar() as bar:
        task = bar.add_task("images", total=sum(len(parts.slices[number]) for number in todo))
        for number in todo:
            images = slice(parts.slices[number].start, parts.slices[number].stop)
            result = attack(
                classifier,
                test.pixels[images].to(device),
                test.labels[images].to(device),
                subject.index[images],
                config.seed,
                config.max_queries,
                progress=lambda finished: bar.advance(task, finished),
                allow_nothing=True,
            )
            noise = pa.FixedSizeListArray.from_arrays(pa.array(result.noise.ravel()), result.noise[0].size)
            parts.write(number, Part(pa.table({**result.rows, "noise": noise, **history_by_image(result)})))


def history_by_image(result: Result) -> dict[str, pa.Array]:
    """The history as lists, one for each image; empty for an image without one, or an attack without generations."""
    if not result.history:
        return {}
    lengths = [(result.history["index"] == place).sum() for place in result.rows["index"]]
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    columns = {name: column for name, column in result.history.items() if name != "index"}
    return {f"{HISTORY}{name}": pa.ListArray.from_arrays(offsets, pa.array(column)) for name, column in columns.items()}


def write(folder: Path, rows: pa.Table, subject: Subject) -> None:
    """Write the table, the images and their noise as (images, C, H, W), and what each generation reached."""
    noise = rows["noise"].combine_chunks().flatten().to_numpy().reshape(subject.test.pixels.shape)
    history = [name for name in rows.column_names if name.startswith(HISTORY)]
    write_table(folder / MINIMUM_NOISE, rows.drop_columns(["noise", *history]))
    arrays = {"index": rows["index"].to_numpy(), "pixels": subject.test.pixels.numpy(), "noise": noise}
    write_bytes(folder / NOISE, arrays_to_bytes(arrays))
    if history:
        generations = {name.removeprefix(HISTORY): pc.list_flatten(rows[name]) for name in history}
        index = pc.take(rows["index"], pc.list_parent_indices(rows[history[0]]))
        write_table(folder / CONVERGENCE, pa.table({"index": index, **generations}).combine_chunks())


def summary(rows: pa.Table) -> dict[str, Any]:
    """The numbers of summary.json, over all images that were attacked; InputError when none was.

    A failure counts as an infinite norm. What 90 % of the images do not exceed is l2_90; what 90 % of them do not fall
    short of is psnr_90. None: more images failed than that leaves room for.
    """
    attacked = rows["attacked"].to_numpy()
    if not attacked.any():
        raise InputError(NOTHING)
    success, l2, psnr, queries = (rows[name].to_numpy()[attacked] for name in ("success", "l2", "psnr", "queries"))
    norms, losses = np.where(success, l2, np.inf), np.where(success, -psnr, np.inf)
    quantiles = {
        "l2_median": quantile(norms, 50),
        "l2_90": quantile(norms, 90),
        "psnr_median": -quantile(losses, 50),
        "psnr_90": -quantile(losses, 90),
        "queries_median": quantile(queries, 50),
    }
    return {
        "images": len(attacked),
        "attacked": int(attacked.sum()),
        "clean_errors": int((~attacked).sum()),
        "success_rate": float(success.mean()),
        **{name: value if np.isfinite(value) else None for name, value in quantiles.items()},
        "seconds": round(float(rows["seconds"].to_numpy().sum()), 3),
    }


def quantile(values: NDArray[Any], percent: int) -> float:
    """The least value that so many per cent do not exceed."""
    return float(np.sort(values)[-(-len(values) * percent // 100) - 1])


def as_markdown(numbers: dict[str, Any]) -> str:
    """One row with the numbers of a summary; L2 and PSNR: median, and what 90 % of the images reach."""
    l2, psnr = (
        [f"{numbers[name]:.3g}" if numbers[name] is not None else "-" for name in (f"{unit}_median", f"{unit}_90")]
        for unit in ("l2", "psnr")
    )
    cells = [numbers["attack"], f"{numbers['attacked']} of {numbers['images']}", f"{numbers['success_rate']:.1%}"]
    cells += [*l2, *psnr, f"{numbers['queries_median']:.0f}", f"{numbers['seconds']:.0f}"]
    head = "| attack | attacked | success | L2 | 90 % | PSNR | 90 % | queries | seconds |"
    return f"{head}\n|---|{'---:|' * 8}\n| {' | '.join(cells)} |\n"
