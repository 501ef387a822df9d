"""The steps that reproduce experiments: which commands, with which words, in which order, without repeats."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from convstab.errors import InputError
from convstab.files import choices
from convstab.runs.directory import COMMANDS

UNKNOWN = 1.0  # minutes that a step is thought to take where its size does not say


@dataclass(frozen=True)
class Experiment:
    """What a result of the paper needs; a file of conf/experiment says what differs.

    dataset, augment: names in conf. models: that are trained, from the seeds 0, 1, ...; several make an ensemble.
    command: the last one, train, evaluate or attack. attacks: names in conf; None: those of the configuration.
    """

    dataset: str
    augment: str = "none"
    models: int = 1
    command: str = "evaluate"
    attacks: list[str] | None = None

    def __post_init__(self) -> None:
        if self.command not in COMMANDS or self.models < 1:
            raise InputError(
                f"command is {self.command!r} and models {self.models}; {', '.join(COMMANDS)}, and at least 1"
            )


@dataclass(frozen=True)
class Size:
    """How much of the paper's protocol: words that each command is given, for "all" of its steps and for some.

    What is said for a data set comes after what is said for all, then what is said for an attack, then for an attack on
    a data set, such as "gtsrb_paper"; the last word counts.

    dataset: in place of the experiments' own. models: of an ensemble, at most. minutes: of a step of one, whole ones.
    """

    dataset: str | None = None
    models: int | None = None
    train: dict[str, list[str]] = field(default_factory=dict)
    evaluate: dict[str, list[str]] = field(default_factory=dict)
    attack: dict[str, list[str]] = field(default_factory=dict)
    minutes: dict[str, dict[str, int]] = field(default_factory=dict)

    def words(self, command: str, *names: str) -> list[str]:
        """What a command is given for a data set, and an attack if it is one."""
        said: dict[str, list[str]] = getattr(self, command)
        keys = dict.fromkeys(["all", *names, "_".join(names)])  # one name: its own join, and said once
        return [word for key in keys for word in said.get(key, [])]

    def time(self, command: str, *names: str) -> float:
        """Minutes that a step of one model is thought to take, for a data set, and an attack if it is one."""
        known = self.minutes.get(command, {})
        return known.get("_".join(names), known.get(names[0], UNKNOWN))


@dataclass(frozen=True)
class Step:
    """One command: ``convstab-<command> <words> output=<output>/<name>``.

    words: what the result depends on. needs: names of the trainings that it reads. minutes: that it is thought to take.
    """

    name: str
    command: str
    words: list[str]
    needs: list[str]
    minutes: float

    def arguments(self, output: Path) -> list[str]:
        """The words of its command line, for results in a folder."""
        runs = [quoted(output / need) for need in self.needs]
        run = [] if not runs else [f"run={runs[0]}" if len(runs) == 1 else f"run=[{','.join(runs)}]"]
        return [*run, *self.words, f"output={quoted(output / self.name)}"]


def quoted(value: object) -> str:
    """A value as a string of Hydra's grammar; one that ends in a backslash or holds ``${`` cannot be said there."""
    text = str(value).replace("'", "\\'")
    return f"'{text}'"


def planned(config: Mapping[str, Any]) -> list[Step]:
    """The steps of the chosen experiments; InputError when something that is chosen is not there or makes no sense.

    config: the values of conf/reproduce.yaml.
    """
    experiments = {
        name: checked(Experiment, values, f"experiment.{name}") for name, values in config["experiment"].items()
    }
    attacks = [config["attacks"]] if isinstance(config["attacks"], str) else list(config["attacks"])
    size = checked(Size, config["size"], "size")
    for experiment in experiments.values():
        need_choice("dataset", size.dataset or experiment.dataset)
        need_choice("augment", experiment.augment)
        for attack in experiment.attacks or attacks:
            need_choice("attack", attack)
    return steps_of(experiments, size, attacks)


def need_choice(group: str, name: str) -> None:
    """Raise InputError when a group of conf has no such choice: now, not after hours of training."""
    names = choices(group)
    if name not in names:
        raise InputError(f"{group} {name} is not there; it can be {', '.join(sorted(names))}")


def checked(kind: type, values: Any, where: str) -> Any:
    """An Experiment or Size from its configuration, with the types that it declares; InputError for anything else."""
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), values))
    except (OmegaConfBaseException, ValueError) as error:  # the latter where there are no keys at all
        raise InputError(f"{where}: {str(error).splitlines()[0]}") from error


def steps_of(experiments: Mapping[str, Experiment], size: Size, attacks: Sequence[str]) -> list[Step]:
    """The steps of all experiments, each once: trainings, then evaluations, then attacks.

    attacks: of experiments that say none.
    """
    found = [step for experiment in experiments.values() for step in steps_of_one(experiment, size, attacks)]
    once = {step.name: step for step in found}
    return sorted(once.values(), key=lambda step: COMMANDS.index(step.command))


def steps_of_one(experiment: Experiment, size: Size, attacks: Sequence[str]) -> Iterator[Step]:
    """The steps of one experiment."""
    dataset, augment = size.dataset or experiment.dataset, experiment.augment
    models, model = min(experiment.models, size.models or experiment.models), f"{dataset}_{augment}"
    trained = [f"train/{model}_{seed}" for seed in range(models)]
    for seed, name in enumerate(trained):
        words = [f"dataset={dataset}", f"augment={augment}", f"seed={seed}", *size.words("train", dataset)]
        yield Step(name, "train", words, [], size.time("train", dataset))
    tried = model if models == 1 else f"{model}_x{models}"
    command = experiment.command
    if command == "evaluate":
        minutes = models * size.time(command, dataset)
        yield Step(f"evaluate/{tried}", command, size.words(command, dataset), trained, minutes)
    elif command == "attack":
        for attack in experiment.attacks or attacks:
            words = [f"attack={attack}", *size.words(command, dataset, attack)]
            minutes = models * size.time(command, dataset, attack)
            yield Step(f"attack/{tried}_{attack}", command, words, trained, minutes)
