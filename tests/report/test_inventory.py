"""What was run, in words."""

from pathlib import Path
from typing import Any

from convstab.report.inventory import folders_of, machines, ran, unique_names
from tests.support.made_up_evidence import attacked, evaluation, evidence, failing, training


def noisy(**more: Any) -> Any:
    """An evaluation of 10 images."""
    return evaluation(failing(10, [0, 0.1]), levels=(0, 5), **more)


def test_folders_are_named_from_the_folder_that_all_are_in() -> None:
    results: list[Any] = [
        training([[1, 0], [0, 1]], folder=Path("/home/me/runs/full/train/mnist")),
        noisy(folder=Path("/home/me/runs/full/evaluate/mnist")),
        attacked([1.0], folder=Path("/home/me/runs/laptop/attack/mnist")),
    ]
    names = ["full/train/mnist", "full/evaluate/mnist", "laptop/attack/mnist"]
    assert list(folders_of(evidence(*results)).values()) == names
    assert list(folders_of(evidence(results[0])).values()) == ["mnist"]
    assert folders_of(evidence()) == {}


def test_names_that_are_there_twice_have_their_folders() -> None:
    assert unique_names(["x", "y", "x"], ["a", "b", "c"]) == ["x (a)", "y", "x (c)"]


def test_numbers_of_an_ensemble_that_differ_are_various_and_those_not_recorded_are_said_to_be() -> None:
    images = {"train": "various", "validation": 1_234, "test": None}
    (one,) = ran(evidence(noisy(epochs="various", images=images)))
    assert (one.epochs, one.images) == ("various", "various / 1,234 / not recorded")
    (other,) = ran(evidence(noisy(epochs=None, draws=1)))
    assert other.epochs == "not recorded"
    assert "1 draw of each image and level" in other.protocol


def test_one_machine_stands_once_whatever_pass_classified_on_it() -> None:
    made = {"torch": "2.12", "processor": "a CPU"}
    both = evidence(noisy(made_with=made | {"forward": "bfloat16 compiled"}), attacked([1.0], made_with=made))
    assert machines(both) == ["torch 2.12, processor a CPU"]
    evaluated, tried = ran(both)
    assert (evaluated.machine, tried.machine) == (1, 1)
    assert evaluated.protocol.endswith("; classified in bfloat16 compiled")
