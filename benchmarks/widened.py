"""Whether another training has moved the boundary away: the least perturbations of two ledgers, image by image.

convstab-ledger runs/clean_eval runs/clean_ddn
convstab-ledger runs/noisy_eval runs/noisy_ddn
python -m benchmarks.widened runs/clean_eval/ledger runs/noisy_eval/ledger

Of the images that both models classify correctly when clean and that were attacked in both: the median of the ratio of
the second least perturbation to the first, with its 95 % interval over images or groups of them, and the share of the
images for which it is larger. A search that failed counts as an endless perturbation; where both failed, as 1.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstab.errors import InputError
from convstab.exits import bad_input_ends
from convstab.ledger.ledger import Ledger
from convstab.statistics.intervals import median_ends


def line(first: Ledger, second: Ledger) -> str:
    """The ratio in words; InputError when the ledgers are not of the same images."""
    if not np.array_equal(first.rows["index"], second.rows["index"]):
        raise InputError("the two ledgers are not of the same images")
    least = [np.where(one.rows["clean_correct"], one.rows["perturbation"], np.nan) for one in (first, second)]
    both = (least[0] > 0) & (least[1] > 0)  # NaN is not; 0: it was correct when evaluated, and not when attacked
    before, after = (values[both] for values in least)
    ratio = np.where(np.isinf(before) & np.isinf(after), 1.0, after / before)
    low, high = median_ends(ratio, first.units.part(both))
    larger = f"larger for {(ratio > 1).mean():.1%} of {both.sum()} images"
    return f"median ratio {np.median(ratio):.3f} [{low:.3f}, {high:.3f}], {larger}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="a ledger, that of the model as it was")
    parser.add_argument("second", type=Path, help="that of the other training")
    with bad_input_ends():
        given = parser.parse_args(arguments)
        print(line(Ledger.read(given.first), Ledger.read(given.second)))


if __name__ == "__main__":
    main()
