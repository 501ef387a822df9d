"""Images of other libraries: the same as those given as arrays."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

import convstab as cs
from convstab.data.ids import id_of
from convstab.errors import InputError

PIXELS = torch.randint(256, (6, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = [0, 1, 2, 0, 1, 2]


class Listed(Dataset[Any]):
    """Items as they are given."""

    def __init__(self, listed: list[Any], **attributes: Any) -> None:
        self.listed = listed
        for name, value in attributes.items():
            setattr(self, name, value)

    def __getitem__(self, index: int) -> Any:
        return self.listed[index]

    def __len__(self) -> int:
        return len(self.listed)


def as_pil(pixels: torch.Tensor) -> Image.Image:
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


@pytest.mark.parametrize(
    "form", [as_pil, lambda pixels: pixels, lambda pixels: pixels / 255, lambda pixels: (pixels / 255).numpy()]
)
@pytest.mark.parametrize("label", [int, np.int64, torch.tensor])
def test_a_dataset(form: Any, label: Any) -> None:
    images = cs.as_images(Listed([(form(one), label(number)) for one, number in zip(PIXELS, LABELS, strict=True)]))
    assert torch.equal(images.pixels, PIXELS)
    assert images.labels.tolist() == LABELS
    assert images.ids.tolist() == list(range(6))
    assert images.classes == ()


def test_names_of_a_dataset_and_names_that_are_given() -> None:
    data = Listed([(as_pil(one).convert("L"), 0) for one in PIXELS], classes=["ant", "bee"])
    images = cs.as_images(data)
    assert images.pixels.shape == (6, 1, 5, 4)
    assert images.classes == ("ant", "bee")
    assert cs.as_images(data, classes=("x", "y")).classes == ("x", "y")
    assert cs.as_images(images) is images


def test_the_test_images_of_a_data_module_in_the_order_of_its_data_set() -> None:
    class Module(pl.LightningDataModule):
        def setup(self, stage: str) -> None:
            assert stage == "test"
            self.data = Subset(TensorDataset(PIXELS, torch.tensor(LABELS)), [5, 3, 1])

        def test_dataloader(self) -> DataLoader[Any]:
            return DataLoader(self.data, batch_size=2, shuffle=True)

    images = cs.as_images(Module())
    assert torch.equal(images.pixels, PIXELS[[5, 3, 1]])
    assert images.labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize("kind", [str, int])
def test_a_data_set_of_maite(kind: type) -> None:
    class Maite:
        """What the protocol says, and no more."""

        metadata = {"id": "toys", "index2label": {1: "bee", 0: "ant", 2: "cow"}}  # noqa: RUF012

        def __getitem__(self, index: int) -> tuple[Any, Any, dict[str, Any]]:
            return PIXELS[index].numpy(), np.eye(3)[LABELS[index]], {"id": kind(100 + index)}

        def __len__(self) -> int:
            return len(LABELS)

    images = cs.as_images(Maite())
    assert torch.equal(images.pixels, PIXELS)
    assert images.labels.tolist() == LABELS
    assert images.classes == ("ant", "bee", "cow")
    assert images.ids.tolist() == [id_of(str(100 + row)) if kind is str else 100 + row for row in range(6)]


class Endless(IterableDataset[Any]):
    """A stream."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (5, "images are of the type int; it must be a Dataset"),
        ("photos", "images are of the type str; it must be a Dataset"),
        (Endless(), "images are of the type Endless; it must be a Dataset"),
        (Listed([]), "the data set has no images"),
        (Listed([5]), r"item 0 of the data set is a int; it must be \(image, label\)"),
        (Listed([(PIXELS[0], 0), (PIXELS[0, :, :4], 0)]), r"item 1: an image of the shape \(3, 4, 4\), the first has"),
        (Listed([(PIXELS[0] / 100, 0)]), "item 0: pixels are floats from 0"),
        (
            Listed([(PIXELS[0].permute(1, 2, 0), 0)]),
            r"item 0: an image of the shape \(5, 4, 3\); it must be \(C, H, W\)",
        ),
        (Listed([(PIXELS[0], "cat")]), "item 0: labels are not numbers"),
        (Listed([(PIXELS[0], 0.5)]), "item 0: a label 0.5; it must be a whole number"),
        (Listed([(PIXELS[0], -1)]), "labels hold -1"),
        (Listed([("x.png", 0)]), "item 0: pixels are not numbers"),
        (Listed([(PIXELS[0], 0, {"id": 7}), (PIXELS[0], 0, {"id": 7})]), "ids names an image twice"),
    ],
)
def test_what_is_none(source: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cs.as_images(source)
