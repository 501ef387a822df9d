"""Every file of a result is damaged in every way: it is named in one line, or the values stay as they were.

``pytest tests/test_damage.py`` tries a few damages of each kind of file, with ``-m slow`` a hundred, with
``-m endurance`` a thousand; ``python -m benchmarks.damage`` counts how they end.
"""

from pathlib import Path

import pytest

from tests.support.damages import FILES, FORGEABLE, FORGED, KINDS, READ, budget, results_in, try_damage, try_forgery

FEW = 15  # damages of each kind of file
MANY = pytest.mark.parametrize(
    "count", [pytest.param(100, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.endurance)]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training, an evaluation and an attack."""
    return results_in(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def values(whole: Path) -> dict[str, str]:
    """What reading each result gives while it is whole."""
    return {command: READ[command](whole / command) for command in FILES}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damage_is_named_or_changes_nothing(kind: str, whole: Path, values: dict[str, str]) -> None:
    budget(lambda data: try_damage(whole, values, KINDS[kind], data), FEW)


@MANY
@pytest.mark.parametrize("kind", KINDS)
def test_many_damages(kind: str, count: int, whole: Path, values: dict[str, str]) -> None:
    budget(lambda data: try_damage(whole, values, KINDS[kind], data), count)


@pytest.mark.parametrize("kind", [*FORGED, "part"])
def test_a_forgery_ends_in_no_traceback(kind: str, whole: Path) -> None:
    budget(lambda data: try_forgery(whole, FORGEABLE[kind], data), FEW)


@MANY
@pytest.mark.parametrize("kind", [*FORGED, "part"])
def test_many_forgeries(kind: str, count: int, whole: Path) -> None:
    budget(lambda data: try_forgery(whole, FORGEABLE[kind], data), count)
