"""Exits: the exit code says whose fault an error is; a bug of ours keeps its traceback."""

import errno
import os
from pathlib import Path

import pytest

from convstab import exits
from convstab.errors import InputError
from convstab.exits import bad_input, bad_input_ends, machine_fault


def failure(number: int, path: object = None) -> OSError:
    """What the system raises: OSError chooses its subclass by the number."""
    words = (number, os.strerror(number))
    return OSError(*words) if path is None else OSError(*words, str(path))


def ended(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """The exit code and what a command says."""
    with pytest.raises(SystemExit) as end, bad_input_ends():
        raise error
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE])
@pytest.mark.parametrize("path", [None, "runs/a"])
def test_a_fault_of_the_machine_is_no_bad_input(
    number: int, path: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    named = "" if path is None else f": {path}"
    assert ended(failure(number, path), capsys) == (1, f"convstab: {os.strerror(number)}{named}\n")
    assert bad_input(failure(number, path)) is None


NAMED = [errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS, errno.ENAMETOOLONG]


@pytest.mark.parametrize("number", NAMED)
def test_a_path_that_was_named_is(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(failure(number, "runs/a"), capsys) == (2, f"convstab: {os.strerror(number)}: runs/a\n")


OURS = Path(exits.__file__).parent / "paper/cells.csv"


@pytest.mark.parametrize(
    "error",
    [
        failure(errno.ENOENT, OURS),  # a file of the package
        failure(errno.EINVAL, "runs/a"),  # a call that makes no sense
        failure(errno.ECONNREFUSED),
        FileNotFoundError("no path at all"),
        ValueError("a bug"),
    ],
)
def test_our_own_faults_keep_their_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, bad_input_ends():
        raise error
    assert raised.value is error


def test_the_first_cause_counts_wherever_it_was_wrapped() -> None:
    outer = RuntimeError("a worker failed")
    outer.__cause__ = failure(errno.ENOSPC, "x")  # what "raise ... from" leaves
    assert machine_fault(outer) == "convstab: No space left on device: x"
    assert machine_fault(InputError("x")) is None


def test_an_error_that_was_raised_from_itself_ends_too(capsys: pytest.CaptureFixture[str]) -> None:
    """As OmegaConf does it in a debugger and where OC_CAUSE=1: the chain was followed until the memory was full."""
    error = InputError("seed is abc")
    error.__cause__ = error
    assert ended(error, capsys) == (2, "convstab: seed is abc\n")
    assert machine_fault(error) is None
