"""What may stand where a file should, and would be waited for or read for ever."""

import os
from pathlib import Path


def in_place_of(path: Path, kind: str) -> None:
    """Put a pipe, a device that gives zeros without end, or a folder where a file should be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
