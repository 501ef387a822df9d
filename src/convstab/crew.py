"""The threads that evaluate slices of the test set side by side."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pyarrow as pa
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from convstab.errors import InputError
from convstab.parts import Part, Parts
from convstab.protocol import Protocol
from convstab.stability import Precision, stability, whole_rows
from convstab.subject import Subject

CPU_BATCH, GPU_BATCH = 128, 4096  # 128: what one core works on stays in its cache


class Stopped(Exception):  # noqa: N818
    """Another thread has failed or the user has had enough."""


class Crew:
    """Evaluates slices in threads, each with one core: that is faster than one slice with all cores.

    batch_size, workers: None for what suits the device; workers are then all cores, or one thread for a GPU.
    Raises InputError for values that make no sense.
    """

    def __init__(
        self,
        subject: Subject,
        protocol: Protocol,
        device: torch.device,
        batch_size: int | None = None,
        precision: Precision = "float32",
        workers: int | None = None,
    ) -> None:
        self.subject, self.protocol, self.device, self.precision = subject, protocol, device, precision
        on_cpu = device.type == "cpu"
        if precision not in ("float32", "bfloat16"):
            raise InputError(f"precision is {precision!r}; it can be float32 or bfloat16")
        self.batch_size = whole_rows((CPU_BATCH if on_cpu else GPU_BATCH) if batch_size is None else batch_size)
        self.workers = (torch.get_num_threads() if on_cpu else 1) if workers is None else workers
        if self.workers < 1:
            raise InputError(f"workers is {workers}; it must be at least 1")
        subject.classifier.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.stopping = Event()

    def work(self, parts: Parts, todo: Sequence[int]) -> int:
        """Make the parts of these slices; the number of draws."""
        total = sum(len(parts.slices[number]) for number in todo) * self.protocol.draws_per_image
        with self.threads() as pool, progress_bar() as bar:
            task = bar.add_task("draws", total=total)

            def make(number: int) -> None:
                part = self.evaluate(self.protocol, parts.slices[number], bar, task)
                parts.write(number, part)

            for future in as_completed([pool.submit(make, number) for number in todo]):
                future.result()
        return total

    def evaluate(self, protocol: Protocol, images: range, bar: Progress, task: int) -> Part:
        """The part of one slice."""

        def advance(draws: int) -> None:
            if self.stopping.is_set():
                raise Stopped
            bar.advance(task, draws)  # type: ignore[arg-type]

        subject, chosen = self.subject, slice(images.start, images.stop)
        counts = stability(
            subject.classifier,
            subject.test.pixels[chosen],
            subject.test.labels[chosen],
            subject.index[chosen],
            len(subject.classes),
            protocol,
            batch_size=self.batch_size,
            precision=self.precision,
            device=self.device,
            progress=advance,
        )
        return Part(pa.table(counts.rows), counts.totals)

    @contextmanager
    def threads(self) -> Iterator[ThreadPoolExecutor]:
        """A pool whose threads share the cores of a CPU; after an error, the others stop at their next batch."""
        cores = torch.get_num_threads()
        if self.device.type == "cpu":
            torch.set_num_threads(max(1, cores // self.workers))
        pool = ThreadPoolExecutor(self.workers)
        try:
            yield pool
        except BaseException:
            self.stopping.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(cores)
            self.stopping.clear()


def calibrate(crew: Crew, draws: int = 16) -> float:
    """Draws a second, from a few draws in every thread."""
    protocol = replace(crew.protocol, draws=draws)
    slices = [range(place, place + 1) for place in range(min(crew.workers, len(crew.subject.index)))]
    silent = Progress(disable=True)
    for _ in range(2):  # the first round is warming up
        start = time.monotonic()
        with crew.threads() as pool:
            list(pool.map(lambda images: crew.evaluate(protocol, images, silent, silent.add_task("")), slices))
        seconds = time.monotonic() - start
    return len(slices) * protocol.draws_per_image / seconds


def device_of(name: str | None) -> torch.device:
    """The device that is named, or the best there is; InputError when it is not there."""
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        raise InputError(f"device is {name}; it can be cpu, or cuda where there is a GPU")
    return torch.device(name)


def progress_bar() -> Progress:
    """A bar with what is done, how much a second, and the time left."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())


class Rate(ProgressColumn):
    """Draws, or images, a second."""

    def render(self, task: Task) -> Text:
        """The speed of late."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.{0 if speed >= 10 else 2}f}/s")
