"""The ``datasets`` of Hugging Face where it is installed, else a stand-in of what is used of it, with files of JSON."""

import base64
import importlib
import importlib.util
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

INSTALLED = importlib.util.find_spec("datasets") is not None


class Image:
    """A type of column."""

    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class ClassLabel:
    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)


class Value:
    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


class Dataset:
    """Rows in memory."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any], split: str | None = None) -> None:
        self.rows, self.features, self.split = rows, features, split

    @classmethod
    def from_list(cls, rows: list[dict[str, Any]], features: dict[str, Any], split: str | None = None) -> "Dataset":
        return cls(rows, features, split)

    def select_columns(self, names: list[str]) -> "Dataset":
        rows = [{name: row[name] for name in names} for row in self.rows]
        return Dataset(rows, {name: self.features[name] for name in names}, self.split)

    def cast_column(self, name: str, feature: Any) -> "Dataset":
        return Dataset(self.rows, self.features | {name: feature}, self.split)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        row = dict(self.rows[number])
        for name, feature in self.features.items():
            if isinstance(feature, Image) and feature.decode:
                row[name] = Pillow.open(io.BytesIO(row[name]["bytes"]))
        return row

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[number] for number in range(len(self)))

    def save_to_disk(self, path: str) -> None:
        Path(path).mkdir(parents=True)
        types = {name: [type(kind).__name__, vars(kind)] for name, kind in self.features.items()}
        text = json.dumps([types, self.rows], default=lambda data: base64.b64encode(data).decode())
        (Path(path) / "state.json").write_text(text)


class DatasetDict(dict[str, Dataset]):
    def save_to_disk(self, path: str) -> None:
        for name, data in self.items():
            data.save_to_disk(f"{path}/{name}")
        (Path(path) / "dataset_dict.json").touch()


def load_from_disk(path: str) -> Any:
    if (Path(path) / "dataset_dict.json").exists():
        return DatasetDict(
            {place.parent.name: load_from_disk(str(place.parent)) for place in sorted(Path(path).glob("*/state.json"))}
        )
    types, rows = json.loads((Path(path) / "state.json").read_text())
    kinds = {"Image": Image, "ClassLabel": ClassLabel, "Value": Value}
    features = {name: kinds[kind](**values) for name, (kind, values) in types.items()}
    for row in rows:
        for name, feature in features.items():
            if isinstance(feature, Image) and row[name] and row[name]["bytes"]:
                row[name]["bytes"] = base64.b64decode(row[name]["bytes"])
    return Dataset(rows, features)


def load_dataset(name: str, subset: str | None = None, data_dir: str | None = None) -> Any:
    if name != "imagefolder" or data_dir is None:
        raise ConnectionError(f"Couldn't reach '{name}' on the Hub")
    found = {}
    for split in sorted(place for place in Path(data_dir).resolve().iterdir() if place.name in ("train", "test")):
        names = sorted(place.name for place in split.iterdir())
        files = sorted(split.rglob("*.png"))
        rows = [{"image": {"bytes": None, "path": str(one)}, "label": names.index(one.parent.name)} for one in files]
        found[split.name] = Dataset(rows, {"image": Image(), "label": ClassLabel(names)}, split.name)
    return found


@pytest.fixture
def hf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The package, or what stands in for it."""
    return library(monkeypatch, tmp_path)


def library(patch: pytest.MonkeyPatch, cache: Path) -> Any:
    """The package, which keeps what it makes in a folder of its own, or a stand-in in its place."""
    if INSTALLED:
        found = importlib.import_module("datasets")
        patch.setattr(found.config, "HF_DATASETS_CACHE", str(cache / "hf"))
        return found
    module = ModuleType("datasets")
    kinds = (Image, ClassLabel, Value, Dataset, DatasetDict, load_from_disk, load_dataset)
    vars(module).update({one.__name__: one for one in kinds})
    vars(module).update(Features=dict, config=SimpleNamespace(HF_HUB_OFFLINE=False))
    for name in ("are_progress_bars_disabled", "disable_progress_bars", "enable_progress_bars"):
        setattr(module, name, lambda: False)
    patch.setitem(sys.modules, "datasets", module)
    return module


def png(seed: int, width: int = 30, mode: str = "RGB", form: str = "PNG") -> bytes:
    """An image file of noise."""
    shape = (20, width) if mode == "L" else (20, width, 3)
    pixels, file = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), io.BytesIO()
    Pillow.fromarray(pixels).save(file, form)
    return file.getvalue()


def rows(seeds: Sequence[int], path: bool = True, **more: Any) -> list[dict[str, Any]]:
    """Rows with an image, a label, and what else there is."""
    return [
        {"image": {"bytes": png(seed), "path": f"{seed}.png" if path else None}, "label": seed % 2}
        | {name: value(seed) for name, value in more.items()}
        for seed in seeds
    ]
