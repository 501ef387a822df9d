"""The browser of the tests of the page; each module has an ``address`` of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.page_browser import Opened, opening, started


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opened]:
    with opening(browser, address) as open_page:
        yield open_page
