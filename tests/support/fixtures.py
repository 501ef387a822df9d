"""Small data and circumstances that the tests share."""

import copy
import gc
import os
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import torch
from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
from hydra._internal.hydra import Hydra
from hydra.plugins.config_source import ConfigResult
from torch import nn

from convstab.data.images import ImageSet
from convstab.data.module import ImageData
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.stability import stability
from convstab.images import Images


def pytest_configure() -> None:
    """As many threads as processes are told to have: torch asks once, when it is loaded.

    Looking for garbage among the million objects of all that is loaded took a tenth of the time.
    """
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    gc.set_threshold(100_000, 50, 100)


@pytest.fixture(scope="session", autouse=True)
def get_mode() -> Iterator[Callable[..., Any]]:
    """Hydra composes twice, first to see whether the configuration asks for a sweep, which ours do by such words only.

    Here it composes once, which makes a command in this process twice as fast. Gives what it does by itself.
    """
    itself = Hydra.get_mode

    def mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> Any:
        asked = any(re.search("sweep|hydra", word) for word in overrides)
        return itself(hydra, config_name, overrides) if asked else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hydra, "get_mode", mode)
        yield itself


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """Hydra reads each file of the configuration again for every command, and copies every source that it knows.

    Here it reads those of packages once: a third of the time of a command that ends in a mistake.
    """
    itself = ConfigRepository.load_config
    known: dict[tuple[str, ...], bytes] = {}  # pickled: whoever takes one may change it

    def load_config(repository: ConfigRepository, config_path: str) -> ConfigResult | None:
        places = [source.full_path() for source in repository.sources]
        if any(place.startswith("file:") for place in places):  # of a test, which may write it again
            return itself(repository, config_path)
        key = (config_path, *places)
        if key not in known:
            known[key] = pickle.dumps(itself(repository, config_path))
        found: ConfigResult | None = pickle.loads(known[key])
        return found

    def caching(repository: CachingConfigRepository, delegate: ConfigRepository) -> None:
        repository.delegate = copy.copy(delegate)  # it may take other sources
        repository.cache = {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigRepository, "load_config", load_config)
        patch.setattr(CachingConfigRepository, "__init__", caching)
        yield


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server can be reached, and nobody waits for one."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", refuse)
    monkeypatch.setattr("convstab.data.download.PAUSE", 0.0)


@pytest.fixture
def image_set() -> ImageSet:
    """Four classes that brightness tells apart; 240 training images in groups of 3, and 80 test images."""

    def images(count: int, seed: int) -> Images:
        labels = torch.arange(count) // 3 % 4
        noise = torch.randint(0, 30, (count, 3, 16, 16), generator=torch.Generator().manual_seed(seed))
        pixels = (labels.view(-1, 1, 1, 1) * 60 + noise).to(torch.uint8)
        return Images(pixels, labels, groups=torch.arange(count) // 3)

    return ImageSet(images(240, 0), images(80, 1), ("black", "dark", "light", "white"), mirror={0: 0, 1: 2, 2: 1})


@pytest.fixture
def make_data(image_set: ImageSet, tmp_path: Path) -> Callable[..., ImageData]:
    """Make the data module of ``image_set`` with the given options."""

    def make(**options: object) -> ImageData:
        values = {"batch_size": 32, "root": str(tmp_path)} | options
        return ImageData(load=lambda _: image_set, **values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def watched() -> Iterator[Callable[[nn.Module], set[Any]]]:
    """Watch what float32 may be rounded to in the forward passes of a module, where a program asked for speed.

    Gives a set that fills with (TF32 in cuDNN, precision of matrix products); afterwards both are what was asked for.
    """

    def switches() -> tuple[bool, str]:
        return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()

    def watch(module: nn.Module) -> set[Any]:
        seen: set[Any] = set()
        module.register_forward_pre_hook(lambda *_: seen.add(switches()))
        return seen

    torch.set_float32_matmul_precision("high")
    try:
        before = switches()
        assert before == (True, "high")
        yield watch
        assert switches() == before
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.fixture(scope="session")
def result() -> StabilityResult:
    """An evaluation of an untrained model: 30 images, 4 classes, sigma 0, 1, 20 and 60."""
    torch.manual_seed(0)
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    pixels, labels = torch.randint(0, 256, (30, 1, 8, 8), dtype=torch.uint8), torch.arange(30) % 4
    protocol = Protocol((0, 1, 20, 60), draws=25)
    counts = stability(classifier, pixels, labels, torch.arange(30), 4, protocol)
    return StabilityResult(list("abcd"), protocol, counts.rows, counts.totals)
