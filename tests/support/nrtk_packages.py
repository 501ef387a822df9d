"""NRTK where it is installed, else a stand-in of the same interface; and perturbers of a user's own in a module."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

PERTURBERS = "nrtk.impls.perturb_image"
NOISE = f"{PERTURBERS}.photometric.noise.GaussianNoisePerturber"
BRIGHTNESS = f"{PERTURBERS}.photometric.enhance.BrightnessPerturber"
HAZE = f"{PERTURBERS}.environment.HazePerturber"
INSTALLED = importlib.util.find_spec("nrtk") is not None


class PerturbImage:
    """What NRTK 1.1.0 asks of a perturber."""

    def perturb(self, *, image: Any, boxes: Any = None, **kwargs: Any) -> Any:
        return np.copy(image), boxes


class RandomPerturbImage(PerturbImage):
    def __init__(self, *, seed: int | None = None, is_static: bool = False) -> None:
        self.generator = np.random.default_rng(seed)


class GaussianNoisePerturber(RandomPerturbImage):
    """mean and var in the unit of white."""

    def __init__(self, *, mean: float = 0.0, var: float = 0.05, clip: bool = True, **kwargs: Any) -> None:
        if var < 0:
            raise ValueError(f"invalid var ({var}). Must be >= 0.0")
        super().__init__(**kwargs)
        self.mean, self.var = mean, var

    def perturb(self, *, image: Any, boxes: Any = None, **kwargs: Any) -> Any:
        noise = self.generator.normal(self.mean, self.var**0.5, image.shape)
        return ((image / 255 + noise).clip(0, 1) * 255).round().astype(np.uint8), boxes


class BrightnessPerturber(PerturbImage):
    def __init__(self, factor: float = 1.0) -> None:
        if factor < 0:
            raise ValueError(f"invalid factor ({factor}). Must be >= 0.0")
        self.factor = factor

    def perturb(self, *, image: Any, boxes: Any = None, **kwargs: Any) -> Any:
        return (image * self.factor).clip(0, 255).astype(np.uint8), boxes


class HazePerturber(PerturbImage):
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def perturb(self, *, image: Any, boxes: Any = None, sky_color: Any = None, **kwargs: Any) -> Any:
        sky = np.mean(image, axis=(0, 1)) if sky_color is None else sky_color
        left, sky = np.exp(-self.factor), np.asarray(sky)
        return (image * left + sky * (1 - left)).astype(np.uint8), boxes


@pytest.fixture
def nrtk(monkeypatch: pytest.MonkeyPatch) -> None:
    """NRTK, or what stands in for it."""
    stand_in(monkeypatch)


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """Put modules of the names of NRTK's in their place, where it is not installed."""
    if INSTALLED:
        return
    names = {
        "nrtk.interfaces": PerturbImage,
        NOISE.rpartition(".")[0]: GaussianNoisePerturber,
        BRIGHTNESS.rpartition(".")[0]: BrightnessPerturber,
        HAZE.rpartition(".")[0]: HazePerturber,
    }
    for name, kind in names.items():
        module = ModuleType(name)
        setattr(module, kind.__name__, kind)
        patch.setitem(sys.modules, name, module)


OWN = '''
"""Perturbers of a user's own."""
from pathlib import Path
import numpy as np
from nrtk.interfaces import PerturbImage

Path("imported").touch()

class Own(PerturbImage):
    def get_config(self):
        return {}

class Darker(Own):
    def __init__(self, by: int = 0, more: float = 0.0) -> None:
        self.by = by
        if by % 2:
            raise ValueError("by must be even")
    def perturb(self, *, image, boxes=None, times=1, **kwargs):
        return np.maximum(image.astype(int) - self.by * times, 0).astype(np.uint8), boxes

class Rng(Own):
    def __init__(self, sigma, rng=None):
        self.sigma, self.generator = sigma, np.random.default_rng(rng)
    def perturb(self, *, image, boxes=None, **kwargs):
        return (image + self.generator.normal(0, self.sigma, image.shape)).clip(0, 255).round().astype(np.uint8), boxes

class Unseeded(Own):
    def __init__(self, sigma):
        self.generator, self.sigma = np.random.default_rng(), sigma
    perturb = Rng.perturb

class Global(Own):
    def __init__(self, sigma, seed=None):
        self.generator, self.sigma = np.random, sigma
        np.random.seed(seed)
    perturb = Rng.perturb

class Smaller(Own):
    def __init__(self, by): ...
    def perturb(self, *, image, boxes=None, **kwargs):
        return image[1:], boxes

class Floats(Own):
    def __init__(self, by): ...
    def perturb(self, *, image, boxes=None, **kwargs):
        return image / 255, boxes

class Writes(Own):
    def __init__(self, by): ...
    def perturb(self, *, image, boxes=None, **kwargs):
        image //= 2
        return image, boxes

class Fails(Own):
    def __init__(self, by): ...
    def perturb(self, *, image, boxes=None, **kwargs):
        raise RuntimeError("no " + "\\n" + "rain")

not_a_class = Darker()
'''


@pytest.fixture
def mine(nrtk: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of perturbers in the working folder, which leaves a file ``imported`` there when it runs."""
    name = f"perturbers_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name
