"""How damages of the files of a result end: python -m benchmarks.damage --each 1000.

Each damage (bits flipped, cut, prolonged, zeros, another file, nothing) of a file must end in one line that names a
file of the result, or change nothing; each forgery (other names, types, lengths and values, with checksums that fit)
in one line, or in a result. Anything else ends this with a traceback. Prints a Markdown table.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hypothesis import strategies as st

from tests.support.damages import FILES, FORGEABLE, FORGED, KINDS, READ, budget, results_in, try_damage, try_forgery

HEAD = "| file | tried | one line | harmless | wrong |\n|---|---:|---:|---:|---:|"


def row(name: str, each: int, tried: Callable[[st.DataObject], bool]) -> str:
    """Try so many; how they ended."""
    ended = Counter[bool]()
    budget(lambda data: ended.update([tried(data)]), each)
    return f"| {name} | {ended.total():,} | {ended[True]:,} | {ended[False]:,} | 0 |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=1000, help="damages of each kind of file")
    each = parser.parse_args().each
    with tempfile.TemporaryDirectory() as folder:
        whole = results_in(Path(folder))
        values = {command: READ[command](whole / command) for command in FILES}
        print(HEAD)
        for kind, places in KINDS.items():
            print(row(f"`{kind}`, damaged", each, partial(try_damage, whole, values, places)), flush=True)
        for kind in (*FORGED, "part"):
            print(row(f"`{kind}`, forged", each, partial(try_forgery, whole, FORGEABLE[kind])), flush=True)


if __name__ == "__main__":
    main()
