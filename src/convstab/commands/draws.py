"""Write the degraded copies of test images as PNG files, with a table of them, for a model that is elsewhere."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from PIL import Image
from torch import Tensor

from convstab import files
from convstab.commands import own
from convstab.commands.app import plain
from convstab.commands.assess import say_how_many
from convstab.commands.evaluate import protocol_of, say_draws
from convstab.commands.signals import GOES_ON, goes_on
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.recorded import Draw, draws_of, name_of
from convstab.files import alone, choices, read_json, write_bytes, write_json, write_text
from convstab.files.csv_text import csv_text
from convstab.images import Images
from convstab.progress.bar import progress_bar
from convstab.runs import directory
from convstab.runs.configuration import images_name, is_below
from convstab.runs.own import test_of
from convstab.runs.parts import folder_name
from convstab.runs.run import chosen, digest_of
from convstab.sweeps.jobs import Outcome

MANIFEST, SETTINGS, IMAGES = files.MANIFEST, files.COPIES, "images"
COLUMNS = "file", "image", "id", "label", "class", "level", "draw", "applied", "psnr"
AS_FILES = {"clip": True, "rounding": True, "score": "predicted"}  # what a PNG file holds
CHANNELS = 1, 3, 4  # grey, RGB, RGBA


def main(config: DictConfig) -> Outcome:
    """Write what the configuration names; what a folder has of it already is kept."""
    values = own.tidy(plain(config))
    protocol = protocol_of(values | AS_FILES, torch.device("cpu"))
    say_draws(values["draws"] if "draws" in own.words() else None, protocol)
    images, places = images_of(values)
    channels, height, width = images.pixels.shape[1:]
    protocol.degradation.check_shape((channels, height, width))
    settings = settings_of(values, protocol, images)
    folder = folder_of(values, protocol, settings)
    directory.refuse_training(folder)
    directory.refuse_parts(folder)
    with alone(folder, "convstab-draws"):
        refuse_others(folder, settings)
        if values["skip_done"] and (folder / MANIFEST).exists():
            print(f"finished before: {folder}")
            return Outcome(folder)
        goes_on(lambda: GOES_ON)
        write_json(folder / SETTINGS, settings)
        count = write(folder, protocol, images, places)
    print(f"{count:,} files, listed in {MANIFEST}: {folder}")
    return Outcome(folder)


def check(values: Mapping[str, Any]) -> None:
    """Raise InputError where no data set is named, or words that belong to a model or a training."""
    own.refuse_words_of_train()
    for key, word in own.words().items():
        if is_below(key, ["model"]):
            raise InputError(f"{word} has no effect: the model is elsewhere; convstab-import takes what it predicts")
    if "load" not in values["dataset"]:
        raise InputError(f"dataset is needed: whose test images; it can be {', '.join(sorted(choices('dataset')))}")


def images_of(values: Mapping[str, Any]) -> tuple[Images, list[int]]:
    """The test images that are chosen, and their places in the test set."""
    whole = test_of(own.data_of(values["dataset"]))
    if whole.pixels.shape[1] not in CHANNELS:
        raise InputError(f"the images have {whole.pixels.shape[1]} channels; a PNG file holds 1, 3 or 4")
    say_how_many(values["images"], len(whole))
    places = chosen(values["images"], len(whole))
    return whole.part(places), places.tolist()


def folder_of(values: Mapping[str, Any], protocol: Protocol, settings: Mapping[str, Any]) -> Path:
    """Where the files go: a folder named by what they depend on, where none is said."""
    name = f"{images_name(values['dataset'])}_{protocol.degradation.name}{'_psnr' if protocol.by_psnr else ''}"
    return Path(values["output"] or Path(values["runs"], "draws", folder_name(name, settings)))


def settings_of(values: Mapping[str, Any], protocol: Protocol, images: Images) -> dict[str, Any]:
    """What the files are, in plain values: convstab-import makes the draws again from it."""
    return {
        "dataset": values["dataset"],
        "images": values["images"],
        "protocol": protocol.settings | {"levels": [str(level) for level in protocol.levels]},  # JSON has no infinity
        "data": digest_of(images),
    }


def refuse_others(folder: Path, settings: Mapping[str, Any]) -> None:
    """Raise InputError for a folder that holds other draws."""
    if (folder / SETTINGS).exists() and read_json(folder / SETTINGS) != settings:
        raise InputError(f"{folder} holds other draws, by its {SETTINGS}; choose another output=")


def write(folder: Path, protocol: Protocol, images: Images, places: Sequence[int]) -> int:
    """Write the files that are not there, and then the table of all; how many it lists."""
    rows = []
    with progress_bar() as bar:
        task = bar.add_task("images", total=len(images))
        for number, place in enumerate(places):
            image = images.part(slice(number, number + 1))
            for file, draw, pixels in files_of(protocol, image, place):
                save(folder / file, pixels)
                rows.append([file, place, *described(image), *draw])
            bar.advance(task)
    write_text(folder / MANIFEST, csv_text(COLUMNS, rows))
    return len(rows)


def files_of(protocol: Protocol, image: Images, place: int) -> Iterator[tuple[str, Draw, Tensor]]:
    """The draws of an image with their files, relative to the folder of all."""
    for draw, pixels in draws_of(protocol, image):
        yield f"{IMAGES}/{place:06d}/{name_of(draw, protocol)}", draw, pixels


def described(image: Images) -> tuple[int, int, str]:
    """The id, the label and the class of an image."""
    label = int(image.labels[0])
    return int(image.ids[0]), label, image.classes[label]


def save(path: Path, pixels: Tensor) -> None:
    """Write an image, uint8 (C, H, W), as PNG, unless the file is there."""
    if path.exists():
        return
    content = io.BytesIO()
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(content, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())
