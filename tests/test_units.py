"""What is independent: groups of images, or images with a design effect, from the data to the tables."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from convstab.attacks.result import AttackResult
from convstab.commands import app
from convstab.data import digits
from convstab.data.images import ImageSet
from convstab.errors import InputError
from convstab.evaluation import tables
from convstab.evaluation.result import StabilityResult
from convstab.images import Images
from convstab.paper import measured
from convstab.paper.tables import of_evaluation
from convstab.units import FramesAlike, Units
from tests.support.attack_examples import example
from tests.support.in_process import caller, train_short
from tests.support.made_up_evidence import evaluation


def images(count: int = 6, **more: object) -> Images:
    return Images(torch.zeros(count, 1, 2, 2, dtype=torch.uint8), torch.zeros(count).long(), **more)  # type: ignore[arg-type]


def test_groups_that_do_not_match_the_images_are_bad_input() -> None:
    with pytest.raises(InputError, match=r"^groups are given for 5 images, but there are 6; each image needs one$"):
        images(groups=torch.arange(5))
    with pytest.raises(InputError, match="groups are given for 2 images, but there are 3"):
        Units(np.arange(2)).members(3)


def test_groups_stay_with_their_images() -> None:
    some = images(groups=torch.tensor([4, 4, 2, 2, 9, 9]))
    assert some.spread(3).units.groups.tolist() == [4, 2, 9]  # type: ignore[union-attr]
    assert some.part(slice(1, 4)).units.groups.tolist() == [4, 2, 2]  # type: ignore[union-attr]
    assert some.units.in_words(6) == "3 groups of images"


def test_the_design_effect_is_that_of_the_images_of_an_object_that_are_left() -> None:
    """Kish: 1 + (m - 1) rho; among a tenth of the images, an image has a tenth of its companions."""
    some = images(60, alike=FramesAlike(31, 0.5))
    assert some.units.design_effect == 1 + 30 * 0.5
    assert some.spread(6).units.design_effect == pytest.approx(1 + 3 * 0.5)
    assert some.units.in_words(60) == "images, 16 of which count as one"
    assert (images().units.groups, images().units.design_effect) == (None, 1)
    assert Units().in_words(9) == "images"
    assert (Units(np.array([1, 1, 5])).images_each(3), Units(design_effect=4.0).images_each(8)) == (1.5, 4)


@pytest.mark.parametrize(("size", "correlation"), [(0.5, 0.5), (30, -0.1), (30, 1.1), (float("nan"), 0.5)])
def test_frames_that_cannot_be_alike_so(size: float, correlation: float) -> None:
    with pytest.raises(InputError, match="at least 1"):
        FramesAlike(size, correlation)


def test_frames_at_the_limits_of_what_can_be() -> None:
    assert [FramesAlike(1, rho).design_effect for rho in (0, 1)] == [1, 1]
    assert [FramesAlike(1.5, rho).design_effect for rho in (0, 1)] == [1, 1.5]
    with pytest.raises(InputError) as error:
        FramesAlike(0, 2)
    said = "0 images of an object that correlate by 2: the first must be at least 1, the second in [0, 1]"
    assert str(error.value) == said


def test_columns_are_there_where_images_are_not_the_units() -> None:
    assert Units().columns(3, 2) == {}
    np.testing.assert_array_equal(Units().members(3), [0, 1, 2])
    np.testing.assert_array_equal(Units(design_effect=1.5).columns(3, 2)["design_effect"], [1.5] * 6)
    assert Units(design_effect=1.5).in_words(3) == "images, 1.5 of which count as one"
    assert Units.of_rows({"design_effect": np.zeros(0)}).design_effect == 1


@pytest.mark.parametrize("units", [Units(), Units(np.arange(30) // 3), Units(design_effect=3.0)])
def test_results_keep_their_units(result: StabilityResult, units: Units, tmp_path: Path) -> None:
    StabilityResult.of(pa.table(result.rows), result.totals, result.classes, result.protocol, units).write(tmp_path)
    again = StabilityResult.read(tmp_path)
    assert again.units.design_effect == units.design_effect
    np.testing.assert_array_equal(again.groups, units.groups)
    assert f"95 %: over {units.in_words(30)}." in tables.rates_markdown(again)
    assert tables.summary(again)["intervals_over"] == units.in_words(30)
    for name in ("accuracy", "balanced_accuracy", "flip_rate"):
        plain, found = getattr(result, name), getattr(again, name)
        np.testing.assert_allclose(plain.value, found.value)
        wider = (found.high - found.low)[1:] > (plain.high - plain.low)[1:]
        assert wider.all() == (units.count(30) < 30)


@pytest.mark.parametrize("units", [Units(np.arange(60) // 6), Units(design_effect=6.0)])
def test_attacks_keep_their_units(units: Units, tmp_path: Path) -> None:
    found = example(list(np.linspace(1, 60, 60)))
    grouped = replace(found, rows=found.rows | units.columns(60))
    grouped.write(tmp_path)
    again = AttackResult.read(tmp_path)
    plain, wide = measured.least_noise(found).l2, measured.least_noise(again).l2
    assert (wide.low, wide.value, wide.high) == (12, plain.value, 49)  # of 10 coins, 2 to 8 are heads 95 times in 100
    assert plain.low > wide.low
    squared = replace(again, rows=again.rows | {"l2": again.rows["l2"] ** 2})
    ratio = measured.noise_ratio(again, squared)
    assert ratio is not None
    assert (ratio.images, ratio.low, ratio.high) == (60, 12, 49)
    half = again.part(np.arange(30))
    assert half.units.count(30) == 5


def test_changes_and_tables_are_over_groups() -> None:
    plain = evaluation(np.array([[1, 0.5], [1, 1], [1, 0.5]] * 20), levels=(0, 5))
    units = Units(np.arange(60) % 10)  # the images of a class
    grouped = replace(plain, result=replace(plain.result, rows=plain.result.rows | units.columns(60, 2)))
    one, other = measured.drop(plain.result, 5), measured.drop(grouped.result, 5)
    assert (other.high - other.low) > 1.5 * (one.high - one.low)
    paired = measured.paired(grouped.result, grouped.result)
    assert paired is not None
    assert paired.high > 0.2  # of 10 groups
    (scores, alone) = (of_evaluation(each) for each in (grouped, plain))
    assert scores.drawn.endswith("intervals over 10 groups of images")
    assert "interval" not in alone.drawn
    for name in ("accuracy", "balanced accuracy"):
        assert scores.overall[name].low < alone.overall[name].low  # type: ignore[operator]
    assert scores.rows[0].recall.low < alone.rows[0].recall.low  # type: ignore[operator]


PLACES = list(range(0, 192, 8))  # among them are images that are correct after a short training


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short training on the digits."""
    return train_short(tmp_path_factory.mktemp("trained"), {"one": []})


def test_the_groups_of_the_test_images_reach_both_tables(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    load, words = digits.load, ["run=one", "logger=none", f"images={PLACES}", f"output={tmp_path}/"]

    def grouped(root: Path | None = None, entries: int | None = None) -> ImageSet:
        found = load(root)
        numbers = torch.arange(len(found.test) if entries is None else entries)
        return replace(found, test=replace(found.test, groups=numbers // 60))

    monkeypatch.setattr("convstab.data.digits.load", grouped)
    evaluated = caller(monkeypatch, capfd, trained, app.evaluate, "draws=1", "levels=[40]")
    attacked = caller(monkeypatch, capfd, trained, app.attack, "attack=least_level", "attack.draws=1")
    expected = (digits_places(load, PLACES) // 60).tolist()
    assert evaluated(*words[:-1], words[-1] + "e") == attacked(*words[:-1], words[-1] + "a") == (0, "")
    assert StabilityResult.read(tmp_path / "e").groups.tolist() == expected  # type: ignore[union-attr]
    assert AttackResult.read(tmp_path / "a").units.groups.tolist() == expected  # type: ignore[union-attr]
    assert (tmp_path / "e" / "table.md").read_text().count(f"95 %: over {len(set(expected))} groups of images.") == 1

    monkeypatch.setattr("convstab.data.digits.load", lambda root: grouped(root, 7))
    code, error = evaluated(*words[:-1], words[-1] + "bad")
    assert code == 2
    assert "groups are given for 7 images, but there are 450" in error
    assert len(error.splitlines()) == 1


def digits_places(load: Callable[[], ImageSet], places: list[int]) -> torch.Tensor:
    """Where the images with these places among the 200 of the training are in the whole test set."""
    return torch.linspace(0, len(load().test) - 1, 200).round().long()[torch.tensor(places)]
