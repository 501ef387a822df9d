"""What two reproductions must have in common."""

import re
from pathlib import Path

from convstab.paper.report import TEXT


def report(cwd: Path) -> str:
    """The text of a report, without the place where it lies and the seconds that things took."""
    lines = (cwd / "out" / TEXT).read_text().replace(str(cwd), "").splitlines()
    seconds = next(line.split("|").index(" seconds ") for line in lines if " seconds " in line.split("|"))
    ran = re.compile(r"\| (training|evaluation|attack) \|")
    cells = [
        [*line.split("|")[:seconds], *line.split("|")[seconds + 1 :]] if ran.match(line) else [line] for line in lines
    ]
    return "\n".join("|".join(line) for line in cells)
