"""How a command ends when the user is at fault, or the machine: in one line, with exit code 2 or 1."""

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from convstab.errors import InputError

OURS = "convstab: "  # begins our own line
BAD_INPUT, BROKEN_MACHINE = 2, 1  # exit codes
USERS_KINDS = FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError
USERS = errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP  # what a path that was named may lead to, beside these
MACHINES = errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ECHILD

HYDRAS = "hydra.errors", "omegaconf.errors"  # modules, by their names: a command ends in a line before they are loaded


@contextmanager
def bad_input_ends(traceback_wanted: bool = False) -> Iterator[None]:
    """End the process with one line: exit code 2 when what the user gave is at fault, 1 when it is the machine."""
    try:
        yield
    except Exception as error:
        line, fault = bad_input(error), machine_fault(error)
        if traceback_wanted or (line is None and fault is None):
            raise
        print(line or fault, file=sys.stderr)
        sys.exit(BAD_INPUT if line else BROKEN_MACHINE)


def bad_input(error: BaseException | None) -> str | None:
    """The line for the user if ``error`` was caused by what the user gave, else None."""
    chain = chain_of(error)
    for link in chain:
        match link:
            case InputError():
                return f"{OURS}{link}"
            case OSError() if is_of_a_path_that_was_named(link):
                return f"{OURS}{link.strerror}: {link.filename}"
    if chain and fails_to_load("torchvision", chain[-1]):
        return f"{OURS}{misfit(chain[-1])}"
    of_hydra = bool(chain) and any(kind.__module__ in HYDRAS for kind in type(chain[-1]).__mro__)
    return f"{OURS}{one_line(chain)}" if of_hydra else None


def one_line(chain: Sequence[BaseException]) -> str:
    """What Hydra and OmegaConf say: the outermost where, the innermost why; without the types of objects."""
    said = dict.fromkeys(str(link).partition("object_type=")[0] for link in (chain[0], chain[-1]))
    return " ".join(": ".join(filter(None, said)).split())


def fails_to_load(package: str, error: BaseException) -> bool:
    """Whether an error was raised while a package was being imported, for want of no other one."""
    if isinstance(error, ModuleNotFoundError):
        return False
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return any(frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == package for frame in frames)


def misfit(error: BaseException) -> str:
    """What to do about a torchvision that was built for another torch: Lightning loads it wherever it is installed."""
    torch = f"torch {getattr(sys.modules.get('torch'), '__version__', '')}".strip()
    cpu = "https://download.pytorch.org/whl/cpu"
    return (
        f"the torchvision that is installed does not fit {torch} ({one_line([error])}); install the one from the index "
        f"that torch is from (pip install --force-reinstall --no-deps torchvision --index-url {cpu}), or uninstall it"
    )


def machine_fault(error: BaseException | None) -> str | None:
    """The line for the user if ``error`` came from a full or broken disk, too many open files, or a lost process."""
    for link in chain_of(error):
        if isinstance(link, OSError) and link.errno in MACHINES:
            return f"{OURS}{link.strerror}" + (f": {link.filename}" if link.filename else "")
    return None


def chain_of(error: BaseException | None) -> list[BaseException]:
    """An exception and what it was raised from, the outermost first; OmegaConf raises some from themselves."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__
    return chain


def is_of_a_path_that_was_named(error: OSError) -> bool:
    """Whether a path leads nowhere or may not be used; a file of this package that is missing is our own fault."""
    if not isinstance(error.filename, str | bytes | Path):
        return False
    ours = str(error.filename).startswith(str(Path(__file__).parent))
    return not ours and (isinstance(error, USERS_KINDS) or error.errno in USERS)
