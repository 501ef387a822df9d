import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = {"convstab": ROOT / "src/convstab", "convstab.conf": ROOT / "conf"}


def packages() -> set[str]:
    """The folders that hold modules, by the names that they are imported by."""
    return {
        ".".join((name, *module.parent.relative_to(source).parts))
        for name, source in SOURCES.items()
        for module in source.rglob("*.py")
    }


def test_every_package_is_listed() -> None:
    settings = PROJECT["tool"]["setuptools"]
    assert sorted(settings["packages"]) == sorted(packages())
    assert {name: ROOT / path for name, path in settings["package-dir"].items()} == SOURCES


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy, so that the build leaves nothing here."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]):
        shutil.copy(ROOT / name, folder)
    build = "import os, setuptools.build_meta as build; os.mkdir('dist'); print(build.build_wheel('dist'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "dist" / done.stdout.splitlines()[-1]


def test_the_wheel_holds_every_module_configuration_and_data_file(wheel: Path) -> None:
    files = {
        Path(*name.split("."), path.relative_to(source)).as_posix()
        for name, source in SOURCES.items()
        for kind in ("*.py", "*.yaml", "py.typed", "*.csv", "*.csv.gz", "assets/*")
        for path in source.rglob(kind)
    }
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        scripts = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/entry_points.txt")]
    assert inside == files
    assert "convstab-train = convstab.commands.app:train" in scripts[0]


@pytest.mark.slow
def test_the_wheel_trains_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    start = f"import convstab.commands.app as a; assert a.__file__.startswith({str(tmp_path)!r}); a.train()"
    overrides = ["logger=csv", "dataset.images=200", "trainer.max_epochs=1", "output=run"]
    done = subprocess.run(
        [sys.executable, "-c", start, *overrides],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/metrics.json").exists()
