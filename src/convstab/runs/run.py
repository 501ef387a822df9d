"""What ``run=`` names: a classifier, or several as one, and the test set that it was made for."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import Tensor, nn

from convstab.attacks.verification import TOGETHER, as_input, classify
from convstab.data.images import DataSource
from convstab.errors import InputError
from convstab.files.digests import digest
from convstab.images import Images
from convstab.models.ensemble import Ensemble
from convstab.runs import checkpoints, configuration, directory
from convstab.runs.configuration import Config, value
from convstab.runs.provenance import arithmetic, merged, training_of
from convstab.validation import Rule

if TYPE_CHECKING:
    from convstab.models import Classifier

OWN_DATA = (  # what decides which test images data of one's own has
    *("path", "test_share", "resize", "group", "on_bad", "target", "options"),
    *("name", "subset", "image", "label", "train_split", "test_split"),
)
A_FOLDER = "convstab.data.own.folder.load"  # whose dataset.root is not a place that data is found in, but the data


@dataclass(frozen=True)
class Run:
    """A model and the test images that are tried on it.

    model: on the CPU, in evaluation mode. test: the images, with their classes; their ids are places in the test set,
        or those that data of one's own has, whatever the place.
    name: of the run directory, or of the sweep, or of all, joined by "+".
    training: where the model comes from, see ``provenance.merged``.
    source: of an own model, what it depends on beside the images, see ``Own``; or of a run's model on other images.
        None: the model is that of a run, on its own images.
    """

    model: nn.Module
    test: Images
    name: str
    training: dict[str, Any]
    source: Mapping[str, Any] | None = None

    def fingerprint(self, device: torch.device) -> dict[str, str]:
        """Architecture, digests of the weights and of the images, and what computes on this device."""
        if self.source is None:
            model = {"architecture": architecture(self.model), "weights": digest(self.model.state_dict())}
        else:
            source = {"weights": digest(self.model.state_dict())} | dict(self.source)  # an own one has said its weights
            weights, names = source.pop("weights"), [source.pop("classes", []), list(self.test.classes)]
            source["names"] = sha256(json.dumps(names).encode()).hexdigest()[:16]  # of 1,000 classes they are long
            model = {"architecture": json.dumps(source, sort_keys=True, default=str), "weights": weights}
        return model | {"data": digest_of(self.test)} | arithmetic(device)

    def part(self, rows: slice) -> "Run":
        """With some of the images."""
        return replace(self, test=self.test.part(rows))


def digest_of(images: Images) -> str:
    """What tells images apart, with their labels and ids."""
    return digest({"pixels": images.pixels, "labels": images.labels, "index": images.ids})


def architecture(classifier: nn.Module) -> str:
    """The class of a classifier, or of each member, with its hyper-parameters but for the class names.

    For example "CifarQuick(pool='max', shape=[3, 32, 32])": weights of one fit the other pool as well.
    """
    if isinstance(classifier, Ensemble):
        return " + ".join(map(architecture, classifier.members))
    hparams = getattr(classifier, "hparams", {})  # of each Classifier
    values = (f"{name}={value!r}" for name, value in sorted(hparams.items()) if name != "classes")
    return f"{type(classifier).__qualname__}({', '.join(values)})"


def load_run(
    run: str | Path | Sequence[str | Path],
    where: str = "runs",
    rule: Rule = "probabilities",
    root: str | None = None,
    images: int | Sequence[int] | None = None,
    name: str = "",
    trust: str | Sequence[str] = (),
) -> Run:
    """Load the run, or the runs of an ensemble, and their test set.

    run: a directory of train, or "latest": the newest below ``where``; or several: an ensemble by this ``rule``.
    root: the folder of the data; None: where the training found it.
    images: at most this many, evenly spaced; or their places in the test set, from 0; None: all.
    name: of what is loaded; empty: the names of the runs.
    trust: the function of your own that makes the model, "mypkg.nets:build", or the images, or several. A run of
        ``model=python`` or ``dataset=python`` says one, and options, with which loading it calls that function: where
        it is named here, and not else.
    Raises InputError when a run is not there or damaged, when one is named twice, when runs are of different data sets,
    or when one is made by a function that is not named.
    """
    names = [run] if isinstance(run, str | Path) else run
    trusted = [trust] if isinstance(trust, str) else list(trust)
    if not isinstance(names, list | tuple) or not all(isinstance(one, str | Path) for one in names):
        raise InputError(f"run is {run}; it must be a run directory, latest, or a list of run directories")
    if not names:
        raise InputError("run is an empty list; it must name at least one run directory")
    if rule not in get_args(Rule):
        raise InputError(f"rule is {rule}; it can be {', '.join(get_args(Rule))}")
    folders = [directory.find_run(str(one), where) for one in names]
    times = Counter(folder.resolve() for folder in folders)
    if twice := [folder for folder in folders if times[folder.resolve()] > 1]:
        raise InputError(f"{twice[0]} is named twice; the runs of an ensemble must be different ones")
    configs = [configuration.load_config(folder) for folder in folders]
    for folder, config in zip(folders, configs, strict=True):
        configuration.check_run(config, folder)
        if directory.finished(folder):
            directory.check_files(folder)
        if data_of(config) != data_of(configs[0]):
            raise InputError(f"{folders[0]} and {folder} were trained on different data sets and cannot be an ensemble")
    members = [checkpoints.load_classifier(folder, trust=trusted) for folder in folders]
    configuration.check_trusted(configs[0]["dataset"], trusted)
    test = test_images(configs[0], root, members[0])
    return Run(
        model=members[0] if len(members) == 1 else Ensemble(members, rule).eval(),
        test=test.part(chosen(images, len(test))),
        name=name or "+".join(folder.name for folder in folders),
        training=merged(
            [training_of(config, directory.metrics(folder)) for config, folder in zip(configs, folders, strict=True)]
        ),
    )


def chosen(images: int | Sequence[int] | None, count: int) -> Tensor:
    """Places in a test set of ``count`` images, int64, ascending: so many evenly spaced ones, those listed, or all.

    Raises InputError for a place that is not there, or a number below 1.
    """
    if isinstance(images, list | tuple | range | np.ndarray):
        images = [int(place) if isinstance(place, np.integer) else place for place in images]
        wrong = [place for place in images if type(place) is not int or not 0 <= place < count]
        if wrong or not images:
            said = f"images={list(images)}: {wrong[0] if wrong else 'nothing'}"
            raise InputError(f"{said} is not a place in the test set; its {count} images are 0 to {count - 1}")
        return torch.tensor(sorted(set(images)))
    return torch.linspace(0, count - 1, min(checked_count(images) or count, count)).round().long()


def checked_count(images: Any) -> int | None:
    """A number of images, or None; InputError for anything else."""
    if images is not None and (type(images) is not int or images < 1):
        raise InputError(f"images is {images}; it must be at least 1, a list of places, or null for all")
    return images


def first_correct(run: Run, count: int, device: torch.device) -> Run:
    """The images up to the ``count``-th one that is classified correctly; all when there are fewer."""
    checked_count(count)
    run.model.to(device)
    correct = 0
    for start in range(0, len(run.test), TOGETHER):
        rows = slice(start, start + TOGETHER)
        pixels = run.test.pixels[rows].to(device)
        places = (classify(run.model, as_input(pixels.float())).argmax(1).cpu() == run.test.labels[rows]).nonzero()
        if correct + len(places) >= count:
            return run.part(slice(0, start + int(places[count - correct - 1]) + 1))
        correct += len(places)
    return run


def data_of(config: Config) -> tuple[Any, ...]:
    """What decides which test set a run was tested on."""
    names = "load._target_", "images", *(f"load.{name}" for name in OWN_DATA)
    found = tuple(value(config, f"dataset.{name}") for name in names)
    return (*found, value(config, "dataset.root")) if found[0] == A_FOLDER else found


def source_of(dataset: Mapping[str, Any], **options: Any) -> DataSource:
    """Where a configuration of a data set finds its images, without what serves them to a training."""
    given = {name: dataset[name] for name in ("load", "root", "images") if name in dataset} | options
    source: DataSource = instantiate(
        {"_target_": f"{DataSource.__module__}.{DataSource.__name__}"} | given, _convert_="all"
    )
    return source


def test_images(config: Config, root: str | None, classifier: "Classifier") -> Images:
    """The test set of a run; InputError when it is not one that its classifier can take."""
    options = {} if root is None else {"root": root}
    try:
        data = source_of(configuration.fetching_nothing(config["dataset"]), **options)
    except InstantiationException as error:
        if isinstance(error.__cause__, TypeError):  # a value that the data set does not know
            raise InputError(f"the configuration of the run, dataset: {error.__cause__}") from error
        raise
    if data.shape != classifier.shape or list(data.images.classes) != classifier.classes:
        raise InputError(f"the data in {data.root} is not what the run was trained on: other classes or image size")
    test = data.images.test
    ids = test.ids if data.images.own_ids else torch.arange(len(test))
    return replace(test, classes=data.images.classes, ids=ids)
