"""Signals that ask a command to end: it ends with 128 and the signal's number, and a line that says how to go on."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from convstab.commands.streams import unbreakable
from convstab.exits import OURS, bad_input_ends
from convstab.runs.processes import is_first_process, is_helper

HEARD = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__]
AGAIN, GOES_ON = "give the same command again", "the same command goes on from here"
KEPT_NOTHING = "nothing was kept yet: the same command begins anew"
DEAF = 3.0  # seconds until a signal counts as one that the main thread cannot hear
SOON = 0.05  # seconds until a signal is sent again
IMPATIENT = 1.0  # seconds after which a second Ctrl-C is one: "timeout" and launchers send the first one twice


class Stopped(BaseException):
    """A signal has asked for the end; no KeyboardInterrupt, out of which Lightning makes an end of its own."""


class Listener:
    """What happens at a signal: the end at once while nothing was begun, later ``Stopped`` where the command is.

    heard: the signal. how: says how to go on. working: whether there is something to close. lost: whether ``Stopped``
    was raised where Python ignores what is raised, such as in a method __del__.
    """

    def __init__(self) -> None:
        self.process = -1  # none is listening
        self.begin()

    def begin(self) -> None:
        """Forget what was before."""
        self.heard: signal.Signals | None = None
        self.since = 0.0
        self.how: Callable[[], str] = lambda: AGAIN
        self.working = self.lost = False

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The handler."""
        if os.getpid() != self.process:  # a fork: who has forked it will speak
            os._exit(128 + number)
        if is_helper():
            os._exit(0)  # Lightning kills the first process where another one ends with anything else
        if self.heard is None:
            self.heard, self.since = signal.Signals(number), time.monotonic()
            if self.working:
                raise Stopped
            self.leave()
        elif self.lost:
            self.lost = False
            raise Stopped
        elif number == signal.SIGINT and time.monotonic() - self.since > IMPATIENT:
            self.leave()

    def ignored(self, show: Callable[[Any], object], what: Any) -> None:
        """What Python does with an exception that it ignores: it is shown, but for ours, which is raised once more."""
        if issubclass(what.exc_type, Stopped):
            self.lost = True
            threading.Timer(SOON, self.again).start()
        else:
            show(what)

    def again(self) -> None:
        """Send the signal once more, unless the command has ended since."""
        if self.lost and self.heard is not None:
            os.kill(os.getpid(), self.heard)

    def watch(self, pipe: int, end_others: Callable[[], object]) -> None:
        """End all processes at a signal that the main thread cannot hear; ``pipe`` gives the numbers of signals."""
        while True:
            (number,) = os.read(pipe, 1)
            time.sleep(DEAF)
            if self.heard is None and number in HEARD:
                self.heard = signal.Signals(number)
                end_others()
                self.leave()

    def leave(self) -> None:
        """End the process without closing anything."""
        with suppress(Exception):
            os.write(2, f"{self.line()}\n".encode())
        os._exit(self.code)

    def line(self) -> str:
        """What is said of the end."""
        assert self.heard is not None
        return f"{OURS}stopped by {self.heard.name}; {self.how()}"

    @property
    def code(self) -> int:
        """The exit code, as of a process that the signal has ended for a shell."""
        assert self.heard is not None
        return 128 + self.heard


listener = Listener()


def hear_in_exchanges(end_others: Callable[[], object]) -> None:
    """Hear signals while the main thread waits for other processes, too: Python waits until it comes back."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    threading.Thread(target=listener.watch, args=(ours, end_others), daemon=True).start()


def goes_on(how: Callable[[], str]) -> None:
    """Have this said, should a signal end the command: there is something to close from now on."""
    listener.how, listener.working = how, True


def kept_in(parts: Path) -> str:
    """How to go on where a folder has the parts that are finished."""
    return GOES_ON if any(parts.glob("part-*")) else KEPT_NOTHING


def with_words(*words: str) -> str:
    """How to go on where the command needs these words; what it was told already is left out."""
    told = {word.partition("=")[0] for word in sys.argv[1:]}
    lacking = [word for word in words if word.partition("=")[0] not in told]
    return f"the same command with {' '.join(lacking)} goes on from here" if lacking else GOES_ON


@contextmanager
def command(traceback_wanted: bool = False) -> Iterator[None]:
    """Around all that a command does: bad input and signals end it in a line, and a pipe that closes does not."""
    with unbreakable(), listening(), bad_input_ends(traceback_wanted):
        yield


@contextmanager
def listening() -> Iterator[None]:
    """End the process with one line, and 128 and the number of the signal; those that are ignored stay so."""
    listener.begin()
    before, show = dict(listen()), sys.unraisablehook
    sys.unraisablehook = partial(listener.ignored, show)
    try:
        yield
        if listener.heard is not None:  # a library has swallowed it
            raise Stopped
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and listener.heard is None:
            listener.heard = signal.SIGINT
        if listener.heard is None:
            raise
        if is_first_process():
            print(listener.line(), file=sys.stderr)
        sys.exit(listener.code)
    finally:
        listener.lost, sys.unraisablehook = False, show
        for number, handler in reversed(before.items()):  # SIGINT last: Python raises an exception at it from then on
            with suppress(KeyboardInterrupt):  # the command has ended; a process that is about to end goes on to do so
                signal.signal(number, handler)


def listen() -> Iterator[tuple[signal.Signals, Any]]:
    """Hear the signals from now on; each with its handler until now."""
    with suppress(ValueError):  # not in the main thread
        for number in HEARD:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # nohup, or a job in the background of a script
                yield number, signal.signal(number, listener)
                listener.process = os.getpid()
