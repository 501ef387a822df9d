"""A browser for the tests of the page, and what they ask it; they are skipped where there is none."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
Opened = Callable[..., Any]
POSITION = """([figure, trace, point]) => {
  const box = document.querySelector(`${figure} .chart`);
  const { xaxis, yaxis } = box._fullLayout, edge = box.getBoundingClientRect(), { x, y } = box.data[trace];
  return [edge.left + xaxis._offset + xaxis.l2p(x[point]), edge.top + yaxis._offset + yaxis.l2p(y[point])];
}"""
MEAN = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(4, 4, 8, 8), sums = [0, 0, 0];
  data.forEach((value, at) => { if (at % 4 < 3) sums[at % 4] += value; });
  return sums.map((sum) => sum / 64);
}"""


def written(html: str, folder: Path) -> str:
    """The address of a page that is written into a folder."""
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


@contextmanager
def started() -> Iterator[Any]:
    """A browser that is installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@contextmanager
def opening(browser: Any, address: str) -> Iterator[Opened]:
    """Open the page; in the end nothing must have been complained of, asked for or popped up."""
    seen: list[str] = []
    contexts = []

    def requested(request: Any) -> None:
        if request.url.partition("#")[0] != address and not request.url.startswith(("data:", "blob:null/")):
            seen.append(f"request: {request.url}")

    def popped_up(dialog: Any) -> None:
        seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_page(width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("dialog", popped_up)
        page.on("request", requested)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen == [], seen


def drawn(page: Any, figure: str) -> Any:
    """A figure, when its charts are there."""
    found = page.locator(figure)
    found.scroll_into_view_if_needed()
    page.wait_for_selector(f"{figure}[data-ready=yes]")
    return found


def traces(page: Any, figure: str, chart: int = 0) -> Any:
    """The x and y of each trace of a chart."""
    script = "([f, n]) => document.querySelectorAll(`${f} .chart`)[n].data.map((t) => [t.x ?? [], t.y ?? []])"
    return page.evaluate(script, [figure, chart])


def facts(figure: Any) -> dict[str, str]:
    """What the panel of a figure says of the chosen dot."""
    words, meanings = (figure.locator(f"dl {name}").all_text_contents() for name in ("dt", "dd"))
    return dict(zip(words, meanings, strict=True))
