"""Classify degraded copies of the test set of a run, and leave tables and figures."""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from matplotlib.figure import Figure
from omegaconf import DictConfig
from rich.markdown import Markdown

from convstab.commands import own
from convstab.commands.app import plain
from convstab.commands.assess import Task, load, say_clean
from convstab.commands.console import class_table, console
from convstab.commands.signals import goes_on, kept_in
from convstab.degradations.by_name import degradation as by_name
from convstab.degradations.gaussian import Gaussian
from convstab.errors import InputError
from convstab.evaluation import levels, tables
from convstab.evaluation.examples import Examples, with_similarity
from convstab.evaluation.gate import Clean
from convstab.evaluation.pilot.draws import check_auto, enough_draws
from convstab.evaluation.pilot.forward import Wish, choose, pass_of
from convstab.evaluation.protocol import PAPER_DRAWS, Protocol, tried_levels, with_counts
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.tally import Counts
from convstab.evaluation.workers import Workers, calibrate
from convstab.figures import evaluation
from convstab.figures.files import named_evaluations, of_evaluation, save
from convstab.figures.redraw import compare_all, pair
from convstab.files import FIGURES, SUMMARY, write_json, write_text
from convstab.forward.device import device_of
from convstab.loggers.results import log_evaluation
from convstab.progress.bar import progress_bar
from convstab.progress.lines import duration
from convstab.runs.parts import Part, Parts
from convstab.runs.provenance import made_with
from convstab.runs.run import Run
from convstab.runs.settled import DRAWS, FORWARD
from convstab.sweeps.jobs import Outcome
from convstab.validation import AUTO

SCHEMA = 6  # of the rows and totals in a part; another number keeps parts of another layout apart
CPU_DRAWS = 10
TABLE, RESULTS = "table.csv", "results.csv"


def main(config: DictConfig) -> Outcome:
    """Evaluate what the configuration names; the accuracy over all levels, or None while other shards are at work."""
    values = plain(config)
    device = device_of(values["device"])
    protocol, wish = protocol_of(values, device), Wish(values["precision"], values["compile"])
    check_auto(values["draws"], values["within"])
    say_draws(values["draws"], protocol)
    values, run = load(values, values["images"], device)
    protocol.degradation.check_shape(run.test.shape)
    task = Task.open(
        "evaluate", values, run, device, options_of(values, protocol), name_of(run, protocol), StabilityResult.read
    )
    check_forward(task, wish)
    before = task.finished_before()
    if before is not None:
        return task.outcome(score(before))

    clean = say_clean(task, run, device)
    workers = Workers(run.model, run.test, protocol, device, values["batch_size"], values["workers"])
    task, speed = classify(with_draws(task, workers), workers, wish)
    return conclude(task, workers.protocol, speed, clean)


after_sweep, check = compare_all, own.check


def conclude(
    task: Task[StabilityResult], protocol: Protocol, speed: Mapping[str, float], clean: Clean | None = None
) -> Outcome:
    """Make the whole result of the parts, where all are there; write, log and show it. clean: what the gate printed."""
    whole, run = task.merge(), task.run
    if whole is None:
        return task.outcome()
    told = run.test.units, run.test.name_column(len(protocol.levels))
    counted = StabilityResult.of(whole.rows, whole.totals, run.test.classes, protocol, *told)
    result = with_similarity(counted, run.test, task.device)
    with task.finishing() as loggers:
        write(task, result, protocol, speed)
        pairs = pair(joined(task, result), task.folder)
        log_evaluation(loggers, task.folder, result)
    say_nearest(task.config["confusion_level"], result)
    report(run, result, task.folder, "" if clean is None else tables.beside_float32(result, clean, task.forward))
    if pairs:
        console().print(Markdown(pairs))
    return task.outcome(score(result))


def protocol_of(values: Mapping[str, Any], device: torch.device) -> Protocol:
    """The protocol that suits the device, where the configuration leaves it open; clean images are always there."""
    draws, degradation = values["draws"], by_name(values["degradation"])
    given = values["levels"] if values["psnr"] is None else values["psnr"]
    protocol = Protocol(
        levels=tried_levels(degradation, values["levels"], values["psnr"]),
        by_psnr=values["psnr"] is not None,
        degradation=degradation,
        draws=1,
        **{name: values[name] for name in ("seed", "clip", "rounding", "score")},
    )
    return with_counts(protocol, first_draws(draws, device), given)


def first_draws(draws: Any, device: torch.device) -> Any:
    """The draws that are asked for, or that suit the device; 1 until a pilot has told them."""
    if draws == AUTO:
        return 1
    return (PAPER_DRAWS if device.type == "cuda" else CPU_DRAWS) if draws is None else draws


def say_draws(draws: Any, protocol: Protocol) -> None:
    """Print a line where draws are asked for of a degradation that is the same in each."""
    if draws not in (None, AUTO, 1) and not protocol.degradation.random:
        print(f"draws={draws} has no effect: {protocol.degradation.name} is the same in each draw, and one is taken")


def with_draws(task: Task[StabilityResult], workers: Workers) -> Task[StabilityResult]:
    """The task; where a pilot is asked for, workers get the draws of each level, settled or told by it now."""
    if task.config["draws"] != AUTO:
        return task
    if task.draws is None:
        enough = enough_draws(workers, task.config["within"])
        task = task.settle(DRAWS, enough.draws)
        if task.draws == enough.draws:  # unless another process was first
            print(enough.said)
    workers.protocol = with_counts(workers.protocol, task.draws, given=None)
    return task


def name_of(run: Run, protocol: Protocol) -> str:
    """What the folder of a result is called."""
    family = protocol.degradation.name
    name = run.name if family == Gaussian.name else f"{run.name}_{family}"
    return f"{name}_psnr" if protocol.by_psnr else name


def options_of(values: Mapping[str, Any], protocol: Protocol) -> dict[str, Any]:
    """What the counts depend on beside the run and the device."""
    wish = {"rule": values["rule"], "precision": values["precision"], "compile": values["compile"]}
    told = {"draws": AUTO, "within": values["within"], "pilot": True} if values["draws"] == AUTO else {}
    return protocol.settings | wish | told | {"schema": SCHEMA}


def check_forward(task: Task[StabilityResult], wish: Wish) -> None:
    """Raise InputError where the folder was begun in a forward pass that is not asked for."""
    if task.forward is not None and task.forward not in wish.allowed:
        asked = f"precision={wish.precision} compile={str(wish.compile).lower()}"
        raise InputError(
            f"{task.folder} was begun in {task.forward}, which {asked} does not take; choose another output="
        )


def with_forward(
    task: Task[StabilityResult], workers: Workers, wish: Wish, draws: int
) -> tuple[Task[StabilityResult], float | None]:
    """The task with its forward pass, settled or chosen now, which the workers get; its draws a second, if measured."""
    rate, name = None, task.forward
    if name is None:
        workers.forward, said, rate = choose(workers, wish, draws)
        if said:
            print(said)
        task = task.settle(FORWARD, workers.forward.name)
        name = task.forward or workers.forward.name
    if name != workers.forward.name:
        workers.forward, rate = pass_of(name, workers), None
    return task, rate


def classify(
    task: Task[StabilityResult], workers: Workers, wish: Wish
) -> tuple[Task[StabilityResult], dict[str, float]]:
    """Make the parts that are not there; the task, and how long it took, empty where there was nothing to do."""
    protocol = workers.protocol
    goes_on(partial(kept_in, task.parts.folder))
    todo = task.begin()
    images = sum(map(len, todo.values()))
    if todo:
        task, rate = with_forward(task, workers, wish, images * protocol.draws_per_image)
        if task.device.type == "cpu":
            announce(rate or calibrate(workers), workers, images)
    start, draws = time.monotonic(), images * protocol.draws_per_image
    with progress_bar() as bar:
        advance = partial(bar.advance, bar.add_task("draws", total=draws))
        workers.work(todo, keep=partial(write_part, task.parts), progress=advance)
    seconds = time.monotonic() - start
    speed = {"seconds": round(seconds, 1), "images_per_second": round(draws / seconds, 1)}
    return task, speed if todo else {}


def write_part(parts: Parts, number: int, counts: Counts) -> None:
    """Keep what a slice came to."""
    parts.write(number, Part(pa.table(counts.rows), counts.totals))


def score(result: StabilityResult) -> float:
    """What a search over configurations goes by: the accuracy over all levels."""
    return float(tables.summary(result)["degraded/accuracy"])


def announce(rate: float, workers: Workers, images: int) -> None:
    """Say what this will take, and what the full protocol would, from a short calibration."""
    protocol = workers.protocol
    draws, full = protocol.draws_per_image, protocol.in_paper.draws_per_image
    line = (
        f"about {duration(images * draws / rate)} for {images} images, {protocol.draws_in_words} draws each and level"
    )
    if draws < full:
        line += f"; the paper's {PAPER_DRAWS} would take {duration(images * full / rate)} (draws={PAPER_DRAWS})"
    print(f"{rate:,.0f} draws/s: {line}")


def say_nearest(level: float | None, result: StabilityResult) -> None:
    """Print a line where the confusion that is asked for is that of no level."""
    if level is not None and not np.isclose(result.levels, level).any():
        nearest = result.levels[evaluation.nearest_drawn(result, level)]
        print(f"confusion_level={level:g} is no level of this evaluation; the nearest, {nearest:g}, is shown")


def write(task: Task[StabilityResult], result: StabilityResult, protocol: Protocol, speed: Mapping[str, float]) -> None:
    """Write all files of a whole result but the mark: tables, examples, summary and figures."""
    folder, run = task.folder, task.run
    result.write(folder)
    Examples.of(run.test, result, protocol, task.device).write(folder)
    summary = tables.summary(result)
    about = {
        "training": run.training,
        "protocol": protocol.settings | {"levels": summary["levels"]},
        "made_with": made_with(task.device) | ({} if task.forward is None else {FORWARD.name: task.forward}),
    }
    about |= {} if run.source is None else {"model": dict(run.source)}
    write_json(folder / SUMMARY, {"run": run.name} | summary | dict(speed) | about)
    write_text(folder / TABLE, tables.as_csv(result))
    write_text(folder / RESULTS, levels.results_csv(result, run.name))
    write_text(folder / "table.md", tables.as_markdown(result))
    for name, figure in of_evaluation(joined(task, result), task.config["confusion_level"]):
        save(figure, folder / FIGURES / name)
    save(strip(run, result, protocol, task.device), folder / FIGURES / "strip")


def joined(task: Task[StabilityResult], result: StabilityResult) -> dict[str, StabilityResult]:
    """The result and those that it is compared with, by their names."""
    return named_evaluations({task.folder: result} | dict(task.others))


def report(run: Run, result: StabilityResult, folder: Path, remark: str = "") -> None:
    """Print the rates under each level, the classes over all levels as in the paper's Table 2, and a remark."""
    screen, scores = console(), dict[str, float]()
    for _, name, precision, recall, _ in tables.one_class_rows(tables.ALL, result.classes, result.pooled_confusion):
        scores |= {f"precision/{name}": precision, f"recall/{name}": recall}
    screen.print(Markdown(f"{tables.title(result)}\n\n{tables.rates_markdown(result)}\n{tables.MEANT}"))
    screen.print(Markdown(levels.confidence_markdown(result)))
    title = f"all degraded draws of {result.images} test images"
    screen.print(class_table(scores, result.classes, title, screen.width))
    print(*filter(None, (tables.over_levels(result), tables.from_draws(result), remark)))
    print(f"{run.name}: {folder}")


def strip(run: Run, result: StabilityResult, protocol: Protocol, device: torch.device) -> Figure:
    """One typical image of each class under all levels: the draws whose decisions are kept, clipped to be shown."""
    labels, tried = np.unique(result.labels), result.levels.tolist()
    copies, rows = list[torch.Tensor](), [typical_image(run, label) for label in labels]
    draws = result.by_image("sample_draw")
    for row in rows:
        pixels, image = run.test.pixels[row].to(device), int(run.test.ids[row])
        drawn = zip(tried, result.applied[row].tolist(), draws[row].tolist(), strict=True)
        copies.append(torch.cat([protocol.copies(pixels, level, 1, image, at, first) for level, at, first in drawn]))
    images = torch.stack(copies).clamp_(0, 1).permute(0, 1, 3, 4, 2).cpu().numpy()
    names = [result.classes[label] for label in labels]
    misread = result.by_image("sample_prediction")[rows] != labels[:, None]
    return evaluation.strip(images, tried, names, result.label, misread)


def typical_image(run: Run, label: int) -> int:
    """The position of the image of a class whose contrast is the median."""
    members = (run.test.labels == label).nonzero()[:, 0]
    contrast = run.test.pixels[members].float().flatten(1).std(1)
    return int(members[contrast.argsort()[len(members) // 2]])
