import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import convstab

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = {"convstab": ROOT / "src/convstab", "convstab.conf": ROOT / "conf"}
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())


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


def bounds(project: dict[str, Any]) -> Iterator[tuple[str, Requirement]]:
    """What is required from others, each with the extra that it belongs to ("": none)."""
    for extra, lines in {"": project["dependencies"], **project["optional-dependencies"]}.items():
        yield from ((extra, bound) for bound in map(Requirement, lines) if bound.name != project["name"])


def unlike(project: dict[str, Any], lock: dict[str, Any]) -> list[str]:
    """Where a lock file does not fit a project."""
    locked: dict[str, list[str]] = {}
    for package in lock["package"]:
        locked.setdefault(package["name"], []).append(package.get("version", ""))
    (own,) = (package for package in lock["package"] if package["name"] == project["name"])
    made_for = {
        (entry["name"], entry.get("marker", ""), frozenset(filter(None, entry.get("specifier", "").split(","))))
        for entry in own["metadata"]["requires-dist"]
        if entry["name"] != project["name"]
    }
    wrong = []
    for extra, bound in bounds(project):
        name, marker = canonicalize_name(bound.name), f"extra == '{extra}'" if extra else ""
        if (name, marker, frozenset(map(str, bound.specifier))) not in made_for:
            wrong.append(f"{bound} is not what it was made for")
        versions = locked.get(name, [])
        wrong += [f"{name} {version} is not {bound}" for version in versions if version not in bound.specifier]
        wrong += [f"{name} is missing"] * (not versions)
    return wrong + ["it was made for more"] * (len(made_for) > len(list(bounds(project))))


def test_the_lock_file_is_that_of_the_bounds() -> None:
    assert not unlike(PROJECT["project"], LOCK), "run `uv lock`"


@pytest.mark.parametrize(
    ("needs", "wrong"),
    [
        (["plotly>=6,<8"], []),
        (["plotly<8,>=6"], []),
        (["plotly>=6,<9"], ["plotly<9,>=6 is not what it was made for"]),
        (["plotly>=6,<7"], ["plotly<7,>=6 is not what it was made for", "plotly 7.1.0 is not plotly<7,>=6"]),
        (["plotly>=6,<8", "rich"], ["rich is not what it was made for", "rich is missing"]),
        ([], ["it was made for more"]),
    ],
)
def test_a_lock_file_of_other_bounds_is_seen(needs: list[str], wrong: list[str]) -> None:
    project = {
        "name": "it",
        "dependencies": needs,
        "optional-dependencies": {"jobs": ["joblib>=1"], "test": ["it[jobs]"]},
    }
    made_for = [
        {"name": "plotly", "specifier": ">=6,<8"},
        {"name": "joblib", "marker": "extra == 'jobs'", "specifier": ">=1"},
        {"name": "it", "extras": ["jobs"], "marker": "extra == 'test'"},
    ]
    others = [{"name": "plotly", "version": "7.1.0"}, {"name": "joblib", "version": "1.5.3"}]
    assert unlike(project, {"package": [{"name": "it", "metadata": {"requires-dist": made_for}}, *others]}) == wrong


def test_every_bound_has_a_lowest_version() -> None:
    without = [str(bound) for _, bound in bounds(PROJECT["project"]) if ">=" not in str(bound.specifier)]
    assert without == [], "`.ci/lowest` would take the first that was ever released"


def test_the_lock_file_names_no_place_of_one_machine() -> None:
    others = [package for package in LOCK["package"] if package["name"] != PROJECT["project"]["name"]]
    files = [file for package in others for file in (package.get("sdist"), *package.get("wheels", [])) if file]
    assert [list(package["source"]) for package in others] == [["registry"]] * len(others)
    assert {urlsplit(package["source"]["registry"]).scheme for package in others} == {"https"}
    assert len({urlsplit(package["source"]["registry"]).netloc for package in others}) == 1
    assert {urlsplit(file.get("url", "")).scheme for file in files} == {"https"}
    assert len({urlsplit(file["url"]).netloc for file in files}) == 1  # a second would be a mirror or a private index


def test_all_that_is_imported_is_required() -> None:
    imported = set()
    for path in SOURCES["convstab"].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    required = {canonicalize_name(bound.name) for extra, bound in bounds(PROJECT["project"]) if not extra}
    makers = packages_distributions()
    others = imported - sys.stdlib_module_names - {"convstab"}
    assert [name for name in sorted(others) if not required & set(map(canonicalize_name, makers[name]))] == []


def test_what_is_mutated_and_the_tests_that_must_see_it_are_there() -> None:
    mutated = PROJECT["tool"]["mutmut"]
    arguments = mutated["pytest_add_cli_args"]
    deselected = [word.partition("::")[0] for word in arguments if "::" in word]
    for path in (*mutated["only_mutate"], *mutated["pytest_add_cli_args_test_selection"], *deselected):
        assert list(ROOT.glob(path)), path


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


def test_the_version_stands_once(wheel: Path) -> None:
    """In pyproject.toml; what a user cites and what has changed name the same."""
    version = PROJECT["project"]["version"]
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    assert f"\nVersion: {version}\n" in metadata
    assert convstab.__version__ == importlib.metadata.version("convstab")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == version
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[0] == version
    others = [path.name for path in SOURCES["convstab"].rglob("*.py") if version in path.read_text(encoding="utf-8")]
    assert others == []


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
