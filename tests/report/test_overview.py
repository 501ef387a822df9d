"""What a page says first of a model: sentences whose numbers are those of the counts."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import convstab as cs
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.report.ledgers import ledgers
from convstab.report.markdown import as_markdown
from convstab.report.overview import Overview, classes, overviews
from convstab.report.page import as_html
from convstab.report.results import Evidence
from convstab.units import Units
from tests.support.half_spaces import half_space
from tests.support.ledger_examples import NAMES, attacked, evaluation, evidence, images, report, result
from tests.support.page_examples import CLASSES
from tests.support.page_examples import evaluation as of_four_classes
from tests.support.parsed_page import Parsed


def said_of(*attacks: Any) -> Overview:
    every = evidence(*attacks)
    return overviews(every, ledgers(every, list(NAMES))[0], NAMES)[0]


def texts(one: Overview) -> dict[str, str]:
    return {answer.question: answer.text for answer in one.answers}


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_the_first_answers_are_the_question_and_the_clean_accuracy() -> None:
    said = texts(said_of())
    assert said["What was asked"] == (
        "40 images of 2 classes; gaussian, sigma 5 to 60 (grey levels): 40 degraded copies of each at each of 3 levels."
    )
    assert said["Without degradation"].startswith("90.00 % (")
    assert "over images" in said["Without degradation"]


def test_the_clean_accuracy_is_said_with_its_precision() -> None:
    made = {"made_with": {"forward": "bfloat16 compiled"}}
    (one,) = overviews(Evidence([], [replace(evaluation(), summary=evaluation().summary | made)], [], []), [], NAMES)
    assert texts(one)["Without degradation"].endswith(". Classified in bfloat16 compiled.")
    assert "Classified" not in texts(said_of())["Without degradation"]  # nothing is known of it


def test_the_worst_level_is_told_by_accuracy_and_flips() -> None:
    correct = result().by_image("correct")[:, -1]
    clean = result().by_image("correct")[:, 0] == 1
    text = texts(said_of())["At the worst level"]
    shares = [float(share) for share in re.findall(r"([\d.]+) % \(", text)]
    assert shares == pytest.approx([100 * correct.mean() / 40, 100 * (1 - correct[clean].mean() / 40)], abs=0.01)
    assert text.startswith("At sigma 60, ")


def test_a_level_that_is_of_something_says_of_what() -> None:
    compressed = cs.evaluate(half_space(192, seed=0), images(), "jpeg", levels=[100, 50, 1])
    (one,) = overviews(Evidence([], [replace(evaluation(), result=compressed)], [], []), [], NAMES)
    assert texts(one)["At the worst level"].startswith("At level 1 (quality), ")


def test_models_on_the_same_draws_are_set_beside_each_other() -> None:
    model = half_space(192, seed=0)
    other = cs.evaluate(lambda pixels: -model(pixels), images(), levels=[5, 20, 60], draws=40)  # the other class
    again, apart = replace(evaluation(), result=other), replace(evaluation(), result=result())
    jpeg = replace(evaluation(), result=cs.evaluate(half_space(192, seed=0), images(), "jpeg", levels=[100, 50]))
    first, second, third, alone = (
        texts(one) for one in overviews(Evidence([], [apart, again, replace(apart), jpeg], [], []), [], list("abcd"))
    )
    found = cs.paired_difference(result(), other)
    value, low, high = (100 * float(ends[-1]) for ends in (found.value, found.low, found.high))
    assert low > 0
    ends = f"95 % {low:+.2f} to {high:+.2f}, on the same draws"
    assert first["Beside b"] == f"At sigma 60, {value:.2f} points more of the copies are classified correctly ({ends})."
    assert f"{value:.2f} points fewer of the copies" in second["Beside a"]
    assert first["Beside c"].startswith("At sigma 60 no difference is shown: 0.00 points (95 % ")
    assert "Beside d" not in first
    assert not any(question.startswith("Beside") for question in alone)
    assert set(third) == set(first) ^ {"Beside a", "Beside c"}


def test_a_level_is_felt_when_its_interval_lies_above_a_hundredth() -> None:
    over = result().levels[result().flip_rate.low > 0.01]
    assert texts(said_of())["From where it is felt"].startswith(f"From sigma {over[0]:g} on")
    weak = cs.evaluate(half_space(192, seed=0), images(), levels=[1], draws=2)
    (one,) = overviews(Evidence([], [replace(evaluation(), result=weak)], [], []), [], NAMES)
    assert texts(one)["From where it is felt"] == "At no level do clearly more than 1.00 % of the copies flip."


def test_classes_are_ordered_by_the_recall_that_they_lose() -> None:
    (one,) = overviews(Evidence([], [of_four_classes()], [], []), [], NAMES)
    of = of_four_classes().result
    recall = np.array([[of.rates[of.labels == label, place].mean() for label in range(4)] for place in (0, -1)])
    order = np.argsort(recall[1] - recall[0], kind="stable")
    text = texts(one)["Which classes"]
    places = [text.index(f"{CLASSES[label]} (") for label in order]
    assert places == sorted(places)
    assert f"{CLASSES[order[0]]} ({100 * (recall[1] - recall[0])[order[0]]:+.2f} points, 10 images)" in text


def test_of_many_classes_those_hurt_most_and_least_are_named() -> None:
    lost = np.array([-0.1, 0.0, -0.7, -0.2, 0.1, -0.9, -0.3])
    few: Any = SimpleNamespace(
        classes=list("abcdefg"),
        labels=np.arange(7),
        rates=np.stack([np.ones(7), 1 + lost], axis=1),
        levels=np.array([0.0, 5.0]),
        protocol=SimpleNamespace(quantity="sigma", unit="grey levels"),
        units=Units(np.array([4, 4, 9, 1, 2, 3, 5])),
    )
    said = classes(few)
    assert said == (
        "Change of recall up to sigma 5, without intervals. Hurt most: f (-90.00 points, 1 image of 1 group), "
        "c (-70.00 points, 1 image of 1 group) and g (-30.00 points, 1 image of 1 group). "
        "Least: e (+10.00 points, 1 image of 1 group), b (0.00 points, 1 image of 1 group) and "
        "a (-10.00 points, 1 image of 1 group)."
    )
    few.labels, few.classes = np.zeros(7, int), ["a", "b"]
    assert classes(few) == ""  # one class has nothing to be compared with
    few.labels = np.array([0, 0, 0, 0, 1, 1, 1])
    assert "a (-25.00 points, 4 images of 3 groups)" in classes(few)


def test_only_images_that_were_drawn_at_both_ends_tell_the_change_of_a_class() -> None:
    of = of_four_classes()
    draws = of.result.rows["draws"].reshape(-1, 4).copy()
    draws[:30, -1] = 0  # no level leaves them this PSNR
    rows = of.result.rows | {"draws": draws.ravel()}
    (one,) = overviews(Evidence([], [replace(of, result=replace(of.result, rows=rows))], [], []), [], NAMES)
    counts = {int(number) for number in re.findall(r"points, (\d+) image", texts(one)["Which classes"])}
    assert counts <= {2, 3}


def test_nothing_is_said_of_classes_that_lose_nothing_nor_of_flips_without_a_correct_image() -> None:
    of = of_four_classes()
    easy = replace(of.result, rows=of.result.rows | {"correct": of.result.rows["draws"]})
    (one,) = overviews(Evidence([], [replace(of, result=easy)], [], []), [], NAMES)
    assert "Which classes" not in texts(one)
    hard = replace(of.result, rows=of.result.rows | {"correct": 0 * of.result.rows["draws"]})
    (one,) = overviews(Evidence([], [replace(of, result=hard)], [], []), [], NAMES)
    assert "From where it is felt" not in texts(one)


def test_the_images_that_flip_most_are_named() -> None:
    text = texts(said_of())["Which images first"]
    flips = 1 - result().rates[:, 1:].mean(1)
    correct = result().rates[:, 0] == 1
    named = [int(place) for place in re.findall(r"(\d+) \(", text)]
    shares = [float(share) / 100 for share in re.findall(r"([\d.]+) %\)", text)]
    assert shares == pytest.approx(flips[named].tolist(), abs=1e-4)  # the ids are the places
    assert shares == pytest.approx(sorted(flips[correct].tolist())[:-4:-1], abs=1e-4)
    never = int((flips[correct] == 0).sum())
    assert f"{never} images of 36 never flipped." in text or f"{never} image of 36 never flipped." in text
    assert text.endswith("never flipped.")


def test_the_least_noise_is_there_where_there_were_attacks() -> None:
    norms = attacked().result.rows["l2"][attacked().result.rows["attacked"]] * 255
    median = np.quantile(norms, 0.5, method="inverted_cdf")
    said = said_of(attacked())
    assert numbers(texts(said)["The least noise"])[2] == pytest.approx(median, rel=0.01)
    assert "convstab-attack" not in " ".join(said.next)
    alone = said_of()
    assert "The least noise" not in texts(alone)
    assert "images_of=FOLDER" in alone.next[0]


def test_an_attack_that_found_nothing_is_not_told_as_a_success() -> None:
    of = attacked()
    rows = dict(of.result.rows) | {"success": np.zeros(40, bool), "l2": np.full(40, np.inf)}
    text = texts(said_of(replace(of, result=replace(of.result, rows=rows))))["The least noise"]
    assert text == "DDN: for fewer than half of 36 images noise was found."


def test_what_is_certain_is_said_of_the_smoothed_model() -> None:
    text = texts(said_of())["What is certain"]
    assert text.endswith("It says nothing of the model itself.")
    (shown,) = ledgers(evidence(), list(NAMES))[0]
    correct = shown.ledger.rows["clean_correct"]
    medians = {level: np.median(np.nan_to_num(shown.ledger.rows[f"radius_{level}"][correct])) for level in (5, 20, 60)}
    best = max(medians, key=lambda level: medians[level])
    radius = np.nan_to_num(shown.ledger.rows[f"radius_{best}"][correct])
    assert f"sigma {best} has a certificate for the label of {100 * (radius > 0).mean():.2f} %" in text
    assert f"for half of them it reaches an L2 norm of {medians[best]:.3g} grey levels or more" in text
    assert (radius >= medians[best]).mean() >= 0.5
    blurred = cs.evaluate(half_space(192, seed=0), images(), "jpeg", levels=[100, 10])
    every = replace(evidence(), evaluations=[replace(evaluation(), result=blurred)])
    (one,) = overviews(every, ledgers(every, list(NAMES))[0], NAMES)
    assert "What is certain" not in texts(one)
    assert "jpeg, level 100 to 10 (quality)" in texts(one)["What was asked"]


def test_without_clean_images_nothing_is_said_of_flips() -> None:
    protocol = Protocol((5, 20), draws=3)
    counts = stability(half_space(192, seed=0), images().pixels, images().labels, torch.arange(40), 2, protocol)
    noisy = cs.StabilityResult(["one", "two"], protocol, counts.rows, counts.totals)
    (one,) = overviews(Evidence([], [replace(evaluation(), result=noisy)], [], []), [], NAMES)
    said = texts(one)
    assert said["Without degradation"] == "The images as they are were not classified."
    assert "flip" not in said["At the worst level"]
    assert "From where it is felt" not in said


def test_page_and_text_begin_with_the_answers_and_their_links_lead_somewhere() -> None:
    one = said_of(attacked())
    whole = replace(report(attacked()), overviews=[one])
    page = Parsed(as_html(whole))
    for answer in one.answers:
        assert answer.text in page.text
        assert f"- {answer.question}: " in as_markdown(whole)
    links = {link.removeprefix("#") for link in page.all("href")}
    assert {answer.shown for answer in one.answers if answer.shown} <= links
    assert links - {""} <= set(page.all("id"))


@pytest.mark.parametrize(("draws", "levels", "told"), [(4, [0, 5, 60], False), (60, [0, 5000], True)])
def test_where_draws_certify_nothing_or_little_no_radius_is_told(draws: int, levels: list[float], told: bool) -> None:
    few = cs.evaluate(half_space(192, seed=0), images(), levels=levels, draws=draws)  # 4 of 4 are no evidence at 0.001
    every = replace(evidence(), evaluations=[replace(evaluation(), result=few)])
    said = texts(overviews(every, ledgers(every, list(NAMES))[0], NAMES)[0])
    assert ("What is certain" in said) == told
    if told:
        text = said["What is certain"]
        assert text == "At no sigma do the draws give a certificate for an image: they are too few, or flip too often."
