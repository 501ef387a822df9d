"""The site has every page, in its menu, and the reference every public name."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

import convstab as cs
from convstab import attacks, models
from tests.support.documented import ROOT

DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def pages(entry: Any) -> Iterator[str]:
    """The files of a menu."""
    if isinstance(entry, str):
        yield entry
    else:
        for below in entry.values() if isinstance(entry, dict) else entry:
            yield from pages(below)


def test_the_menu_has_each_page_once() -> None:
    found = [path.relative_to(DOCS).as_posix() for kind in ("*.md", "*.ipynb") for path in DOCS.rglob(kind)]
    assert sorted(pages(SITE["nav"])) == sorted(found), "mkdocs.yml, nav: a page is missing, or twice, or not there"


def test_the_reference_has_every_public_name() -> None:
    for page, module in (("index", cs), ("attacks", attacks), ("models", models)):
        text = (DOCS / f"reference/{page}.md").read_text(encoding="utf-8")
        named = re.findall(rf"^::: {module.__name__}\.(\w+)$", text, re.MULTILINE)
        assert sorted(named) == sorted(module.__all__), page


def test_notebooks_are_kept_without_what_they_make() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["paper", "stable"]
    for path in NOTEBOOKS:
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert cells
        assert "%matplotlib inline\n" in cells[0]["source"]  # else the kernel shows no figure of cs.plot
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells), path


def test_notebooks_are_run_and_their_failures_seen() -> None:
    (settings,) = [plugin["mkdocs-jupyter"] for plugin in SITE["plugins"] if "mkdocs-jupyter" in plugin]
    assert (settings["execute"], settings["allow_errors"], settings["cache"]) == (True, False, False)
