"""The steps of the experiments: every one is there, says what Hydra takes, and stands once and in order."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from convstab.errors import InputError
from convstab.paper import experiments
from convstab.paper.experiments import Experiment, Size, Step, quoted, steps_of
from convstab.runs.directory import COMMANDS

CONF = Path(__file__).parents[2] / "conf"
SIZES = sorted(path.stem for path in (CONF / "size").glob("*.yaml"))
ATTACKS = ["paper", "genetic", "ddn"]
MODELS = ["mnist_none", "cifar10_none", "gtsrb_jitter"]
ON_NOISE = ["mnist_noisy", "cifar10_noisy", "gtsrb_jitter_noisy"]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        return compose("reproduce", [*overrides, "output=out"])


def planned(*overrides: str) -> list[Step]:
    return experiments.planned(composed(*overrides))


def test_every_experiment_is_chosen_and_stands_under_its_own_name() -> None:
    assert sorted(composed().experiment) == sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("size", ["full", "laptop"])
def test_the_paper_needs_five_models_of_each_kind_and_one_on_noisy_copies(size: str) -> None:
    names = {step.name for step in planned(f"size={size}")}
    trained = {f"train/{model}_{seed}" for model in MODELS for seed in range(5)} | {
        f"train/{model}_0" for model in ON_NOISE
    }
    evaluated = {f"evaluate/{model}{models}" for model in MODELS for models in ("", "_x5")}
    evaluated |= {f"evaluate/{model}" for model in ON_NOISE}
    attacked = {f"attack/{model}_{attack}" for model in MODELS for attack in ATTACKS} | {
        "attack/gtsrb_jitter_noisy_ddn"
    }
    assert names == trained | evaluated | attacked


def test_a_size_may_put_one_data_set_in_place_of_all_and_shrink_ensembles() -> None:
    steps = planned("size=smoke")
    assert {word for step in steps for word in step.words if word.startswith("dataset=")} == {"dataset=digits"}
    assert [step.needs for step in steps if step.name == "evaluate/digits_none_x2"] == [
        ["train/digits_none_0", "train/digits_none_1"]
    ]


def test_trainings_come_first_and_every_step_once() -> None:
    steps = planned("experiment=[table4,table2,figure2,figure5]")
    assert [step.command for step in steps] == sorted((step.command for step in steps), key=COMMANDS.index)
    assert len({step.name for step in steps}) == len(steps) == 5 + 2 + len(ATTACKS)
    known = {step.name for step in steps}
    assert all(need in known for step in steps for need in step.needs)


@pytest.mark.parametrize("size", SIZES)
def test_every_word_of_every_size_is_one_that_its_command_knows(size: str) -> None:
    known: set[tuple[str, int, str]] = set()
    for step in planned(f"size={size}"):
        said = {(step.command, len(step.needs), word) for word in ("", *step.words)}
        if said <= known:
            continue  # as an earlier step
        known |= said
        with initialize_config_module("convstab.conf", version_base="1.3"):
            config = compose(step.command, step.arguments(Path("/some, folder/it's")))
        assert config.output == f"/some, folder/it's/{step.name}"
        if step.needs:
            runs = [f"/some, folder/it's/{need}" for need in step.needs]
            assert config.run == (runs[0] if len(runs) == 1 else runs)


def test_what_is_said_for_one_data_set_counts_more_than_what_is_said_for_all() -> None:
    size = Size(evaluate={"all": ["draws=9"], "mnist": ["draws=3"]}, minutes={"evaluate": {"mnist": 4}})
    (_, one), (*_, five) = (steps_of({"a": Experiment("mnist", models=models)}, size, []) for models in (1, 5))
    assert one.words == ["draws=9", "draws=3"]
    assert (one.minutes, five.minutes) == (4.0, 20.0)


def test_an_experiment_may_have_attacks_of_its_own() -> None:
    assert [step.name for step in planned("experiment=margin_noisy")][1:] == ["attack/gtsrb_jitter_noisy_ddn"]
    assert len(planned("experiment=figure2", "attacks=[deepfool]")) == 2
    assert planned("experiment=figure2", "attacks=deepfool") == planned("experiment=figure2", "attacks=[deepfool]")


def test_what_is_said_for_an_attack_on_a_data_set_comes_last_and_counts() -> None:
    words = {step.name: step.words for step in planned("size=laptop", "experiment=[figure1_cifar10,figure2]")}
    assert words["attack/gtsrb_jitter_genetic"] == ["attack=genetic", "images=50", "max_queries=5000"]
    assert words["attack/gtsrb_jitter_paper"][-2:] == ["images=3", "max_queries=null"]
    assert words["attack/cifar10_none_paper"] == ["attack=paper", "images=50", "images=10"]
    assert words["train/gtsrb_jitter_0"].count("trainer.max_epochs=20") == 1
    said = "+size.minutes.attack.gtsrb_paper=77"
    minutes = {step.name: step.minutes for step in planned("size=laptop", "experiment=figure2", said)}
    assert (minutes["attack/gtsrb_jitter_paper"], minutes["attack/gtsrb_jitter_genetic"]) == (77, 28)


def test_an_ensemble_may_be_attacked() -> None:
    *trained, attack = planned("experiment=figure2", "attacks=[ddn]", "+experiment.figure2.models=3")
    assert (attack.name, attack.needs) == ("attack/gtsrb_jitter_x3_ddn", [step.name for step in trained])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+experiment.table2.comand=train"], "experiment.table2: Key 'comand' not in 'Experiment'"),
        (["+experiment.table2.models=many"], "experiment.table2: Value 'many'"),
        (["+experiment.table2.models=0"], "models 0"),
        (["+experiment.table2.command=try"], "command is 'try'"),
        (["+size.trains={}"], "size: Key 'trains'"),
        (["attacks=[ddn,try]"], "attack try is not there; it can be boundary, "),
        (["+size.dataset=try"], "dataset try is not there; it can be arrays, cifar10, "),
        (["experiment.table2.augment=try"], "augment try is not there; it can be degraded, gaussian, "),
    ],
)
def test_what_makes_no_sense_is_named(overrides: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        planned(*overrides)


@pytest.mark.parametrize("text", ["a b", "it's", "a,b=[c]", "back\\slash", "{x: 1}", "-"])
def test_any_path_survives_hydras_grammar(text: str) -> None:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        assert compose("train", [f"output={quoted(text)}"]).output == text
