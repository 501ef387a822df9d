"""The ledgers of a page: which attacks an evaluation is joined with, and the images that fail first."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import convstab as cs
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.ledger.first import in_lines
from convstab.report import ledgers as module
from convstab.report.ledgers import Joined, image_table, ledgers, said_of
from convstab.report.overview import first_images
from convstab.report.results import Evidence
from tests.support.half_spaces import half_space
from tests.support.ledger_examples import NAMES, attacked, evaluation, evidence, images, result
from tests.support.page_examples import EVIL


@pytest.fixture(scope="module")
def joined() -> Joined:
    (found,), remarks = ledgers(evidence(attacked(), attacked("nes", count=20, max_queries=300)), list(NAMES))
    assert remarks == []
    return found


def test_an_evaluation_is_joined_with_the_attacks_on_its_model() -> None:
    (found,), remarks = ledgers(evidence(attacked(), attacked("nes", run="other", max_queries=300)), list(NAMES))
    assert (list(found.attacks), found.name, remarks) == (["DDN"], "evaluation", [])
    assert np.isfinite(found.ledger.rows["perturbation_DDN"]).sum() > 30


def test_an_attack_that_does_not_fit_is_named_and_left_out() -> None:
    elsewhere = replace(
        attacked(), result=replace(attacked().result, rows=attacked().result.rows | {"index": np.arange(40) + 99})
    )
    (found,), (remark,) = ledgers(evidence(elsewhere), list(NAMES))
    assert found.attacks == {}
    assert remark == "evaluation: DDN does not belong to the evaluation: they have no image in common"


def test_an_evaluation_without_clean_images_has_no_ledger() -> None:
    pixels, labels = images().pixels, images().labels
    protocol = Protocol((5, 20), draws=3)
    counts = stability(half_space(192, seed=0), pixels, labels, torch.arange(40), 2, protocol)
    noisy = cs.StabilityResult(["one", EVIL], protocol, counts.rows, counts.totals)
    every = Evidence([], [evaluation(), replace(evaluation(), result=noisy)], [], [])
    found, (remark,) = ledgers(every, ["one", "two"])
    assert [one.name for one in found] == ["one"]
    assert remark == "two: no image by image account: the ledger needs the clean images: add 0 to the levels"


def test_an_image_of_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    plain, model = images(), half_space(192, seed=0)
    paths = [f"signs/{number:02}.png" for number in range(len(plain))]
    named = cs.Images(plain.pixels, plain.labels, plain.classes, names=paths)
    cs.evaluate(model, named, levels=[0, 20], draws=4).write(tmp_path / "evaluation")
    cs.attack(model, named, "ddn", steps=3).write(tmp_path / "attack")
    evaluated, attack = cs.StabilityResult.read(tmp_path / "evaluation"), cs.AttackResult.read(tmp_path / "attack")
    assert evaluated.by_image("name")[:, -1].tolist() == attack.rows["name"].tolist() == paths
    (found,), _ = ledgers(Evidence([], [replace(evaluation(), result=evaluated)], [], []), list(NAMES))
    head, rows = image_table(found)
    assert head[:2] == ["image", "path"]
    assert [row[1].text for row in rows] == [f"signs/{int(row[0].text):02}.png" for row in rows]  # ids are places here
    assert f"{rows[0][1].text} (" in first_images(found)
    lines = list(in_lines(found.ledger, 5))
    assert len(lines) == 6
    flips = 100 * found.ledger.by_level("flips")[found.rows[0]].mean()
    assert lines[1].startswith(f"  {rows[0][1].text} (")
    assert f"): {flips:.1f} % flip" in lines[1]
    assert "open at" not in "".join(lines)  # so few draws do not tell a first failing level


def test_images_stand_in_the_order_in_which_they_fail(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    flips, nearest = joined.ledger.by_level("flips").mean(1), joined.ledger.rows["perturbation"]
    order = [(-flips[row], nearest[row]) for row in joined.rows]
    assert order == sorted(order)
    assert len({often for often, _ in order}) < len(order)  # some flip as often: the nearer one comes first
    assert joined.ledger.rows["clean_correct"][joined.rows].all()
    assert len(joined.rows) == joined.ledger.rows["clean_correct"].sum() == 36
    first = joined.rows[:5].tolist()
    monkeypatch.setattr(module, "MOST", 5)
    assert replace(joined).rows.tolist() == first


def test_the_evaluations_of_a_page_share_the_rows_that_it_lists(
    joined: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = joined.rows.tolist()
    monkeypatch.setattr(module, "MOST", 30)
    monkeypatch.setattr(module, "FEWEST", 8)
    listed = {beside: replace(joined, beside=beside).rows.tolist() for beside in (1, 2, 3, 24)}
    assert listed == {1: whole[:30], 2: whole[:15], 3: whole[:10], 24: whole[:8]}
    three = Evidence([], [joined.evaluation] * 3, [], [])
    assert [len(one.rows) for one in ledgers(three, ["a", "b", "c"])[0]] == [10] * 3


def test_the_table_says_what_the_ledger_has(joined: Joined) -> None:
    head, rows = image_table(joined)
    assert head == [
        *("image", "class", "clean margin", "least perturbation", "PSNR (dB)", "by"),
        *("boundary by draws", "certified radius, best sigma", "first failing level", "flips at 60"),
    ]
    of = joined.ledger.rows
    for row, cells in zip(joined.rows, rows, strict=True):
        said = dict(zip(head, cells, strict=True))
        assert said["image"].text == str(of["index"][row])
        assert said["class"].text == ("one", EVIL)[of["label"][row]]
        assert float(said["least perturbation"].key) == pytest.approx(of["perturbation"][row], rel=1e-5)
        assert said["by"].text == of["attack"][row]
        assert float(said["flips at 60"].key) == pytest.approx(of["flips_60"][row], abs=1e-6)
        radius = max(np.nan_to_num(of[f"radius_{level}"][row]) for level in (5, 20, 60))
        assert float(said["certified radius, best sigma"].key) == pytest.approx(radius, rel=1e-5)


def test_what_no_image_has_for_want_of_draws_is_no_column() -> None:
    few = cs.evaluate(half_space(192, seed=0), images(), levels=[0, 0.1], draws=3)
    (short,), _ = ledgers(Evidence([], [replace(evaluation(), result=few)], [], []), list(NAMES))
    assert image_table(short)[0] == ["image", "class", "clean margin", "boundary by draws", "flips at 0.1"]


def test_distances_by_draws_are_those_of_the_summary(joined: Joined) -> None:
    """Where most draws fail the fitted boundary is behind the image, and where none fails it is beyond all noise."""
    rows = joined.ledger.rows
    changed, flips = rows["distance"].copy(), rows["flips_60"].copy()
    behind, unknown = joined.rows[:2]
    changed[behind], changed[unknown] = -3.0, np.nan
    never = dict(rows) | {"distance": changed, "flips_60": flips}
    for level in (5, 20, 60):
        never[f"flips_{level}"] = np.where(np.arange(len(flips)) == unknown, 0.0, rows[f"flips_{level}"])
    head, cells = image_table(replace(joined, ledger=replace(joined.ledger, rows=never)))
    said = {row[0].text: row[head.index("boundary by draws")].text for row in cells}
    assert said[str(rows["index"][behind])] == "0"
    assert said[str(rows["index"][unknown])] == "beyond"


def test_what_is_beyond_is_sorted_after_all_numbers_and_what_is_unknown_has_no_key(joined: Joined) -> None:
    rows = joined.ledger.rows
    some = joined.rows[:2]
    changed = rows["perturbation"].copy()
    changed[some[0]], changed[some[1]] = np.inf, np.nan
    ledger = replace(joined.ledger, rows=dict(rows) | {"perturbation": changed})
    head, cells = image_table(replace(joined, ledger=ledger))
    column = {row[0].text: row[head.index("least perturbation")] for row in cells}
    keys = [float(cell.key) for cell in column.values() if cell.key]
    first, second = (column[str(rows["index"][row])] for row in some)
    assert (first.text, float(first.key)) == ("beyond", max(keys))
    assert (second.text, second.key) == ("-", "")


def test_words_tell_what_is_known_of_the_first_failing_level(joined: Joined) -> None:
    head, rows = image_table(joined)
    said = {row[head.index("first failing level")].text for row in rows}
    assert "5" in said  # nearly half of the draws of the nearest fail there
    assert any(word.startswith("open at ") for word in said)  # 40 draws are too few to say that a level holds
    many = cs.evaluate(half_space(192, seed=0), images(), levels=[0, 0.1], draws=200)
    (easy,), _ = ledgers(Evidence([], [replace(evaluation(), result=many)], [], []), list(NAMES))
    head, rows = image_table(easy)
    assert {row[head.index("first failing level")].text for row in rows} >= {"withstands all"}


def test_a_model_is_said_to_stand_further_away_than_another_on_the_same_images() -> None:
    weaker = attacked(steps=3)
    every = Evidence(
        [], [evaluation(), evaluation("n")], [attacked(), replace(weaker, summary=weaker.summary | {"run": "n"})], []
    )
    first, second = ledgers(every, ["one", "two"])[0]
    ratio = second.ledger.rows["perturbation"] / first.ledger.rows["perturbation"]
    median = np.median(ratio[first.ledger.rows["clean_correct"]])
    (line,) = [line for line in said_of(second, [first, second]) if line.startswith("Beside")]
    assert line.startswith(f"Beside one: the least perturbation by DDN is {median:.3f} times as long")
    assert median > 1
    same = replace(first, name="jpeg", evaluation=evaluation("n"))  # the same model under something else
    assert not [line for line in said_of(second, [same]) if line.startswith("Beside")]
    elsewhere = replace(first, evaluation=evaluation("m", dataset="other"))
    assert not [line for line in said_of(second, [elsewhere]) if line.startswith("Beside")]
    alone = replace(first, ledger=cs.Ledger.of(result()))
    assert not [line for line in said_of(second, [alone]) if line.startswith("Beside")]


def test_other_degradations_have_no_certificate_and_no_boundary() -> None:
    blurred = cs.evaluate(half_space(192, seed=0), images(), "jpeg", levels=[100, 50, 10])
    (found,), _ = ledgers(Evidence([], [replace(evaluation(), result=blurred)], [], []), list(NAMES))
    head, rows = image_table(found)
    assert head == ["image", "class", "clean margin", "first failing level", "flips at 10"]
    assert len(rows) == result().images - 4
