"""Sweeps for agents of W&B: the same jobs as Hydra's own sweeper makes of the same words."""

import itertools

import pytest
import yaml
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

from convstab.commands.results.wandb import main
from convstab.errors import InputError
from convstab.loggers.agent import sweep_file

WORDS = ["dataset=mnist", "augment=gaussian", "augment.sigma=0,20,[0,40]", "seed=range(3)", "+logger.wandb.notes=a,b"]


def test_the_agents_are_given_the_jobs_of_hydra() -> None:
    sweep = yaml.safe_load(sweep_file("train", WORDS, "signs"))
    parsed = OverridesParser.create().parse_overrides(WORDS)
    hydra = [sorted(job) for (jobs) in BasicSweeper.split_arguments(parsed, None) for job in jobs]
    values = [[(key, one) for one in found["values"]] for key, found in sweep["parameters"].items()]
    jobs = []
    for chosen in itertools.product(*values):
        said = {key: {"value": value} for key, value in chosen}
        given = create_sweep_command_args({"args": said})["args_no_hyphens"]  # as the agent fills them in
        command = [word for part in sweep["command"] for word in (given if part == "${args_no_hyphens}" else [part])]
        assert command[0] == "convstab-train"
        jobs.append(sorted(word.replace(", ", ",") for word in command[1:]))
    assert sorted(jobs) == sorted(hydra)
    assert len(jobs) == 18
    assert (sweep["project"], sweep["method"]) == ("signs", "grid")


def test_null_and_true_reach_the_jobs_as_they_were_given() -> None:
    sweep = yaml.safe_load(
        sweep_file("train", ["dataset.images=null,500", "trainer.deterministic=true,false"], "signs")
    )
    values = {key: {"value": found["values"][0]} for key, found in sweep["parameters"].items()}
    given = create_sweep_command_args({"args": values})["args_no_hyphens"]
    assert sorted(map(str.lower, given)) == ["dataset.images=null", "trainer.deterministic=true"]


def test_a_word_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InputError, match="x y=1,2 cannot be read"):
        sweep_file("train", ["x y=1,2"], "signs")


def test_an_interval_is_searched_by_bayes() -> None:
    words = ["optimizer.lr=tag(log,interval(0.001,0.1))", "optimizer.momentum=interval(0,1)", "seed=1"]
    sweep = yaml.safe_load(sweep_file("train", words, "signs"))
    assert sweep["parameters"] == {
        "optimizer.lr": {"distribution": "log_uniform_values", "min": 0.001, "max": 0.1},
        "optimizer.momentum": {"distribution": "uniform", "min": 0, "max": 1},
    }
    assert sweep["method"] == "bayes"
    assert sweep["metric"] == {"name": "val/accuracy", "goal": "maximize"}
    assert sweep["command"][-1] == "seed=1"


def test_words_without_several_values_are_no_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="no word has several values"):
        sweep_file("train", ["seed=0"], "signs")
    with pytest.raises(SystemExit) as end:
        main(["sweep", "attack", "images=3"])
    assert (end.value.code, len(capsys.readouterr().err.splitlines())) == (2, 1)
    main(["--project", "mine", "sweep", "evaluate", "degradation=jpeg,gaussian"])
    said = yaml.safe_load(capsys.readouterr().out)
    assert (said["project"], said["parameters"]) == ("mine", {"degradation": {"values": ["jpeg", "gaussian"]}})
