"""What docs/camera.md says of files is so, and its example gives the table that it shows."""

import re
from pathlib import Path

import pytest

from convstab.camera import records, tables
from convstab.camera.camera import measure

TEXT = (Path(__file__).parents[2] / "docs/camera.md").read_text(encoding="utf-8")


def columns(name: str) -> list[str]:
    """The columns of a file, as its table has them."""
    table = TEXT.split(f"| column of {name} |")[1].split("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)


def test_the_example_gives_its_table_and_the_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(example, {})
    camera = measure("frames")
    assert tables.table(camera) in TEXT
    assert [noise.law.gain for noise in camera.noises] == pytest.approx([0.25, 1, 4], rel=0.05)
    assert [noise.law.read_noise for noise in camera.noises] == pytest.approx([3, 3, 3], rel=0.05)
    assert records.rows_text(camera).splitlines()[0].split(",") == columns("camera.csv")
    assert records.points_text(camera).splitlines()[0].split(",") == columns("points.csv")
    assert set(records.summary(camera, None, 0, None)) == {"black", "white", "affine", "jpeg", "noises", "evaluate"}
