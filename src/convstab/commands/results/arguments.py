"""How the commands about results read their arguments: what is wrong with them is one line, as everywhere."""

import argparse
from typing import NoReturn

from convstab.errors import InputError


class Arguments(argparse.ArgumentParser):
    """A parser whose errors are an InputError, with no usage before it."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise InputError(f"{self.prog}: {message}; --help says what it takes")
