"""Images that other libraries serve: a Dataset of PyTorch or Hugging Face, a DataLoader, LightningDataModule, MAITE."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from convstab.data.decoding import plain
from convstab.data.ids import id_of
from convstab.data.own.rows import WHOLE, class_names, columns_of, rows_of
from convstab.errors import InputError
from convstab.images import INT64, Images, as_pixels, as_tensor
from convstab.packages import need

WHAT = "a Dataset with a length, a DataLoader, a LightningDataModule, a data set of MAITE, or a split of Hugging Face's"


def as_images(source: Any, classes: Sequence[str] = ()) -> Images:
    """Images in memory, of what other libraries serve.

    Args:
        source: a Dataset of (image, label), a DataLoader of one, a LightningDataModule (the Dataset of its
            test_dataloader), a data set of MAITE, of (image, one-hot target, {"id": ...}), or a Dataset of Hugging
            Face, with a column of the type Image and one of the type ClassLabel. An image is one of PIL, a uint8
            (C, H, W) or (H, W) tensor or array, or one of floats in [0, 1], not normalised; all have one shape.
        classes: names, in the order of the labels; none: those in ``metadata["index2label"]`` (MAITE), ``classes``
            (torchvision) or the ClassLabel of the data set, where it has them.

    Returns:
        The images. Their ids are those of MAITE, of which texts are hashed, or of Hugging Face's, as ``dataset=hf``
        has them, or places in the data set.

    Raises:
        InputError: it is none of these, or images, labels or ids do not fit.

    >>> data = torch.utils.data.TensorDataset(torch.rand(6, 3, 8, 8), torch.arange(6) % 2)
    >>> as_images(data, classes=("cat", "dog"))
    Images(6 of 3x8x8, 2 classes)
    """
    if isinstance(source, Images):
        return source
    data = dataset_of(source)
    pixels, labels, ids = [], [], []
    for place, (image, target, name) in enumerate(items(data)):
        try:
            pixels.append(one_image(image))
            labels.append(label_of(target))
        except InputError as error:
            raise InputError(f"item {place}: {error}") from error
        if pixels[-1].shape != pixels[0].shape:
            found, first = tuple(pixels[-1].shape), tuple(pixels[0].shape)
            raise InputError(f"item {place}: an image of the shape {found}, the first has {first}; give all one shape")
        ids.append(place if name is None else whole(name))
    if not pixels:
        raise InputError("the data set has no images")
    return Images(torch.stack(pixels), labels, classes or names_in(data), ids)


def dataset_of(source: Any) -> Any:
    """The data set that is served."""
    if hasattr(source, "test_dataloader"):
        source.prepare_data()
        source.setup("test")
        source = source.test_dataloader()
    if isinstance(source, list | tuple) and len(source) == 1:
        source = source[0]
    data = source.dataset if hasattr(source, "batch_sampler") else source
    if not (hasattr(data, "__getitem__") and hasattr(data, "__len__")) or isinstance(data, str | Mapping):
        raise InputError(f"images are of the type {type(source).__name__}; it must be {WHAT}")
    return data


def items(data: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Image, target and id, None where it has none, of each item."""
    if is_of_hf(data):
        yield from hf_items(data)
        return
    for place in range(len(data)):
        item = data[place]
        if not isinstance(item, list | tuple) or len(item) not in (2, 3):
            raise InputError(f"item {place} of the data set is a {type(item).__name__}; it must be (image, label)")
        told = item[2] if len(item) == 3 else None
        yield item[0], item[1], told.get("id") if isinstance(told, Mapping) else None


def is_of_hf(data: Any) -> bool:
    """Whether a data set is one of Hugging Face's ``datasets``."""
    return hasattr(data, "features") and hasattr(data, "cast_column")


def hf_items(data: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Image, label and name of each row."""
    library = need("datasets", "datasets")
    columns = columns_of(library, data.features, "the data set")
    rows = rows_of(library, None, str(data.split or WHOLE), data, columns)
    for place, row in enumerate(rows):
        yield data[place][columns.image], row.label, row.name


def one_image(image: Any) -> Tensor:
    """An image as uint8 (C, H, W)."""
    if isinstance(image, Image.Image):
        seen = plain(image)
        values = np.asarray(seen.convert("L" if seen.mode in ("1", "L") else "RGB"))
        return torch.from_numpy((values[None] if values.ndim == 2 else values.transpose(2, 0, 1)).copy())
    found = as_tensor("pixels", image)
    if found.ndim == 2:
        found = found[None]
    if found.ndim != 3 or found.shape[0] not in (1, 3):
        raise InputError(f"an image of the shape {tuple(found.shape)}; it must be (C, H, W), C of 1 or 3, or (H, W)")
    return as_pixels(found[None])[0].cpu()


def label_of(target: Any) -> int:
    """A label as a number: of a class, or the highest of one number for each class."""
    found = as_tensor("labels", target)
    if found.ndim == 1 and len(found) > 1:
        return int(found.argmax())
    if found.numel() != 1 or found.is_floating_point() or found.is_complex():
        raise InputError(f"a label {target!r:.80}; it must be a whole number, or one number for each class")
    return int(found)


def whole(name: Any) -> int:
    """An id as a number of 63 bits; a text by its hash."""
    if isinstance(name, int | np.integer) and not isinstance(name, bool) and INT64.min <= name <= INT64.max:
        return int(name)
    return id_of(str(name))


def names_in(data: Any) -> tuple[str, ...]:
    """The names of the classes that a data set says; none where it says none."""
    if is_of_hf(data):
        library = need("datasets", "datasets")
        return class_names(library, data.features[columns_of(library, data.features, "the data set").label]) or ()
    told = getattr(data, "metadata", None)
    index = told.get("index2label") if isinstance(told, Mapping) else None
    if isinstance(index, Mapping) and set(index) == set(range(len(index))):
        return tuple(str(index[number]) for number in range(len(index)))
    names = getattr(data, "classes", ())
    return tuple(names) if isinstance(names, list | tuple) and all(isinstance(one, str) for one in names) else ()
