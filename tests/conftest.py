"""How the tests are run: with one thread in each process, and what takes longest first."""

import os

import pytest

LONGEST = (  # files, by their processor time
    "tests/test_style.py",
    "tests/test_damage.py",  # of the slow ones
    "tests/commands/test_mistakes.py",
    "tests/test_signals.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """One thread for each process, here and in those that tests start: two of them test side by side."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OC_CAUSE", "0")  # else OmegaConf says more where coverage is measured


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Load what the tests share, and with it the package, now that coverage counts its first lines, too."""
    if session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput"):
        return  # it hands out the tests, and needs no torch
    session.config.pluginmanager.import_plugin("tests.support.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process waits for the other one in the end."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
