"""What several tests of commands begin with; a file that needs other trainings makes its own."""

from pathlib import Path

import pytest

from tests.support.in_process import train_short


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one short training of the digits, which is called one."""
    return train_short(tmp_path_factory.mktemp("trained"), {"one": ["seed=0"]})


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of a result."""
    return tmp_path / "made"
