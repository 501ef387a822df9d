"""Run directories: what they refuse, and that nothing unsafe is loaded from them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from convstab.errors import InputError
from convstab.files import BEST, CONFIG, LAST, METRICS, write_json
from convstab.models import LeNet
from convstab.runs import checkpoints, configuration, directory
from convstab.runs.checkpoint_io import AtomicCheckpointIO
from convstab.runs.run import load_run
from tests.support import training_examples

LOAD = {"_target_": "convstab.data.digits.load", "_partial_": True}
DATASET = {"_target_": "convstab.data.module.ImageData", "load": LOAD, "root": "a", "batch_size": 32, "images": 20}
VALUES = {
    "seed": 0,
    "dataset": DATASET,
    "augment": {"_target_": "convstab.data.augment.Chain"},
    "ckpt": None,
    "output": "x",
    "model": {"_target_": "convstab.models.LeNet"},
}
DIGITS = [str(digit) for digit in range(10)]


def config(**changes: Any) -> dict[str, Any]:
    return VALUES | changes


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory of a LeNet."""
    folder = tmp_path / "run"
    assert directory.open_for_training(folder, config()) is None
    (folder / "checkpoints").mkdir()
    model = LeNet([1, 28, 28], DIGITS)
    model.set_statistics(torch.tensor([0.2]), torch.tensor([0.3]))
    content = {"state_dict": model.state_dict(), "hyper_parameters": dict(model.hparams)}
    for name in (BEST, LAST):
        checkpoints.write_checkpoint(folder / name, content)
    return folder


def test_a_classifier_comes_back_with_its_statistics(run: Path) -> None:
    model = checkpoints.load_classifier(run)
    assert not model.training
    assert model.classes == DIGITS
    assert model.mean.item() == pytest.approx(0.2)


def test_a_folder_is_not_trained_in_twice(run: Path) -> None:
    with pytest.raises(InputError, match="holds a run already: add ckpt=last"):
        directory.open_for_training(run, config())


def test_resuming_needs_the_same_configuration(run: Path) -> None:
    moved = DATASET | {"root": "b"}
    assert directory.open_for_training(run, config(ckpt="last", output="y", dataset=moved)) == run / LAST
    with pytest.raises(InputError, match="was made with another seed: 0 there, 1 now; choose another output="):
        directory.open_for_training(run, config(ckpt="last", seed=1))


def refused(run: Path, key: str, **changes: Any) -> str:
    """The line that refuses to resume or to skip with other values; config.yaml stays as it is."""
    before, metrics = (run / CONFIG).read_bytes(), run / METRICS
    write_json(metrics, training_examples.metrics(epochs=1000))
    asked = config(ckpt="last", **changes)
    with pytest.raises(InputError, match=rf"another {key}: ") as skipped:
        directory.finished_training(run, asked)
    metrics.unlink()
    with pytest.raises(InputError) as resumed:
        directory.open_for_training(run, asked)
    assert str(resumed.value) == str(skipped.value)
    assert (run / CONFIG).read_bytes() == before
    return str(resumed.value)


@pytest.mark.parametrize(
    ("key", "there", "now"),
    [
        ("precision", "32-true", "bf16-mixed"),
        ("gradient_clip_val", None, 1.0),
        ("accumulate_grad_batches", None, 4),
        ("deterministic", False, True),
        ("accelerator", "auto", "cpu"),
        ("devices", 1, 2),
        ("limit_train_batches", None, 0.5),
    ],
)
def test_resuming_refuses_what_changes_weights(run: Path, key: str, there: Any, now: Any) -> None:
    settings = {"precision": "32-true", "deterministic": False, "accelerator": "auto", "devices": 1}
    configuration.write_config(run, config(trainer=settings))
    said = refused(run, f"trainer.{key}", trainer=settings | {key: now})
    assert said == f"{run} was made with another trainer.{key}: {there} there, {now} now; choose another output="


def test_resuming_refuses_another_callback(run: Path) -> None:
    assert "another callbacks.stop.patience: None there, 1 now" in refused(
        run, "callbacks.stop.patience", callbacks={"stop": {"patience": 1}}
    )


def test_what_only_watches_may_change(run: Path) -> None:
    trainer = {"log_every_n_steps": 1, "profiler": "simple", "enable_progress_bar": False, "num_sanity_val_steps": 2}
    callbacks = {"progress": {"refresh_rate": 1}, "checkpoint": {"dirpath": "y/checkpoints"}}
    asked = config(ckpt="last", trainer=trainer, callbacks=callbacks, logger={"csv": "x"})
    assert directory.open_for_training(run, asked) == run / LAST
    assert configuration.load_config(run)["trainer"] == trainer


@pytest.mark.parametrize(
    ("schedule", "epochs", "goes_on"),
    [("inverse", 5, True), ("inverse", 2, False), ("one_cycle", 5, False), ("one_cycle", 3, True)],
)
def test_more_epochs_may_follow_where_the_rates_stay_the_same(
    schedule: str, epochs: int, goes_on: bool, run: Path
) -> None:
    parts = {"schedule": {"_target_": f"convstab.models.schedules.{schedule}"}}
    configuration.write_config(run, config(trainer={"max_epochs": 3}, **parts))
    asked = parts | {"trainer": {"max_epochs": epochs}}
    if goes_on:
        assert directory.open_for_training(run, config(ckpt="last", **asked)) == run / LAST
    else:
        assert f"another trainer.max_epochs: 3 there, {epochs} now" in refused(run, "trainer.max_epochs", **asked)


def test_a_start_that_trained_nothing_is_started_afresh(tmp_path: Path) -> None:
    for ckpt in (None, None, "last"):  # no data, say; or killed before the first epoch ended
        assert directory.open_for_training(tmp_path, config(ckpt=ckpt)) is None


def test_a_checkpoint_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ckpt=nowhere is not a file"):
        directory.open_for_training(tmp_path / "new", config(ckpt="nowhere"))
    assert not (tmp_path / "new").exists()


def test_latest_is_the_newest_finished_training(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no finished training below"):
        directory.find_run("latest", str(tmp_path))
    directory.finish(run, "train")
    other = tmp_path / "evaluation"
    directory.begin(other, {})
    directory.finish(other, "evaluate")
    assert directory.find_run("latest", str(tmp_path)) == run
    assert directory.find_run(str(run), "elsewhere") == run


@pytest.mark.parametrize(("name", "message"), [("nowhere", "does not exist"), (".", "is not a run directory")])
def test_what_is_not_a_run_is_named(name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"run={name} {message}"):
        directory.find_run(name, "runs")


class Evil:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("dataset.more._target_", "pathlib.Path.touch"),
        ("dataset.load._target_", "pathlib.Path.touch"),
        ("dataset.load._target_", "convstab.data.images.torch.load"),
        ("dataset._target_", "convstab.data.images.ImageSet"),
        ("model._target_", "convstab.runs.checkpoints.torch.load"),
        ("model.layer._target_", "convstab.models.LeNet"),
        ("dataset._args_", "x"),
        ("dataset._recursive_", False),
    ],
)
def test_a_run_names_nothing_that_runs_code_of_others(key: str, target: str, run: Path, tmp_path: Path) -> None:
    values = config()
    configuration.write_config(run, values)
    assert len(load_run(str(run), root=None).test) == 20
    named = OmegaConf.create(values)
    OmegaConf.update(named, key, target, force_add=True)
    OmegaConf.update(named, f"{key.rpartition('.')[0]}.self", str(tmp_path / "hacked"), force_add=True)
    configuration.write_config(run, OmegaConf.to_container(named))  # type: ignore[arg-type]  # a mapping
    with pytest.raises(InputError, match=rf"{key} is {target}; a run names nothing but convstab's own"):
        load_run(str(run))
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    "target", ["convstab.models.Nowhere", "convstab.models.classifier.nn", "convstab.models.metrics.Tensor"]
)
def test_a_run_names_a_classifier(target: str, run: Path) -> None:
    configuration.write_config(run, config(model={"_target_": target}))
    with pytest.raises(InputError, match=rf"{target},? (which is not there|is not a Classifier)"):
        checkpoints.load_classifier(run)


def test_nothing_is_unpickled_freely(run: Path, tmp_path: Path) -> None:
    content = {"state_dict": {}, "hyper_parameters": Evil(tmp_path / "hacked")}
    checkpoints.write_checkpoint(run / BEST, content)
    with pytest.raises(InputError, match="holds more than weights and plain values"):
        checkpoints.load_classifier(run)
    assert not (tmp_path / "hacked").exists()


def test_damaged_missing_and_foreign_checkpoints_are_named(run: Path) -> None:
    whole = (run / BEST).read_bytes()
    (run / BEST).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"best\.ckpt is damaged"):
        checkpoints.load_classifier(run)
    (run / BEST).unlink()
    with pytest.raises(InputError, match=r"best\.ckpt does not exist"):
        checkpoints.load_classifier(run)
    (run / BEST).write_bytes(whole)
    configuration.write_config(run, config(model={"_target_": "convstab.models.CifarQuick"}))
    with pytest.raises(InputError, match="is not a checkpoint of CifarQuick"):
        checkpoints.load_classifier(run)
    configuration.write_config(run, config(model={"_target_": "pathlib.Path"}))
    with pytest.raises(
        InputError,
        match=r"model._target_ is pathlib.Path; a run names nothing but convstab's own",
    ):
        checkpoints.load_classifier(run)


def test_a_checkpoint_is_replaced_at_once_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        AtomicCheckpointIO().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_a_checkpoint_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, original = tmp_path / "last.ckpt", torch.save

    def save(checkpoint: Any, target: Any) -> None:
        original(checkpoint, target)
        if checkpoint["epoch"] == 1:  # before the first writer renames its file, another one writes
            AtomicCheckpointIO().save_checkpoint({"epoch": 2}, path)
            assert torch.load(path, weights_only=True) == {"epoch": 2}

    monkeypatch.setattr(torch, "save", save)
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]
