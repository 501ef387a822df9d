"""What a user may type wrong: one line that names it, exit code 2, and nothing is left; and what is right is taken."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from convstab.commands import app, train
from convstab.commands.app import plain
from convstab.commands.attack import attack_of
from convstab.commands.kinds import KINDS, NEEDED, OPEN
from convstab.commands.values import check
from convstab.models.own.kinds import KINDS as OWN_KINDS
from convstab.paper.experiments import planned
from convstab.runs.configuration import nested
from convstab.sweeps.jobs import Outcome
from tests.support.fresh_process import ROOT, environment
from tests.support.in_process import call

Word = str | list[str]
DRAWS = "a whole number, at least 1, or a list of one for each level, or auto, or null"

OF_ALL: list[tuple[Word, str]] = [  # of train, evaluate and attack
    ("skip_done=abc", "skip_done is abc; it must be true or false"),
    ("skip_done=yes", "skip_done is yes; it must be true or false"),
    ("threads=true", "threads is true; it must be a whole number, at least 1, or null"),
    ("threads=0", "threads is 0; it must be a whole number, at least 1, or null"),
    ("runs=5", "runs is 5; it must be a folder"),
    ("runs=", "runs is ''; it must be a folder"),
    ("output=5", "output is 5; it must be a folder"),
    ("dataset.root=5", "dataset.root is 5; it must be a folder, or null"),
    ("logger=5", "logger=5 is not there; it can be csv, mlflow, none, tensorboard, trackio, wandb"),
    ("logger=[csv,foo]", "logger=foo is not there; it can be csv, mlflow, none, tensorboard, trackio, wandb"),
    (["logger=wandb", "logger.wandb.mode=x"], "logger.wandb.mode is x; it must be auto or online or offline"),
    ("~seed", "seed is needed; it must be a whole number"),
    ("seed=null", "seed is null; it must be a whole number"),
    ("seed=1e3", "seed is 1000.0; it must be a whole number"),
    ("seed=abc", "seed is abc; it must be a whole number"),
    ("~runs", "runs"),
    ("~threads", "threads is needed and cannot be left out"),
    ("output=${foo}", "Interpolation key 'foo' not found"),
    ("runs=${oc.env:NOPE}", "Environment variable 'NOPE' not found"),
    ("runs='${'", "runs='${': no viable alternative"),
    ("seed='${'", "seed='${': no viable alternative"),
    ("seed=[", "seed=[ cannot be read"),
    ("modle=lenet", "there is no key modle; "),
    ("+lr=0.1", "there is no key lr; "),
    ("sede=1", "there is no key sede; did you mean seed?"),
    ("+sede=1", "there is no key sede; did you mean seed?"),
    ("~sede", "there is no key sede; did you mean seed?"),
    ("seed.foo=1", "seed.foo"),
    ("+seed=1", "An item is already at 'seed'"),
    (["--seed", "3"], "--seed is not KEY=VALUE; did you mean seed=3?"),
    ("--seed=3", "--seed=3 is not KEY=VALUE; did you mean seed=3?"),
    (["seed", "3"], "seed is not KEY=VALUE; did you mean seed=3?"),
    ("seed:3", "seed:3 is not KEY=VALUE; did you mean seed=3?"),
    ("seed = 3", "seed = 3 cannot be read: LexerNoViableAltException: seed = 3; KEY=VALUE has no spaces around ="),
    ("=3", "=3 has no key; options are KEY=VALUE"),
    ("--colour", "--colour is not KEY=VALUE; --help lists them"),
    (["--cfg", "jb"], "invalid choice: 'jb'"),
    ("--cfg", "argument --cfg/-c: expected one argument; options are KEY=VALUE"),
]
OF_BOTH: list[tuple[Word, str]] = [  # of evaluate and attack
    ("run=5", "run is 5; it must be a run directory, latest, or a list of them"),
    ("run=[1,2]", "run is [1, 2]; it must be a run directory, latest, or a list of them"),
    ("run=[]", "run is []; it must be a run directory, latest, or a list of them"),
    ("run=nowhere", "run=nowhere does not exist"),
    ("nets.py", "nets.py is not KEY=VALUE; --help lists them"),
    ("match=names", "match=names has no effect without dataset="),
    ("images=[0,0]", "images is [0, 0]; it must be a whole number, at least 1, or a list of places, each once"),
    ("sweep=runs", "of is needed; it must be a folder"),
    (["sweep=runs", "of=nowhere"], "convstab: nowhere is not the folder of a sweep"),
    ("dataset.load.size=64", "dataset.load.size is there with dataset=folder or dataset=gtsrb or dataset=hf"),
    ("augment=noisy", "there is no key augment; --cfg job shows those there are (augment is a key of train)"),
    ("rule=foo", "rule is foo; it must be probabilities or logits or vote"),
    ("images=abc", "images is abc; it must be a whole number, at least 1, or a list of places"),
    ("images=[a]", "images is [a]; it must be a whole number, at least 1, or a list of places"),
    ("images=[-1]", "images is [-1]; it must be a whole number, at least 1, or a list of places"),
    ("images=0", "images is 0; it must be a whole number, at least 1, or a list of places"),
    ("slice=0", "slice is 0; it must be a whole number, at least 1"),
    ("shard=5", "shard is 5; it must be i/n with 1 <= i <= n"),
    ("shard=3/2", "shard is 3/2; it must be i/n with 1 <= i <= n"),
    ("device=foo", "device is foo; it can be cpu"),
    ("device=5", "device is 5; it must be cpu"),
    ("compare=x", "compare is x; it must be a list of folders"),
    ("seed=9223372036854775808", "seed is 9223372036854775808; it must be a whole number of 64 bits"),
    ("dataset=imagenet", "dataset=imagenet is not there; it can be arrays, cifar10, digits, folder, gtsrb, hf, mnist"),
    ("+dataset=mnist", "Multiple values for dataset"),
    ("model=lenet", "model=lenet has no weights: give a run= that train has made, or a model= of python"),
    (["model=python", "dataset=digits"], "model.target is needed; it must be package.module:function, such as"),
    (
        ["model=python", "model.target=a:b"],
        "model=python needs images: dataset= one of arrays, cifar10, digits, folder, gtsrb, hf, mnist",
    ),
    (["model=python", "model.target=a:b", "dataset=digits", "run=x"], "run=x and model=python are two models"),
    (["model=python", "model.target=nowhere:b", "dataset=digits"], "model=python: target=nowhere:b: nowhere cannot be"),
    (["model=python", "model.mean=x"], "model.mean is x; it must be a number, or a number for each channel, or none"),
    (["model=python", "model.size=0"], "model.size is 0; it must be a whole number, at least 1, or [height, width]"),
    (["model=python", "model.target=a:b", "dataset=digits", "+model.colour=1"], "a python model takes no colour"),
    ("expect_clean=76", "expect_clean is 76; it must be a number in [0, 1], or null"),
    ("match=x", "match is x; it must be names or order, or null"),
    ("trust=5", "trust is 5; it must be a text, or a list of functions, such as [mypkg.nets:build], or null"),
    ("trust=[]", "trust is []; it must be a text, or a list of functions"),
    (["model=python", "model.target=a:b", "dataset=digits", "trust=a:b"], "trust=a:b is for a run=; model=python is"),
    ("trainer.max_epochs=3", "there is no key trainer.max_epochs; --cfg job shows those there are"),
    *(
        ([word, "dataset=digits"], f"{word} belongs to train; what was trained is evaluated and attacked as it is")
        for word in ("trainer.max_epochs=3", "optimizer.lr=0.5", "dataset.batch_size=8", "dataset.validation=0.2")
    ),
]
OF_ONE: dict[str, list[tuple[Word, str]]] = {
    "evaluate": [
        *((f"clip={word}", f"clip is {word}; it must be true or false") for word in ("no", "off", "abc", "0")),
        ("rounding=off", "rounding is off; it must be true or false"),
        ("rounding=2", "rounding is 2; it must be true or false"),
        ("score=foo", "score is foo; it must be predicted or label"),
        ("precision=foo", "precision is foo; it must be auto or float32 or bfloat16"),
        ("levels=[abc]", "levels is [abc]; it must be a list of levels"),
        ("levels=10", "levels is 10; it must be a list of levels"),
        ("levels=[[1]]", "levels is [[1]]; it must be a list of levels"),
        ("levels=[true]", "levels is [true]; it must be a list of levels"),
        ("levels=[-1]", "a level of gaussian is -1; it must be a number (grey levels), at least 0; 0 changes nothing"),
        ("levels=[nan]", "levels is [nan]; it must be a list of levels"),
        ("levels=[]", "levels is []; it must be a list of levels"),
        ("levels=[1,1]", "levels is [1, 1]; it must name each level once"),
        ("draws=1.5", f"draws is 1.5; it must be {DRAWS}"),
        ("draws=ten", f"draws is ten; it must be {DRAWS}"),
        ("draws=0", f"draws is 0; it must be {DRAWS}"),
        ("draws=[2,0]", f"draws is [2, 0]; it must be {DRAWS}"),
        ("within=0", "within is 0; it must be a number of points above 0 and below 50, or null"),
        ("confusion_level=abc", "confusion_level is abc; it must be a number, or null"),
        ("batch_size=0", "batch_size is 0; it must be a whole number"),
        ("workers=a", "workers is a; it must be a whole number"),
        ("level=[1]", "there is no key level; did you mean levels?"),
        ("sigmas=[10,20]", "there is no key sigmas; did you mean levels?"),
        ("noise=jpeg", "there is no key noise; did you mean degradation?"),
        ("attack=ddn", "there is no key attack; --cfg job shows those there are (attack is a key of attack)"),
        ("levels=8,20", "Ambiguous value for argument 'levels=8,20': -m makes a job of each, levels=[8,20] is a list"),
        ("degradation=gausian", "did you mean gaussian?"),
        (["degradation=jpeg", "degradation.sigma=1"], "there is no key degradation.sigma; degradation has name, subs"),
        ("degradation=[jpeg,sensor]", "degradation=[jpeg,sensor] is several; it must be one: degradation=chain "),
    ],
    "attack": [
        (
            "degradation=jpeg",
            "there is no key degradation; --cfg job shows those there are (degradation is a key",
        ),
        ("attack.steps=3", "there is no key attack.steps as it is; attack.steps is there with attack=boundary or "),
        ("attack=DDN", "did you mean ddn?"),
        ("max_queries=abc", "max_queries is abc; it must be a whole number, at least 1, or null"),
        ("max_queries=-1", "max_queries is -1; it must be a whole number, at least 1, or null"),
        ("attack=null", "attack=null is not there; it can be boundary, "),
        ("~attack", "attack is needed; it must be one of boundary, "),
        ("attack=5", "attack=5 is not there; it can be boundary, "),
        ("attack=unknown", "attack=unknown is not there; it can be boundary, "),
        (["attack=ddn", "attack.steps=abc"], "attack.steps is abc; it must be a whole number, at least 1"),
        (["attack=ddn", "attack.steps=-1"], "attack.steps is -1; it must be a whole number, at least 1"),
        ("+attack.colour=1", "attack: "),
        ("attack.populatoin=3", "there is no key attack.populatoin; did you mean attack.population?"),
        ("~attack._target_", "attack._target_ is needed"),
        ("attack._target_=foo.Bar", "attack: "),
        ("attack._target_=builtins.dict", "attack._target_ is builtins.dict; it must be an attack"),
    ],
    "train": [
        ("seed=-1", "seed is -1; it must be a whole number from 0 to 4294967295"),
        ("seed=true", "seed is true; it must be a whole number from 0 to 4294967295"),
        ("ckpt=5", "ckpt is 5; it must be last, or the path of a checkpoint"),
        ("ckpt=nowhere.ckpt", "ckpt=nowhere.ckpt is not a file"),
        ("output=null", "output is null; it must be a folder"),
        ("optimizer.lr=-1", "optimizer.lr is -1; it must be a number, at least 0"),
        ("optimizer.lr=abc", "optimizer.lr is abc; it must be a number, at least 0"),
        ("optimizer.momentum=foo", "optimizer.momentum is foo; it must be a number, at least 0"),
        ("optimizer.momentum=0", "optimizer: Nesterov momentum requires"),
        (["optimizer=adamw", "+optimizer.betas=3"], "optimizer: "),
        ("+optimizer.colour=1", "optimizer: "),
        ("~optimizer", "optimizer._target_ is needed"),
        *(
            (f"trainer.max_epochs={word}", f"trainer.max_epochs is {word}; it must be a whole number, at least 1")
            for word in ("abc", "0", "-1", "1.5")
        ),
        ("~trainer.max_epochs", "trainer.max_epochs is needed; it must be a whole number, at least 1"),
        ("trainer.devices=foo", "trainer.devices is foo; it must be a number of devices, at least 1"),
        ("trainer.devices=0", "trainer.devices is 0; it must be a number of devices, at least 1"),
        ("trainer.accelerator=abacus", "trainer: "),
        ("trainer.strategy=foo", "trainer: "),
        ("trainer.precision=64-true", "trainer.precision is 64-true; it must be 32-true, bf16-mixed or 16-mixed"),
        ("trainer.precision=[32]", "trainer.precision is [32]; it must be 32-true, bf16-mixed or 16-mixed"),
        ("trainer.deterministic=foo", "trainer.deterministic is foo; it must be true or false, or warn"),
        ("+trainer.colour=1", "trainer: "),
        ("dataset.batch_size=0", "dataset.batch_size is 0; it must be a whole number, at least 1"),
        ("dataset.batch_size=abc", "dataset.batch_size is abc; it must be a whole number, at least 1"),
        ("dataset.batch_size=-3", "dataset.batch_size is -3; it must be a whole number, at least 1"),
        ("dataset.validation=2", "dataset.validation is 2; it must be a share of the training images"),
        ("dataset.images=1", "dataset.images is 1; it must be a whole number, at least 2, or null"),
        ("+dataset.colour=1", "dataset: "),
        ("+dataset.load.colour=1", "dataset: "),
        (["dataset=gtsrb", "dataset.load.size=abc"], "dataset.load.size is abc; it must be a whole number"),
        (
            "dataset=imagenet",
            "dataset=imagenet is not there; it can be arrays, cifar10, digits, folder, gtsrb, hf, mnist, python, table",
        ),
        (
            "dataset=images",
            "dataset=images is not there; it can be arrays, cifar10, digits, folder, gtsrb, hf, mnist, python, table",
        ),
        ("dataset=hf", "dataset.load.name is null; it must be a folder, or an id of the hub"),
        (
            ["dataset=hf", "dataset.load.name=x", "dataset.load.download=a"],
            "dataset.load.download is a; it must be true or false",
        ),
        (["dataset=python", "dataset.load.target=5"], "dataset.load.target is 5; it must be package.module:function"),
        (
            "dataset=python",
            "dataset.load.target is null; it must be package.module:function, such as mypkg.data:images",
        ),
        ("~dataset", "is needed"),
        ("model=foo", "model=foo is not there; it can be aghdam, cifar_quick, "),
        *(
            (
                [f"model={kind}", "model.path=net"],
                f"model is {kind}; it must be aghdam or cifar_quick or hf or lenet or python or timm or torchvision",
            )
            for kind in ("onnx", "export")
        ),
        ("model=python", "model.target is needed; it must be package.module:function, such as"),
        ("model=timm", "model.name is needed; it must be a name, such as resnet18"),
        (["model=python", "model.target=nowhere:b"], "model=python: target=nowhere:b: nowhere cannot be imported"),
        (["model=python", "model.target=a:b", "model.mean=x"], "model.mean is x; it must be a number"),
        ("model=null", "model=null is not there; it can be aghdam, cifar_quick, "),
        (["model=aghdam", "model.dropout=abc"], "model.dropout is abc; it must be a number in [0, 1]"),
        (["model=aghdam", "model.slope=abc"], "model.slope is abc; it must be a number"),
        (["model=cifar_quick", "model.pool=abc"], "model.pool is abc; it must be max or caffe"),
        ("+model.colour=1", "model: LeNet takes no colour"),
        ("model._target_=foo.Bar", "model: "),
        (["augment=gaussian", "augment.sigma=abc"], "augment.sigma is abc; it must be a number of grey levels"),
        (["augment=gaussian", "augment.sigma=-1"], "augment.sigma is -1; it must be a number of grey levels"),
        (["augment=gaussian", "augment.sigma=[40,0]"], "augment.sigma is [40, 0]; it must be a number of grey levels"),
        (["augment=jitter", "augment.hue=1"], "augment.hue is 1; it must be a number in [0, 0.5]"),
        (["augment=jitter_noisy", "augment.noisy.copies=x"], "augment.noisy.copies is x; it must be a whole number"),
        (["augment=degraded", "augment.degradations=jpeg"], "augment.degradations is jpeg; it must be a list of fam"),
        (["augment=degraded", "augment.degradations=[fog]"], "degradation is fog; it can be brightness"),
        (["augment=degraded", "augment.degradations=[saturation]"], "saturation needs RGB images"),
        ("+augment.colour=1", "augment: "),
        ("schedule.warmup=2", "schedule.warmup is 2; it must be a number above 0 and below 1"),
        ("schedule.warmup=abc", "schedule.warmup is abc; it must be a number above 0 and below 1"),
        (["schedule=inverse", "schedule.gamma=x"], "schedule.gamma is x; it must be a number, at least 0"),
        ("+schedule.colour=1", "schedule: "),
        ("callbacks.progress=5", "callbacks.progress is 5; it must be a callback"),
        ("callbacks.progress.refresh_rate=x", "callbacks.progress.refresh_rate is x; it must be a whole number"),
        ("callbacks.checkpoint.mode=up", "callbacks.checkpoint.mode is up; it must be max or min"),
        ("callbacks.checkpoint.monitor=up", "callbacks.checkpoint.monitor is up; it must be val/accuracy or val/loss"),
        ("+callbacks.checkpoint.colour=1", "callbacks.checkpoint: "),
        ("~callbacks.seed", "callbacks.seed is needed"),
        ("~logger", "logger is needed and cannot be left out; logger=none does without"),
        ("~callbacks", "callbacks is needed; it must be one of default"),
        ("lr=0.1", "there is no key lr; did you mean optimizer.lr?"),
        (["--lr", "0.1"], "--lr is not KEY=VALUE; did you mean optimizer.lr=0.1?"),
        ("mnist", "mnist is not KEY=VALUE; did you mean dataset=mnist?"),
        (["dataset", "=", "mnist"], "dataset is not KEY=VALUE; did you mean dataset=mnist?"),
        ("dataset=MNIST", "did you mean mnist?"),
        ("dataset=digits,mnist", "Ambiguous value for argument 'dataset=digits,mnist': -m makes a job of each"),
        ("augment.sigma=3", "augment.sigma is there with augment=gaussian"),
        ("sigma=3", "there is no key sigma as it is; augment.sigma is there with augment=gaussian"),
        ("model.dropout=0.5", "model.dropout is there with model=aghdam"),
        ("levels=[1]", "there is no key levels; --cfg job shows those there are (levels is a key of evaluate, draws)"),
        ("trainer.limit_train_batches=2", "+trainer.limit_train_batches= hands it over as it is"),
        ("epochs=3", "there is no key epochs; did you mean trainer.max_epochs?"),
        ("batch_size=3", "there is no key batch_size; did you mean dataset.batch_size?"),
        (["augment=gaussian", "sigma=3"], "there is no key sigma; did you mean augment.sigma?"),
        ("modle=lenet", "there is no key modle; did you mean model?"),
        ("dataset.bach_size=3", "there is no key dataset.bach_size; did you mean dataset.batch_size?"),
        ("optimizer=sdg", "optimizer=sdg is not there; it can be adamw, sgd"),
        ("hydra/launcher=foo", "hydra/launcher=foo is not there; it can be basic, joblib"),
        ("seed=1,2", "Ambiguous value for argument 'seed=1,2'"),
    ],
    "draws": [
        ([], "dataset is needed: whose test images; it can be arrays, cifar10, digits"),
        (["dataset=digits", "draws=0"], "draws is 0; it must be a whole number, at least 1"),
        (["dataset=digits", "degradation=fog"], "degradation=fog is not there; it can be brightness"),
        (["dataset=digits", "levels=[-1]"], "a level of gaussian is -1; it must be"),
        (["dataset=digits", "levels=[1e308]"], "a level of gaussian is 1e+308; it must be at most 1e+09 in size"),
        (["dataset=digits", "levels=[8]", "psnr=[30]"], "levels and psnr are both given"),
        (["dataset=digits", "images=[450]"], "images=[450]: 450 is not a place in the test set"),
        (["dataset=digits", "degradation=saturation"], "saturation needs RGB images"),
        (["dataset=folder", "dataset.root=nowhere"], "nowhere"),
        (["dataset=digits", "draw=3"], "there is no key draw; did you mean draws?"),
        (["dataset=digits", "model=lenet"], "model=lenet has no effect: the model is elsewhere"),
        (["dataset=digits", "trainer.max_epochs=3"], "trainer.max_epochs=3 belongs to train"),
    ],
    "predictions": [
        ([], "path is needed; it must be a CSV file"),
        ("path=a.csv", "draws is needed; it must be a folder"),
        (["path=a.csv", "draws=nowhere"], "draws=nowhere has no draws.json; it must be a folder that convstab-draws"),
        (["path=5", "draws=a"], "path is 5; it must be a CSV file"),
        (["path=a.csv", "draws=a", "slice=0"], "slice is 0; it must be a whole number, at least 1"),
        (["path=a.csv", "draws=a", "seed=3"], "there is no key seed"),
    ],
    "reproduce": [
        ("-m", "convstab-reproduce does its steps one after another and has no multirun: leave -m out"),
        ("table2", "table2 is not KEY=VALUE; did you mean experiment=table2?"),
        (
            "experiment=table4,table2",
            "Ambiguous value for argument 'experiment=table4,table2': experiment=[table4,table2] is a list",
        ),
        ("size=foo", "size=foo is not there; it can be full, laptop, smoke"),
        ("experiment=foo", "experiment=foo is not there; it can be figure1_cifar10, "),
        ("experiment=[foo]", "experiment=foo is not there; it can be figure1_cifar10, "),
        ("experiment=[]", "experiment is needed; it must be one of figure1_cifar10, "),
        ("attacks=[foo]", "attacks is [foo]; it must be boundary or "),
        ("attacks=foo", "attacks is foo; it must be boundary or "),
        ("attacks=[]", "attacks is []; it must be boundary or "),
        ("wandb=foo", "wandb is foo; it must be true or false"),
        ("threads=0", "threads is 0; it must be a whole number, at least 1, or null"),
        ("dataset.root=5", "dataset.root is 5; it must be a folder, or null"),
        ("output=5", "output is 5; it must be a folder"),
        ("~size", "size"),
        ("sizes=smoke", "there is no key sizes; did you mean size?"),
        ("+experiment.table2.colour=1", "experiment.table2: Key 'colour' not in 'Experiment'"),
        ("experiment.table2=5", "experiment.table2"),
        ("+size.colour=1", "size: Key 'colour' not in 'Size'"),
        (
            "experiment.table2.dataset=images",
            "dataset images is not there; it can be arrays, cifar10, digits, folder, gtsrb, hf, mnist, python, table",
        ),
    ],
}
ALL = [
    *((("train", "evaluate", "attack")[place % 3], *mistake) for place, mistake in enumerate(OF_ALL)),
    *((("evaluate", "attack")[place % 2], *mistake) for place, mistake in enumerate(OF_BOTH)),
    *((command, *mistake) for command, mistakes in OF_ONE.items() for mistake in mistakes),
]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no words of W&B's around."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "CONVSTAB_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("command", "word", "line"), ALL, ids=[f"{command} {word}" for command, word, _ in ALL])
def test_a_mistake_ends_in_one_line_and_leaves_nothing(
    command: str,
    word: Word,
    line: str,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = [word] if isinstance(word, str) else word
    code, error = call(monkeypatch, getattr(app, command), *words), capfd.readouterr().err
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith("convstab: "), error
    assert line in error
    assert not list(empty.iterdir())


@pytest.mark.parametrize(
    ("command", "words", "meant"),
    [
        ("evaluate", ["--model", "nets.py"], "model=python model.target=nets:build"),
        ("attack", ["model=nets.py"], "model=python model.target=nets:build"),
        ("evaluate", ["--model=net.onnx"], "model=onnx model.path=net.onnx"),
        ("train", ["--model", "net.pt"], "model=python model.target=nets:build model.weights=net.pt"),
        ("evaluate", ["--data", "signs"], "dataset=folder dataset.root=signs"),
        ("draws", ["--dataset=signs.csv"], "dataset=table dataset.load.path=signs.csv"),
        ("train", ["dataset=signs"], "dataset=folder dataset.root=signs"),
    ],
)
def test_a_file_of_a_model_or_a_folder_of_images_is_known(
    command: str,
    words: list[str],
    meant: str,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (empty / "signs").mkdir()
    code, error = call(monkeypatch, getattr(app, command), *words), capfd.readouterr().err
    assert (code, len(error.splitlines())) == (2, 1)
    assert error.endswith(f"did you mean {meant}?\n")


@pytest.mark.parametrize(
    ("command", "words", "line"),
    [
        ("train", ["optimizer.lr=-1"], "optimizer.lr is -1; it must be a number, at least 0"),
        pytest.param("train", ["lr=0.1"], "there is no key lr; did you mean optimizer.lr?", marks=pytest.mark.slow),
        pytest.param("evaluate", ["levels=10"], "levels is 10; it must be a list of levels", marks=pytest.mark.slow),
        ("attack", ["attack=foo"], "attack=foo is not there; it can be boundary, "),
        pytest.param(
            "evaluate",
            ["-m", "draws=ten", "seed=0,1"],
            f"draws is ten; it must be {DRAWS}",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_process_of_its_own_says_no_more(command: str, words: list[str], line: str, tmp_path: Path) -> None:
    program = [sys.executable, str(ROOT / f"{command}.py"), *words]
    done = subprocess.run(program, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stdout + done.stderr
    assert done.stderr.startswith(f"convstab: {line}")
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []  # caches of libraries


def composed(command: str, *words: str) -> DictConfig:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        return compose(command, [*words, *(["output=out"] if command in ("train", "reproduce") else [])])


GOOD: list[tuple[str, list[str]]] = [
    ("train", ["seed=7", "trainer.max_epochs=1", "trainer.devices=1", "skip_done=true", "threads=2", "ckpt=last"]),
    ("train", ["optimizer=adamw", "optimizer.lr=1e-3", "optimizer.weight_decay=0", "+optimizer.betas=[0.8,0.99]"]),
    ("train", ["optimizer.lr=0.5", "optimizer.momentum=0", "optimizer.nesterov=false", "schedule.warmup=0.5"]),
    ("train", ["schedule=inverse", "schedule.gamma=0", "schedule.power=1", "seed=4294967295", "logger=none"]),
    ("train", ["schedule=constant", "trainer.gradient_clip_val=1", "trainer.precision=bf16-mixed", "logger=csv"]),
    ("train", ["trainer.devices=auto", "trainer.precision=null", "trainer.accelerator=cpu"]),
    ("train", ["dataset=gtsrb", "dataset.load.size=32", "dataset.load.train=final", "dataset.validation=0"]),
    ("train", ["dataset=mnist", "dataset.root=data", "dataset.images=200", "dataset.batch_size=1", "runs=a"]),
    ("train", ["dataset=cifar10", "model.pool=caffe", "augment=jitter", "augment.hue=0", "augment.rotation=180"]),
    ("train", ["model=aghdam", "model.dropout=0", "model.slope=0.2", "augment=jitter_noisy", "augment.noisy.copies=0"]),
    ("train", ["augment=gaussian", "augment.sigma=[0,40]", "+trainer.max_steps=3", "~callbacks.progress"]),
    ("train", ["augment=gaussian", "augment.sigma=0", "callbacks.progress.refresh_rate=0", "logger=[csv,wandb]"]),
    ("train", ["augment=noisy", "augment.sigmas=[1,2]", "logger=wandb", "+logger.wandb.notes=mine", "threads=null"]),
    ("train", ["callbacks.learning_rate.logging_interval=step", "callbacks.checkpoint.monitor=val/loss"]),
    ("train", ["sweep=optuna", "+callbacks.mine={_target_: convstab.data.batches.SeedEveryEpoch, seed: 1}"]),
    ("evaluate", ["levels=[0.5,10]", "draws=3", "images=[0,5]", "seed=-7", "clip=false", "rounding=False", "slice=1"]),
    ("evaluate", ["levels=[0]", "draws=null", "images=null", "score=label", "rule=vote", "precision=bfloat16"]),
    ("evaluate", ["run=[a,b]", "compare=[c]", "shard=2/7", "device=cuda:1", "output=x", "workers=2", "batch_size=8"]),
    ("evaluate", ["sweep=runs", "of=runs/sweep/a", "confusion_level=8.5", "images=60", "dataset.root=data", "~logger"]),
    ("evaluate", ["model=python", "model.target=a:b", "model.mean=none", "dataset=digits", "expect_clean=0.7"]),
    ("evaluate", ["run=runs/m", "dataset=mnist", "match=names", "dataset.root=data", "expect_clean=0"]),
    ("attack", ["model=python", "model.target=a:b", "model.mean=[0.5]", "model.std=0.1", "model.size=[8,9]"]),
    ("attack", ["model=python", "model.target=a:b", "model.options={depth: 3}", "model.size=any", "model.classes=[a]"]),
    ("attack", ["attack=ddn", "attack.steps=5", "max_queries=null", "images=3", "seed=9223372036854775807"]),
    ("attack", ["attack=paper", "attack.engine=deap", "max_queries=1", "rule=logits", "images=[7]", "logger=none"]),
    ("attack", ["attack.scales=[1,60]", "attack.crossovers=[uniform]", "attack.damping=null", "attack.predict=false"]),
    ("predictions", ["path=a.csv", "draws=b", "name=camera", "compare=[c]", "confusion_level=8", "logger=none"]),
    ("draws", ["dataset=digits", "degradation=jpeg", "psnr=[30]", "draws=1", "images=[3]", "seed=-1", "output=x"]),
    ("reproduce", ["size=smoke", "experiment=[table2,table4]", "attacks=paper", "wandb=true", "threads=1"]),
    ("reproduce", ["attacks=[ddn,nes]", "+experiment.table2.models=3", "+size.models=1", "dataset.root=data"]),
]  # fmt: skip


@pytest.mark.parametrize(("command", "words"), GOOD, ids=[f"{command} {words[0]}" for command, words in GOOD])
def test_what_is_right_is_taken(command: str, words: list[str]) -> None:
    values = plain(composed(command, *words))
    check(command, values)
    more: dict[str, Callable[[dict[str, Any]], object]] = {
        "train": train.check,
        "attack": attack_of,
        "reproduce": planned,
    }
    if command in more:
        more[command](values)


@pytest.mark.parametrize("command", KINDS)
def test_every_key_of_a_command_has_a_kind(command: str) -> None:
    keys = {key for key, _ in nested(plain(composed(command)))}
    assert {key for key in keys if "." not in key} - {"logger"} <= NEEDED[command]
    assert NEEDED[command] <= keys & set(KINDS[command])
    bare = {key for key in keys if key.split(".")[0] not in OPEN[command]}
    assert bare <= set(KINDS[command])


@pytest.mark.parametrize("command", KINDS)
def test_every_kind_is_of_a_key(command: str) -> None:
    groups = {
        "augment": ["degraded", "gaussian", "jitter", "noisy", "jitter_noisy"],
        "dataset": ["gtsrb", "folder", "table", "arrays", "hf", "python"],
        "schedule": ["inverse"],
    }
    groups |= {"model": ["aghdam", "cifar_quick"]}
    chosen = [[f"{name}={choice}"] for name, choices in groups.items() for choice in choices]
    words = chosen if command == "train" else []
    own = [[f"model={kind}"] for kind in OWN_KINDS]
    words += own if command in ("train", "evaluate", "attack") else []
    words += [["logger=[mlflow,trackio]"]] if "logger" in KINDS[command] else []
    words += [["sweep=runs"]] if command in ("evaluate", "attack") else []
    there = {key for word in [["runs=runs"], *words] for key, _ in nested(plain(composed(command, *word)))}
    assert {key for key in KINDS[command] if not key.startswith("augment.")} - there <= {"of", "optimizer.amsgrad"}
    of_augment = {key.split(".")[-1] for key in KINDS[command] if key.startswith("augment.")} - {"_target_"}
    assert of_augment <= {key.split(".")[-1] for key in there}


def test_what_has_no_effect_is_said(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    short = ["trainer.max_epochs=1", "logger=none", "output=one", "dataset.images=5000", "dataset.root=photos"]
    assert call(monkeypatch, app.train, *short, "dataset.batch_size=2000") == 0
    said = capfd.readouterr().out
    assert "dataset.batch_size=2000: there are 1212 training images, and an epoch is one step" in said
    assert "your own images are dataset=folder" in said
    assert "dataset.root=photos has no effect: digits ships with a library" in said
    assert "dataset.images=5000: digits has 1347 training images, and all are taken" in said
    quick = ["run=one", "logger=none", "output=two", "draws=1", "levels=[8]"]
    threads = (os.cpu_count() or 1) + 1
    more = ["dataset.root=photos", "confusion_level=99", f"threads={threads}"]
    assert call(monkeypatch, app.evaluate, *quick, "images=10000", "rule=vote", *more) == 0
    said = capfd.readouterr().out
    assert "dataset.root=photos has no effect: digits ships" in said
    assert "confusion_level=99 is no level of this evaluation; the nearest, 8, is shown" in said
    assert f"threads={threads}: this machine has {os.cpu_count()} cores" in said
    assert "rule=vote has no effect: one is one model" in said
    assert "images=10000: the test set has 450, and all are taken" in said
    assert call(monkeypatch, app.evaluate, *quick, "output=three", "images=450") == 0
    assert call(monkeypatch, app.attack, *quick[:2], "output=four", "attack=ddn", "attack.steps=1", "images=3") == 0
    said = capfd.readouterr().out
    assert "no effect" not in said
    assert "all are taken" not in said
    copies = ["dataset=digits", "degradation=jpeg", "levels=[50]", "output=copies"]
    assert call(monkeypatch, app.draws, *copies, "draws=2", "images=5000") == 0
    said = capfd.readouterr().out
    assert "draws=2 has no effect: jpeg is the same in each draw, and one is taken" in said
    assert "images=5000: the test set has 450, and all are taken" in said


@pytest.mark.parametrize(("words", "jobs"), [([], 1), (["-m", "seed=0,1"], 2)])
def test_each_job_is_checked_once(words: list[str], jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []
    monkeypatch.setattr(train, "check", lambda values: checked.append(values["seed"]))
    monkeypatch.setattr(train, "main", lambda _: Outcome(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, app.train, *words, "logger=none") == 0
    assert checked == list(range(jobs))


OF_RESULTS: list[tuple[str, list[str], str]] = [  # commands about results
    ("report", [], "convstab-report: the following arguments are required: folder; --help says what it takes"),
    ("report", ["--titel", "x", "a"], "convstab-report: unrecognized arguments: --titel"),
    ("report", ["nowhere"], "nowhere does not exist; name folders that train, evaluate or attack wrote"),
    ("report", ["a", "--wandb", "yes"], "argument --wandb: invalid choice: 'yes'"),
    ("ledger", ["nowhere"], "nowhere does not hold a finished evaluation or attack"),
    ("ledger", ["a", "--alpha", "x"], "argument --alpha: invalid float value: 'x'"),
    ("require", ["r.yaml"], "convstab-require: the following arguments are required: folder"),
    ("require", ["nowhere.yaml", "a"], "nowhere.yaml is not a file; it must be a YAML file"),
    ("figures", [], "convstab-figures: the following arguments are required: folder"),
    ("figures", ["nowhere"], "nowhere does not hold a finished evaluation or attack"),
    ("figures", ["a", "--level", "x"], "argument --level: invalid float value: 'x'"),
    ("publish", ["nowhere"], "nowhere holds no finished result of train, evaluate or attack"),
    ("publish", ["a", "--mode", "foo"], "argument --mode: invalid choice: 'foo'"),
]


@pytest.mark.parametrize(("command", "words", "line"), OF_RESULTS, ids=[f"{row[0]} {row[1]}" for row in OF_RESULTS])
def test_so_does_one_of_a_command_about_results(
    command: str, words: list[str], line: str, empty: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        import_module(f"convstab.commands.results.{command}").main(words)
    said, error = capfd.readouterr()
    assert (end.value.code, said, len(error.splitlines())) == (2, "", 1), error
    assert error.startswith("convstab: ")
    assert line in error
    assert not list(empty.iterdir())


def test_a_folder_of_another_kind_is_refused(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder, inside in (("training", "checkpoints"), ("evaluation", "parts")):
        (empty / folder / inside).mkdir(parents=True)
        assert call(monkeypatch, app.draws, "dataset=digits", f"output={folder}") == 2
        assert f"{folder} holds a" in capfd.readouterr().err
        assert [path.name for path in (empty / folder).iterdir()] == [inside]
