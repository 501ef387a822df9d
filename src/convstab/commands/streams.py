"""Standard output and errors that may be closed by who reads them."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Unbreakable(io.FileIO):
    """A stream of the process; what nobody reads any more is dropped."""

    def write(self, content: Any, /) -> int:
        """Write to the stream, or, once its reader is gone, to nowhere."""
        try:
            return super().write(content)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(content)


@contextmanager
def unbreakable() -> Iterator[None]:
    """Let the work go on when a pipe is closed, as in ``convstab-evaluate | head -1``."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = wrapped(sys.stdout, sys.__stdout__), wrapped(sys.stderr, sys.__stderr__)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before


def wrapped(stream: Any, original: Any) -> Any:
    """An unbreakable stream to the same place; another one that somebody has put there is left as it is."""
    if original is None or stream is not original:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(Unbreakable(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
    )
