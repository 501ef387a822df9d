"""Classify noisy copies of the test set of a run, and leave tables and figures."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger
from rich.console import Console
from rich.markdown import Markdown

from convstab.commands.app import door, run_folder
from convstab.commands.console import class_table, progress_bar
from convstab.commands.figures import compare
from convstab.commands.tested import subject_of
from convstab.evaluation import tables
from convstab.evaluation.examples import Examples
from convstab.evaluation.protocol import PAPER_DRAWS, Protocol, with_clean
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.tally import Counts
from convstab.evaluation.workers import Workers, calibrate
from convstab.figures import evaluation, files
from convstab.figures.files import save
from convstab.files import CONFIG, FIGURES, SUMMARY, write_json, write_text
from convstab.loggers.results import log_evaluation
from convstab.loggers.wandb import tracking
from convstab.report.formatting import duration
from convstab.runs.parts import Part, Parts, Shard, folder_name
from convstab.runs.provenance import made_with
from convstab.runs.run import Run
from convstab.validation import device_of

SCHEMA = 1  # of the rows and totals in a part; another number keeps parts of another layout apart
CPU_DRAWS = 10
TABLE = "table.csv"


@door("evaluate", afterwards=compare)
def main(config: DictConfig) -> float | None:
    """Evaluate what the configuration names; the accuracy over all noise, or None while other shards are at work."""
    device = device_of(config.device)
    protocol, shard = protocol_of(config, device), Shard.parse(str(config.shard))
    run = subject_of(config, config.images)
    identity = fingerprint(config, protocol, run, device)
    folder = run_folder(config, f"evaluate/{folder_name(run.name, identity | {'slice': config.slice})}")
    parts = Parts(folder / "parts", len(run.test), identity, config.slice)
    if config.skip_done and (folder / FIGURES / "strip.svg").exists() and not parts.missing():  # the last file
        print(f"finished before: {folder}")
        return float(tables.summary(StabilityResult.read(folder))["noise/accuracy"])
    others = files.compared(config.compare, StabilityResult.read)
    write_text(folder / CONFIG, OmegaConf.to_yaml(config, resolve=True))

    choices = protocol, device, config.batch_size, config.precision, config.workers
    workers = Workers(run.model, run.test, *choices)
    todo = {number: parts.slices[number] for number in parts.todo(shard)}
    images = sum(map(len, todo.values()))
    if todo and device.type == "cpu":
        announce(calibrate(workers), workers, images)
    start, draws = time.monotonic(), images * protocol.draws_per_image
    with progress_bar() as bar:
        task = bar.add_task("draws", total=draws)
        workers.work(todo, keep=partial(write_part, parts), progress=partial(bar.advance, task))
    seconds = time.monotonic() - start

    whole = parts.merge()
    if whole is None:
        print(parts.awaited(shard))
        return None
    result = StabilityResult.of(whole.rows, whole.totals, run.test.classes, protocol.score, run.test.units)
    rate = {"seconds": round(seconds, 1), "images_per_second": round(draws / seconds, 1)} if todo else {}
    with tracking(config, folder, "evaluate") as loggers:
        result.write(folder)
        Examples.of(run.test, result, protocol, device).write(folder)
        about = {"training": run.training, "protocol": vars(protocol), "made_with": made_with(device)}
        write_json(folder / SUMMARY, {"run": run.name} | tables.summary(result) | rate | about)
        finish(config, folder, [folder, *others], run, result, strip(run, result, protocol, device), loggers)
    return float(tables.summary(result)["noise/accuracy"])


def write_part(parts: Parts, number: int, counts: Counts) -> None:
    """Keep what a slice came to."""
    parts.write(number, Part(pa.table(counts.rows), counts.totals))


def protocol_of(config: DictConfig, device: torch.device) -> Protocol:
    """The protocol that suits the device, where the configuration leaves it open; sigma 0 is always there."""
    return Protocol(
        sigmas=with_clean(config.sigmas),
        draws=(PAPER_DRAWS if device.type == "cuda" else CPU_DRAWS) if config.draws is None else config.draws,
        seed=config.seed,
        clip=config.clip,
        rounding=config.rounding,
        score=config.score,
    )


def fingerprint(config: DictConfig, protocol: Protocol, run: Run, device: torch.device) -> dict[str, Any]:
    """Everything that the counts depend on."""
    options = {"rule": config.rule, "precision": config.precision, "schema": SCHEMA}
    return vars(protocol) | run.fingerprint(device) | options


def announce(rate: float, workers: Workers, images: int) -> None:
    """Say what this will take, and what the full protocol would, from a short calibration."""
    draws = workers.protocol.draws_per_image
    paper = draws / workers.protocol.draws * PAPER_DRAWS
    line = f"about {duration(images * draws / rate)} for {images} images, {workers.protocol.draws} draws each and sigma"
    if workers.protocol.draws < PAPER_DRAWS:
        line += f"; the paper's {PAPER_DRAWS} would take {duration(images * paper / rate)} (draws={PAPER_DRAWS})"
    print(f"{rate:,.0f} draws/s: {line}")


def finish(
    config: DictConfig,
    folder: Path,
    compared: Sequence[Path],
    run: Run,
    result: StabilityResult,
    noisy: Figure,
    loggers: Sequence[Logger],
) -> None:
    """Write the tables for reading and the figures, log them, and print the short table; noisy: the strip."""
    write_text(folder / TABLE, tables.as_csv(result))
    write_text(folder / "table.md", tables.as_markdown(result))
    from_tables = files.of_evaluation(compared, config.confusion_sigma)
    for name, figure in (*from_tables, ("strip", noisy)):
        save(figure, folder / FIGURES / name)
    log_evaluation(loggers, folder, result)
    report(run, result, folder)


def report(run: Run, result: StabilityResult, folder: Path) -> None:
    """Print the rates under each sigma, and the classes over all noise in the form of the paper's Table 2."""
    console, scores = Console(), dict[str, float]()
    for _, name, precision, recall, _ in tables.one_class_rows("noise", result.classes, result.pooled_confusion):
        scores |= {f"precision/{name}": precision, f"recall/{name}": recall}
    console.print(Markdown(tables.rates_markdown(result)))
    title = f"all noisy draws of {result.images} test images"
    console.print(class_table(scores, result.classes, title, console.width))
    print(f"{tables.over_noise(result)} {run.name}: {folder}")


def strip(run: Run, result: StabilityResult, protocol: Protocol, device: torch.device) -> Figure:
    """One typical image of each class under all sigmas: the first draws that were counted, clipped to be shown."""
    labels, sigmas = np.unique(result.labels), result.sigmas.tolist()
    copies = []
    for row in (typical_image(run, label) for label in labels):
        pixels, image = run.test.pixels[row].to(device), int(run.test.ids[row])
        copies.append(torch.cat([protocol.copies(pixels, sigma, 1, image) for sigma in sigmas]))
    images = torch.stack(copies).clamp_(0, 1).permute(0, 1, 3, 4, 2).cpu().numpy()
    return evaluation.strip(images, sigmas, [result.classes[label] for label in labels])


def typical_image(run: Run, label: int) -> int:
    """The position of the image of a class whose contrast is the median."""
    members = (run.test.labels == label).nonzero()[:, 0]
    contrast = run.test.pixels[members].float().flatten(1).std(1)
    return int(members[contrast.argsort()[len(members) // 2]])
