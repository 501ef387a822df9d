"""The threads that evaluate slices of the test set side by side."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Event, Lock

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import nn

from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability, whole_rows
from convstab.evaluation.tally import Columns, Counts
from convstab.forward.eager import EagerPass, ForwardPass
from convstab.images import Images

Progress = Callable[[int], object]

SLICE = 64  # images that one worker takes at a time
CPU_BATCH, GPU_BATCH = 128, 4096  # 128: what one core works on stays in its cache


class Stopped(Exception):  # noqa: N818
    """Another thread has failed or the user has had enough."""


class Workers:
    """Evaluates slices in threads, each with one core: that is faster than one slice with all cores.

    model: images in [0, 1], float (N, C, H, W), channels last -> logits (N, K).
    images: n images of K classes.
    batch_size, workers: None for what suits the device; workers are then all cores, or one thread for a GPU.
    Raises InputError for values that make no sense.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Images,
        protocol: Protocol,
        device: torch.device,
        batch_size: int | None = None,
        workers: int | None = None,
    ) -> None:
        self.model, self.images, self.protocol, self.device = model, images, protocol, device
        on_cpu = device.type == "cpu"
        self.batch_size = whole_rows((CPU_BATCH if on_cpu else GPU_BATCH) if batch_size is None else batch_size)
        self.count = (torch.get_num_threads() if on_cpu else 1) if workers is None else workers
        if self.count < 1:
            raise InputError(f"workers is {workers}; it must be at least 1")
        self.forward: ForwardPass = EagerPass(model.to(device), "float32", device)
        self.stopping = Event()

    def work(self, slices: Mapping[int, range], keep: Callable[[int, Counts], object], progress: Progress) -> None:
        """Evaluate slices of the images, and hand each one's counts to ``keep`` with its number.

        progress: is given the number of draws just classified.
        """

        def make(number: int) -> None:
            keep(number, self.evaluate(self.protocol, slices[number], progress))

        with self.threads() as pool:
            for future in as_completed([pool.submit(make, number) for number in slices]):
                future.result()

    def whole(self, progress: Progress = lambda _: None) -> "Sum":
        """The counts of all images, added up."""
        whole, starts = Sum(), range(0, len(self.images), SLICE)
        slices = {number: range(start, min(start + SLICE, len(self.images))) for number, start in enumerate(starts)}
        self.work(slices, whole.add, progress)
        return whole

    def evaluate(self, protocol: Protocol, images: range, progress: Progress = lambda _: None) -> Counts:
        """The counts of one slice."""

        def advance(draws: int) -> None:
            if self.stopping.is_set():
                raise Stopped
            progress(draws)

        chosen = slice(images.start, images.stop)
        return stability(
            self.forward,
            self.images.pixels[chosen],
            self.images.labels[chosen],
            self.images.ids[chosen],
            len(self.images.classes),
            protocol,
            batch_size=max(self.batch_size, self.forward.rows),
            device=self.device,
            progress=advance,
        )

    @contextmanager
    def threads(self) -> Iterator[ThreadPoolExecutor]:
        """A pool whose threads share the cores of a CPU; after an error, the others stop at their next batch."""
        cores = torch.get_num_threads()
        if self.device.type == "cpu":
            torch.set_num_threads(max(1, cores // self.count))
        pool = ThreadPoolExecutor(self.count)
        try:
            yield pool
        except BaseException:
            self.stopping.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(cores)
            self.stopping.clear()


class Sum:
    """The counts of all slices, added up as they come, from any thread: one slice's totals are in memory at a time."""

    def __init__(self) -> None:
        self.rows: dict[int, Columns] = {}
        self.totals: dict[str, NDArray[np.int64]] = {}
        self.lock = Lock()

    def add(self, number: int, counts: Counts) -> None:
        """Add a slice, by its number."""
        with self.lock:
            self.rows[number] = counts.rows
            for name, total in counts.totals.items():
                if name in self.totals:
                    self.totals[name] += total
                else:
                    self.totals[name] = total

    def table(self) -> pa.Table:
        """The rows of all slices, in their order."""
        slices = [self.rows[number] for number in sorted(self.rows)]
        return pa.table({name: np.concatenate([rows[name] for rows in slices]) for name in slices[0]})


def calibrate(workers: Workers, draws: int = 16) -> float:
    """Draws a second, from a few draws in every thread."""
    protocol = replace(workers.protocol, draws=draws)
    slices = [range(place, place + 1) for place in range(min(workers.count, len(workers.images)))]
    for _ in range(2):  # the first round is warming up
        start = time.monotonic()
        with workers.threads() as pool:
            list(pool.map(partial(workers.evaluate, protocol), slices))
        seconds = time.monotonic() - start
    return len(slices) * protocol.draws_per_image / seconds
