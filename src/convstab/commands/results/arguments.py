"""How the commands about results read their arguments: what is wrong with them is one line, as everywhere."""

import argparse
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from convstab.errors import InputError
from convstab.packages import need

ASKED = "_ARGCOMPLETE"  # the variable by which a shell asks
EXAMPLES = {  # by the name of the command, as --help shows them
    "convstab demo": ("convstab demo", "convstab demo runs/first"),
    "convstab ls": ("convstab ls", "convstab ls runs/sweep/sigma_mnist"),
    "convstab-camera": (
        "convstab-camera frames",
        "convstab-camera frames --result runs/evaluate/sensor --share 0.02",
        "convstab-camera raw --black 4096 --white 65520 --output camera",
    ),
    "convstab-figures": (
        "convstab-figures runs/evaluate/m --level 20",
        "convstab-figures runs/evaluate/a runs/evaluate/b --output compared",
        "convstab-figures runs/evaluate/m runs/evaluate/m_jpeg --reference runs/evaluate/n runs/evaluate/n_jpeg",
    ),
    "convstab-instances": (
        "convstab-instances runs/attack/m-ddn",
        "convstab-instances runs/evaluate/m --radius 0.5 1 2 --images 20 --timeout 600",
        "convstab-instances runs/attack/m-ddn --verdicts results.csv",
    ),
    "convstab-ledger": (
        "convstab-ledger runs/evaluate/m",
        "convstab-ledger runs/evaluate/m runs/attack/m-ddn runs/attack/m-nes --thickness",
        "convstab-ledger runs/evaluate/m runs/attack/m-ddn --bounds --beside runs/evaluate/n/ledger",
    ),
    "convstab-members": (
        "convstab-members runs/evaluate/ensemble runs/evaluate/a runs/evaluate/b runs/evaluate/c",
        "convstab-members runs/evaluate/ensemble runs/evaluate/a runs/evaluate/b --output gains",
    ),
    "convstab-publish": (
        "convstab-publish runs/m runs/evaluate/m",
        "convstab-publish runs/sweep/sigma_mnist --project noise --mode online",
    ),
    "convstab-report": (
        "convstab-report runs",
        "convstab-report runs/m runs/evaluate/m runs/attack/m-ddn --output page",
        'convstab-report runs/evaluate/m --title "Stop signs in noise" --wandb auto',
    ),
    "convstab-require": (
        "convstab-require requirements.yaml runs/evaluate/m",
        "convstab-require requirements.yaml runs/evaluate/m runs/attack/m-ddn --output evidence",
    ),
    "convstab-wandb": (
        "convstab-wandb sweep train seed=0,1,2 dataset=mnist > sweep.yaml",
        "convstab-wandb --project noise workspace my-team",
    ),
}


class Arguments(argparse.ArgumentParser):
    """A parser whose errors are an InputError, with no usage before it; its help ends with examples.

    Of a shell that asks what a word can become, as argcomplete has told it, it says that and ends.
    """

    def parse_args(  # type: ignore[override]  # no other namespace is asked for
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        """What the words say."""
        if ASKED in os.environ:
            with suppress(InputError):  # a shell can show no message
                need("argcomplete", "completion").autocomplete(self)
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise InputError(f"{self.prog}: {message}; --help says what it takes")

    def format_help(self) -> str:
        """What argparse says, and the examples of the command, each on a line of its own."""
        lines = "".join(f"  {example}\n" for example in EXAMPLES.get(self.prog, ()))
        return super().format_help() + (f"\nExamples:\n{lines}" if lines else "")
