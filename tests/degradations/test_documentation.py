"""What docs/degradations.md says of the families is so, and its example is a family like any other."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from convstab.degradations.by_name import FAMILIES, degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.degradations.presets import IMAGENET_C
from tests.degradations import test_families

TEXT = (Path(__file__).parents[2] / "docs/degradations.md").read_text(encoding="utf-8")
IMPORTS = """
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
import torch
from torch import Tensor
from convstab.degradations.degradation import Degradation
from convstab.degradations.exactness import of_images, settled
from convstab.validation import Positive
"""


def rows(part: str) -> dict[str, list[str]]:
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", part, flags=re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in found}


def as_level(word: str) -> float:
    return math.inf if word == "inf" else float(word)


def test_the_table_is_what_the_families_say() -> None:
    table = rows(TEXT[: TEXT.index("## ImageNet-C")])
    assert list(table) == list(FAMILIES)
    for name, (_, unit, neutral, ends, grid, random, _) in table.items():
        family = degradation(name)
        assert unit == family.unit
        assert as_level(neutral) == family.neutral
        assert [as_level(end) for end in ends.split(" to ")] == [family.low, family.high]
        assert tuple(map(as_level, grid.split(", "))) == family.check(family.grid)
        assert (random == "yes") == family.random


def test_the_presets_are_what_the_code_gives() -> None:
    table = rows(TEXT[TEXT.index("## ImageNet-C") :])
    assert list(table) == list(IMAGENET_C)
    for name, (settings, levels) in IMAGENET_C.items():
        family, unit, *cells = table[name][:7]
        assert family.startswith(f"`{settings['name']}`")
        assert unit == FAMILIES[settings["name"]].unit
        found = [float(cell) for cell in cells if cell != "-"]
        assert found == pytest.approx(levels, rel=2e-3)


@pytest.fixture
def vignette(monkeypatch: pytest.MonkeyPatch) -> str:
    """The example, registered."""
    code = re.findall(r"```python\n(@dataclass.*?)```", TEXT, flags=re.DOTALL)[0]
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(IMPORTS + code, "docs/degradations.md", "exec"), space)
    monkeypatch.setitem(FAMILIES, "vignette", space["Vignette"])
    return "vignette"


def test_the_example_passes_the_tests_of_all_families(vignette: str) -> None:
    shared = [value for name, value in vars(test_families).items() if name.startswith("test_")]
    assert len(shared) > 8
    for test in shared:
        words = test.__code__.co_varnames[1 : test.__code__.co_argcount]
        more = {"size": 7} if "size" in words else {"shape": (1, 2, 3)} if "shape" in words else {}
        test(vignette, **more)


def test_the_example_darkens_the_corners_by_its_level(vignette: str) -> None:
    white = torch.full((1, 5, 9), 200, dtype=torch.uint8)
    made = degraded_copies(white, degradation(vignette, power=4.0), 0.4, 1, 0, rounding=False)[0, 0] * 255
    assert made[[0, -1, 0, 2], [0, 0, -1, 4]].tolist() == pytest.approx([120, 120, 120, 200], abs=1e-3)
