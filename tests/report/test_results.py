"""Results are recognised in folders, and what is not whole is reported, not used."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from convstab.commands import app
from convstab.commands.app import plain
from convstab.errors import InputError
from convstab.evaluation.examples import EXAMPLES
from convstab.files.seals import SEAL, sealed
from convstab.report.results import Evidence, gather
from convstab.runs import directory
from convstab.runs.directory import FINISHED
from convstab.runs.provenance import training_of
from tests.support.in_process import call_in, train_short
from tests.support.page_examples import source


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings, evaluations of one and of both, and an attack."""
    folder = tmp_path_factory.mktemp("evidence")
    train_short(folder, {"train/b": ["seed=4"], "train/a": ["augment=noisy"]})
    short = ["logger=none", "levels=[40]", "draws=2", "images=30", "slice=8"]
    call_in(folder, app.evaluate, "run=train/a", *short, "output=evaluate/a")
    call_in(folder, app.evaluate, "run=[train/a,train/b]", *short, "output=evaluate/both")
    attacked = ["attack=ddn", "images=2", "max_queries=100", "logger=none", "output=attack/b"]
    call_in(folder, app.attack, "run=train/b", *attacked)
    return folder


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(results, tmp_path / "copy"))


def names(evidence: Evidence) -> list[list[str]]:
    return [
        [result.source.folder.name for result in kind]
        for kind in (evidence.trainings, evidence.evaluations, evidence.attacks)
    ]


def test_everything_below_a_folder_is_found_in_order(results: Path) -> None:
    evidence = gather([results])
    assert names(evidence) == [["a", "b"], ["a", "both"], ["b"]]
    assert evidence.remarks == []


def test_what_is_named_twice_is_there_once(results: Path) -> None:
    assert names(gather([results / "train/b", results / "train", results / "attack/b"])) == [["a", "b"], [], ["b"]]


def test_a_result_says_where_it_comes_from(results: Path) -> None:
    evidence = gather([results])
    source = evidence.evaluations[1].source
    assert (source.dataset, source.model, source.augment, source.noisy) == ("digits", "LeNet", "various", True)
    assert (source.members, source.seeds, source.epochs) == (2, [0, 4], 1)
    assert source.images["train"] == 180
    assert source.made_with["torch"]
    assert evidence.trainings[1].source.name == "digits, one model, augment: none"
    assert evidence.trainings[1].confusion.sum() == source.images["test"]
    assert evidence.trainings[1].classes == [str(digit) for digit in range(10)]
    assert evidence.attacks[0].source.seeds == [4]
    examples = evidence.evaluations[0].examples
    assert examples is not None
    assert examples.degraded.shape == (len(examples.index), 1, 1, 28, 28)


def test_a_half_finished_evaluation_is_named_with_its_share_and_not_used(copy: Path) -> None:
    for name in (FINISHED, "parts/part-00003.parquet"):
        (copy / "evaluate/a" / name).unlink()
    evidence = gather([copy])
    assert names(evidence) == [["a", "b"], ["both"], ["b"]]
    assert evidence.remarks == ["copy/evaluate/a is half-finished and not used: 3 of 4 parts are there"]


def test_parts_without_tables_are_half_finished_too(copy: Path) -> None:
    (copy / "evaluate/a" / FINISHED).unlink()
    said = "a is half-finished and not used: its parts are there, its tables not"
    assert gather([copy / "evaluate/a", copy / "train"]).remarks == [said]


def test_a_training_that_goes_on_is_named_and_not_used(copy: Path) -> None:
    (copy / "train/b" / FINISHED).unlink()
    assert gather([copy]).remarks == ["copy/train/b is a training that is not finished and not used"]


def test_without_anything_finished_there_is_no_evidence(copy: Path) -> None:
    (copy / "train/b" / FINISHED).unlink()
    with pytest.raises(InputError, match="nothing is finished: b is a training that is not finished"):
        gather([copy / "train/b"])


def test_a_folder_without_images_is_still_evidence(copy: Path) -> None:
    (copy / "evaluate/a" / EXAMPLES).unlink()
    assert gather([copy]).evaluations[0].examples is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train/a/metrics.json", "{", "metrics.json is damaged"),
        ("evaluate/a/summary.json", "[", "summary.json is damaged"),
        ("evaluate/a/summary.json", f'["{SEAL}"]', "summary.json is damaged: it holds no names"),
        ("train/a/config.yaml", f"dataset: mine # {SEAL}", "config.yaml does not say dataset._target_"),
        ("train/a/metrics.json", f'{{"epochs": 1, "a": "{SEAL}"}}', "metrics.json is not what .*: test/accuracy"),
        ("evaluate/a/stability.parquet", "x", "does not hold a whole evaluation"),
        (
            "attack/b/summary.json",
            f'{{"training": {{"model": 1}}, "run": "b", "attack": "DDN", "a": "{SEAL}"}}',
            "attack/b/summary.json is not what convstab writes: protocol: field required",
        ),
    ],
)
def test_what_is_damaged_is_refused(copy: Path, name: str, content: str, said: str) -> None:
    path = copy / name
    path.write_bytes(sealed(content.encode()) if SEAL in content else content.encode())
    with pytest.raises(InputError, match=f"{path.name} was changed since it was finished"):
        gather([copy])
    directory.finish(path.parent, name.partition("/")[0])
    with pytest.raises(InputError, match=said):
        gather([copy])


def test_what_is_no_result_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        gather([results, Path("nowhere")])
    with pytest.raises(InputError, match="holds no result"):
        gather([tmp_path])


@pytest.mark.parametrize("choice", ["gaussian", "noisy", "jitter", "jitter_noisy", "degraded", "none"])
def test_a_run_on_images_of_ones_own_has_its_name_and_that_of_its_augmentation(choice: str) -> None:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        more = ["augment.degradations=[jpeg]"] if choice == "degraded" else []
        config = compose("train", [f"augment={choice}", *more, "output=out"])
    augment = training_of(plain(config), {})["augment"]
    mine = source("evaluate", dataset="signs", run="mine", augment=augment)
    assert mine.name == f"signs, mine, augment: {choice}"
    assert replace(mine, members=3).name == f"signs, mine, 3 models, augment: {choice}"
    assert replace(mine, dataset="gtsrb").name == f"gtsrb, one model, augment: {choice}"
    assert replace(mine, seeds=[], model="python nets:build").name == "signs, python nets:build"


def test_a_result_knows_the_name_of_its_run(results: Path) -> None:
    evidence = gather([results])
    assert [one.source.run for one in evidence.trainings] == ["a", "b"]
    assert [one.source.run for one in evidence.attacks] == ["b"]
