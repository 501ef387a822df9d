"""How a command ends when the user is at fault: in one line and exit code 2."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from convstab.errors import InputError

OURS = "convstab: "  # begins our own line
BAD_INPUT = 2  # exit code


@contextmanager
def bad_input_ends(traceback_wanted: bool = False) -> Iterator[None]:
    """End the process with one line and exit code 2 when what the user gave is at fault."""
    try:
        yield
    except Exception as error:
        line = bad_input(error)
        if traceback_wanted or line is None:
            raise
        print(line, file=sys.stderr)
        sys.exit(BAD_INPUT)


def bad_input(error: BaseException | None) -> str | None:
    """The line for the user if ``error`` was caused by what the user gave (or by the disk), else None."""
    chain: list[BaseException] = []
    while error is not None:
        chain.append(error)
        error = error.__cause__
    for link in chain:
        match link:
            case InputError():
                return f"{OURS}{link}"
            case OSError() if link.filename is not None:  # no permission, disk full: names the file
                return f"{OURS}{link.strerror}: {link.filename}"
    ours = not chain or not isinstance(chain[-1], HydraException | OmegaConfBaseException)
    return None if ours else str(chain[0])  # the outermost says what to do: "To append to your config use +..."
