"""Which forward pass an evaluation takes: compiled in bfloat16 where that pays and changes few decisions."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from convstab.errors import InputError
from convstab.evaluation.stability import DegradedBatches
from convstab.evaluation.workers import Workers, calibrate
from convstab.forward.compiled import COMPILED, CompiledPass
from convstab.forward.eager import EagerPass, ForwardPass, Precision
from convstab.precision import true_float32

PAYS = 60.0  # seconds of work that are left: less is done before a compiler is
COMPARED, EACH = 64, 3  # images whose decisions are compared, evenly spaced; draws under each level
MOST = 0.02  # of the decisions may differ
FASTER = 1.2  # times float32: for less, other numbers than those of the reference are not worth it
EVEN = 3.0  # standard deviations that the gains and the losses of correct draws may be apart


@dataclass(frozen=True)
class Wish:
    """What the user says of the forward pass.

    precision: float32, bfloat16, or auto: bfloat16 where it is compiled. compile: true, false, or auto: where it pays.
    Raises InputError for anything else, and for float32 that is to be compiled.
    """

    precision: Precision | Literal["auto"] = "float32"
    compile: bool | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        if self.precision not in (*get_args(Precision), "auto"):
            raise InputError(f"precision is {self.precision!r}; it can be float32, bfloat16 or auto")
        if self.compile != "auto" and not isinstance(self.compile, bool):
            raise InputError(f"compile is {self.compile!r}; it can be true, false or auto")
        if self.compile is True and self.precision == "float32":
            raise InputError("compile=true needs precision=bfloat16 or auto: float32 is not compiled")

    @property
    def eager(self) -> Precision:
        """The precision where nothing is compiled."""
        return "float32" if self.precision == "auto" else self.precision

    @property
    def allowed(self) -> set[str]:
        """The names of the forward passes that it can come to; of more than one, what is measured decides."""
        if self.precision == "float32" or self.compile is False:
            return {self.eager}
        if self.precision == "bfloat16" and self.compile is True:
            return {COMPILED}
        return {self.eager, COMPILED}


@dataclass(frozen=True)
class Difference:
    """How the decisions of two forward passes over the same draws differ.

    draws: that were compared. changed: of another decision. gained, lost: correct in the second or the first alone.
    """

    draws: int
    changed: int
    gained: int
    lost: int

    @property
    def counts_alike(self) -> bool:
        """Whether few decisions differ, and no more of them for the worse than for the better."""
        uneven = abs(self.gained - self.lost) > EVEN * max(1.0, (self.gained + self.lost) ** 0.5)
        return self.changed <= MOST * self.draws and not uneven

    def __str__(self) -> str:
        return f"{self.changed} of {self.draws:,} decisions differ ({self.gained} gained, {self.lost} lost)"


def pass_of(name: str, workers: Workers) -> ForwardPass:
    """The forward pass of a name. Raises InputError where it cannot be had here."""
    for precision in get_args(Precision):
        if name == precision:
            return EagerPass(workers.model, precision, workers.device)
    if name != COMPILED:
        raise InputError(f"the forward pass {name!r} is not known to this version of convstab")
    compiled = CompiledPass(workers.model, workers.device, workers.batch_size)
    with workers.threads():  # the graph is made for as many cores as a thread has
        first_call(compiled, workers)
    return compiled


@true_float32()
@torch.inference_mode()
def first_call(forward: ForwardPass, workers: Workers) -> None:
    """Let a forward pass be compiled, for the images that it will be given."""
    images, _ = next(iter(some_draws(workers, 1)))
    forward(images)


class Choice(NamedTuple):
    """A forward pass.

    said: what there is to say of the choice, empty where nothing was compiled. rate: draws a second, where measured.
    """

    forward: ForwardPass
    said: str = ""
    rate: float | None = None


def choose(workers: Workers, wish: Wish, draws: int) -> Choice:
    """Choose the forward pass for so many draws.

    With ``compile=auto``, what cannot be compiled is done without. Raises InputError where it was asked for.
    """
    if len(wish.allowed) == 1:
        return Choice(pass_of(min(wish.allowed), workers))
    eager = pass_of(wish.eager, workers)
    workers.forward = eager
    rate = calibrate(workers)
    if wish.compile == "auto" and draws / rate < PAYS:
        return Choice(eager, rate=rate)
    started = time.monotonic()
    try:
        compiled = pass_of(COMPILED, workers)
    except InputError as error:
        if wish.compile is True:
            raise
        return Choice(eager, f"{error}; {eager.name} it is", rate)
    seconds = time.monotonic() - started
    workers.forward = compiled
    faster = calibrate(workers)
    said = f"{COMPILED}, in {seconds:.0f} s: {faster:,.0f} draws/s, {eager.name} {rate:,.0f}"
    if wish.compile == "auto" and (why := not_worth_it(workers, wish, draws, rate, faster)):
        return Choice(eager, f"{said}: {why}; {eager.name} it is", rate)
    with workers.threads():
        difference = compare(eager, compiled, workers)
    said = f"{said}; {difference}"
    if wish.precision == "auto" and not difference.counts_alike:
        return Choice(eager, f"{said}: too many, {eager.name} it is", rate)
    return Choice(compiled, said, faster)


def not_worth_it(workers: Workers, wish: Wish, draws: int, rate: float, faster: float) -> str:
    """Why a compiled pass is not to be taken for so many draws; empty where it is. rate, faster: draws a second.

    What compiling took is spent; what the comparison of decisions is going to take must be less than what it saves.
    """
    least = FASTER if wish.precision == "auto" else 1.0
    if faster <= rate or faster < least * rate:
        return f"less than {least:g} times as fast" if least > 1 else "not faster"
    compared = min(COMPARED, len(workers.images)) * replace(workers.protocol, draws=EACH).draws_per_image
    if wish.precision == "auto" and draws * (1 / rate - 1 / faster) < compared * (1 / rate + 1 / faster):
        return "it would save less time than it takes to compare decisions"
    return ""


@true_float32()
@torch.inference_mode()
def compare(first: ForwardPass, second: ForwardPass, workers: Workers) -> Difference:
    """Compare what two forward passes decide, on some draws of some images."""
    seen = Difference(0, 0, 0, 0)
    for images, labels in some_draws(workers, EACH):
        one, other = (forward(images)[: len(labels)].argmax(1).cpu() for forward in (first, second))
        seen = Difference(
            seen.draws + len(labels),
            seen.changed + int((one != other).sum()),
            seen.gained + int(((one != labels) & (other == labels)).sum()),
            seen.lost + int(((one == labels) & (other != labels)).sum()),
        )
    return seen


def some_draws(workers: Workers, draws: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of draws of some images under all levels, see ``DegradedBatches``, and their labels (n,)."""
    test, protocol = workers.images.spread(COMPARED), replace(workers.protocol, draws=draws)
    labels, place = test.labels.repeat_interleave(protocol.draws_per_image), 0
    pixels = test.pixels.to(workers.device)
    for images, psnr in DegradedBatches(pixels, test.ids.tolist(), protocol, workers.batch_size):
        yield images, labels[place : place + len(psnr)]
        place += len(psnr)
