"""Images that a function of the user's makes."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

import convstab as cs
from convstab.data.own import python
from convstab.errors import InputError
from tests.models import own_nets

PIXELS = torch.randint(0, 256, (12, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3
TARGET = "tests.models.own_nets:data"


def loaded(monkeypatch: pytest.MonkeyPatch, made: Any, **options: Any) -> Any:
    monkeypatch.setattr(own_nets, "data", made, raising=False)
    return python.load(Path(), TARGET, options or None)


class Module(pl.LightningDataModule):
    """Serves 8 images to train on and 4 to test on, once it is set up."""

    ready: ClassVar[set[str]] = set()

    def setup(self, stage: str) -> None:
        self.ready.add(stage)

    def train_dataloader(self) -> Any:
        assert "fit" in self.ready
        return DataLoader(TensorDataset(PIXELS[:8], LABELS[:8]), shuffle=True)

    def test_dataloader(self) -> Any:
        assert "test" in self.ready
        return DataLoader(TensorDataset(PIXELS[8:], LABELS[8:]))


def test_images_to_test_on(monkeypatch: pytest.MonkeyPatch) -> None:
    images = cs.Images(PIXELS, LABELS, classes=("a", "b", "c"), ids=torch.arange(12) * 7)
    for made in (images, lambda: images, lambda count=12: images.part(slice(0, count))):
        found = loaded(monkeypatch, made)
        assert torch.equal(found.test.pixels, PIXELS)
        assert found.test.ids.tolist() == (torch.arange(12) * 7).tolist()
        assert (found.classes, len(found.train), found.own_ids) == (("a", "b", "c"), 0, True)
    assert len(loaded(monkeypatch, lambda count: images.part(slice(0, count)), count=5).test) == 5


@pytest.mark.parametrize(
    "made",
    [
        lambda: {"train": TensorDataset(PIXELS[:8], LABELS[:8]), "test": TensorDataset(PIXELS[8:], LABELS[8:])},
        Module,
    ],
)
def test_images_to_train_and_to_test_on(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, made)
    assert torch.equal(found.train.pixels, PIXELS[:8])
    assert torch.equal(found.test.pixels, PIXELS[8:])
    assert found.classes == found.train.classes == found.test.classes == ("0", "1", "2")


def fails() -> None:
    raise RuntimeError("no disk\nthere")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (fails, "tests.models.own_nets:data fails: RuntimeError: no disk there"),
        (lambda: 3, "target=tests.models.own_nets:data, test images: images are of the type int"),
        (lambda: {"train": 1}, "the function makes a mapping with train; it must have test, or train and test"),
        (lambda: {"test": 1, "more": 2}, "the function makes a mapping with test, more"),
        (
            lambda: {
                "train": cs.Images(PIXELS, LABELS, classes=("a", "b", "d")),
                "test": cs.Images(PIXELS, LABELS, classes=("a", "b", "c")),
            },
            "the images to train on have other classes than those to test on",
        ),
    ],
)
def test_what_is_no_data_is_said(made: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=said):
        loaded(monkeypatch, made)


def test_without_a_target_the_option_is_named() -> None:
    with pytest.raises(InputError, match=r"dataset=python needs dataset\.load\.target=package\.module:function"):
        python.load(Path())
    with pytest.raises(
        InputError, match=r"target is nets; it must be package\.module:function, such as mypkg\.data:im"
    ):
        python.load(Path(), "nets")
