"""What is tried in evaluate and attack: a run, an own model in place of it, or either on the images of a data set."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_object

from convstab import models
from convstab.commands.mistakes import OF_TRAIN
from convstab.commands.trial import check_given, is_own, values_of
from convstab.data.images import DataSource
from convstab.errors import InputError
from convstab.files import choices
from convstab.models.ensemble import Ensemble
from convstab.models.own.kinds import KINDS
from convstab.models.own.load import load_model
from convstab.runs.configuration import images_name, is_below, load_config, value
from convstab.runs.own import on_other_images, own_run
from convstab.runs.run import Run, load_run, source_of

OF_TRAININGS = "model", "trainer", "optimizer"  # what a data set brings for trainings, and nothing here reads


def check(values: Mapping[str, Any]) -> None:
    """Raise InputError for words that name no model, or two, or a model without images."""
    said = words()
    refuse_words_of_train()
    model = values.get("model") or {}
    if values["match"] is not None and "load" not in values["dataset"]:
        raise InputError(
            f"match={values['match']} has no effect without dataset=: the images of a run have its classes"
        )
    if values["stage"] == "source" and "load" not in values["dataset"]:
        raise InputError("stage=source needs dataset=, with images that are larger than those that the model takes")
    if "model" in said and not is_own(model):
        known = ", ".join(KINDS)
        raise InputError(f"{said['model']} has no weights: give a run= that train has made, or a model= of {known}")
    if not is_own(model):
        return
    if "run" in said:
        raise InputError(f"{said['run']} and {said.get('model', 'model=')} are two models; give one of them")
    if "trust" in said:
        raise InputError(f"{said['trust']} is for a run=; model={model['kind']} is your own, and trusted")
    check_given(model)
    if "load" not in values["dataset"]:
        raise InputError(f"model={model['kind']} needs images: dataset= one of {', '.join(sorted(choices('dataset')))}")


def words() -> dict[str, str]:
    """What the command was told, by the keys."""
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    return {word.lstrip("+~").partition("=")[0]: word for word in overrides}


def refuse_words_of_train() -> None:
    """Raise InputError for a word that only a training reads."""
    for key, word in words().items():
        if is_below(key, OF_TRAIN):
            raise InputError(f"{word} belongs to train; what was trained is evaluated and attacked as it is")


def tidy(values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what nothing here reads: recipes of trainings, and the run where there is none."""
    own = is_own(values.get("model"))
    kept = {name: value for name, value in values.items() if name not in OF_TRAININGS or (name == "model" and own)}
    return kept | ({"run": None} if own else {})


def run_of(
    values: Mapping[str, Any],
    members: Sequence[str],
    name: str,
    images: int | Sequence[int] | None,
    device: torch.device,
) -> Run:
    """The model and the images that the configuration names.

    members: the runs, where there is no own model. name: of them together, see ``load_run``.
    """
    dataset, match, stage, trust = values["dataset"], values["match"], values["stage"], values["trust"] or ()
    if is_own(values.get("model")):
        own = own_model_of(values["model"])
        return own_run(own, data_of(dataset), images_name(dataset), device, images, match, stage)
    if "load" not in dataset:
        run = load_run(members, values["runs"], values["rule"], dataset["root"], images, name, trust)
        say_what_is_not_needed(trust, run)
        say_root(dataset["root"], value(load_config(Path(members[0])), "dataset.load._target_"))
        return run
    run = load_run(members, values["runs"], values["rule"], None, None, name, trust)
    say_what_is_not_needed(trust, run)
    return on_other_images(run, data_of(dataset), images_name(dataset), images, match, stage)


def say_what_is_not_needed(trust: str | Sequence[str], run: Run) -> None:
    """Print a line for each function that is trusted and makes none of the models, nor the images."""
    members = run.model.members if isinstance(run.model, Ensemble) else [run.model]
    called = [member.hparams.get("target") for member in members if isinstance(member, models.OwnClassifier)]
    called.append(str(run.training["dataset"]).removeprefix("python "))
    for target in [trust] if isinstance(trust, str) else trust:
        if target not in called:
            print(f"trust={target} has no effect: it makes no model of {run.name}, nor its images")


def own_model_of(options: Mapping[str, Any]) -> Any:
    """The model that the group ``model`` names; InputError that names the group."""
    given = {key: value for key, value in options.items() if key not in ("_target_", "kind") and value is not None}
    try:
        model = load_model(options["kind"], **given)
    except InputError as error:
        raise InputError(f"model={options['kind']}: {error}") from error
    if options["kind"] == "python" and "weights" not in given:
        print(f"model.weights is not given: the weights are those that {options['target']} leaves")
    return model


def data_of(dataset: Mapping[str, Any]) -> DataSource:
    """The data set that the group ``dataset`` names."""
    with values_of("dataset"):
        data = source_of(dataset)
    say_root(dataset["root"], dataset["load"]["_target_"])
    return data


def say_root(root: Any, target: str) -> None:
    """Print a line where a folder is given to a data set that is read from none. target: the function that loads it."""
    if root is not None and "root" in with_default(get_object(target)):
        what = f"{target.split('.')[-2]} ships with a library and is read from no folder"
        print(f"dataset.root={root} has no effect: {what}; your own images are dataset=folder")


def with_default(function: Callable[..., Any]) -> set[str]:
    """The parameters of a function that need not be given."""
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name for parameter in parameters if parameter.default is not parameter.empty}
