"""The images of a ledger that fail first, for a reader who wants to look at them."""

from collections.abc import Iterator

import numpy as np

from convstab.images import NAME
from convstab.ledger.ledger import Ledger
from convstab.ledger.sentences import tells_first_failing
from convstab.ledger.tables import number
from convstab.units import Integers

SAID = {"fails": "fails at {:g}", "undecided": "open at {:g}", "holds": "withstands all levels"}


def first_to_fail(ledger: Ledger) -> Integers:
    """The clean-correct images, as rows: those whose draws flip most often, then the nearest."""
    some = np.flatnonzero(ledger.rows["clean_correct"])
    flips, nearest = ledger.by_level("flips")[some], ledger.rows["perturbation"][some]
    often = np.nan_to_num(flips).sum(1) / np.maximum(1, (~np.isnan(flips)).sum(1))
    return some[np.lexsort((some, nearest, -often))]


def in_lines(ledger: Ledger, count: int) -> Iterator[str]:
    """So many of them, a line for each: which image, its class, and what is known of where it fails."""
    rows, flips = first_to_fail(ledger), ledger.by_level("flips")
    if len(rows):
        yield f"First to fail, by how many draws flip, of {len(rows):,} images that are correct when clean:"
    for row in rows[:count]:
        of = {name: column[row] for name, column in ledger.rows.items()}
        said = [f"{100 * np.nanmean(flips[row]):.1f} % flip"] if flips[row].size else []
        said += [SAID[of["failing"]].format(of["first_failing"])] if tells_first_failing(ledger) else []
        said += [] if np.isnan(of["perturbation"]) else [f"least L2 {number(of['perturbation'])}"]
        yield f"  {shown(str(of.get(NAME, of['index'])))} ({ledger.classes[of['label']]}): {', '.join(said)}"


def shown(name: str) -> str:
    """A name without what moves a terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)
