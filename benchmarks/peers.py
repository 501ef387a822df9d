"""The norms of one attack against those of others, image by image, over several runs.

python -m benchmarks.peers outputs/mnist_21/genetic outputs/mnist_21/nes outputs/mnist_22/genetic ...

Takes folders that attack.py wrote, and prints a table for each run and, for each other attack, the ratios of norms over
the images that both attacked, of all runs in which there are both:

- median of ratios: of the norms of one image. 95 % interval by order statistics, whatever the ratios are.
- ratio of medians: of all images. 95 % interval from 2,000 bootstrap samples, percentiles.

Both intervals are over images, or groups of images where the data set has any; one image in several runs is one unit.
A failure counts as an infinite norm; where both failed, an image tells nothing and is left out.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convstab.attacks.result import AttackResult, on_common_images, quantile
from convstab.errors import InputError
from convstab.exits import bad_input_ends
from convstab.statistics.intervals import median_ends
from convstab.units import GROUP, Units

Runs = Mapping[str, Mapping[str, AttackResult]]  # by run, then by attack
SAMPLES, SEED = 2_000, 0
HEAD = (
    "| attack | success | L2 median | 90 % | PSNR median (dB) | 90 % | queries | gradients | seconds | cut off "
    "| fools in 8 bit |\n|---|" + 10 * "---:|"
)


class Pairs(NamedTuple):
    """Norms of two attacks on n images, (2, n), and the unit that each image belongs to, (n,)."""

    norms: NDArray[np.float64]
    units: NDArray[np.int64]


def read(folders: Sequence[Path]) -> Runs:
    """The results of folders; InputError when one is not whole, or the same attack of a run is there twice."""
    results: dict[str, dict[str, AttackResult]] = defaultdict(dict)
    for folder in folders:
        result = AttackResult.read(folder)
        if result.attack in results[result.run]:
            raise InputError(f"{folder} is a second result of {result.attack} on {result.run}; give one of them")
        results[result.run][result.attack] = result
    return results


def row(result: AttackResult) -> str:
    """One line of the table of a run."""
    numbers, rows = result.summary, result.part(result.rows["attacked"]).rows
    l2, l2_90, psnr, psnr_90 = (
        "-" if numbers[name] is None else f"{numbers[name]:.{digits}f}"
        for name, digits in (("l2_median", 3), ("l2_90", 3), ("psnr_median", 1), ("psnr_90", 1))
    )
    cells = [result.attack, f"{rows['success'].sum()} of {numbers['attacked']}", l2, l2_90, psnr, psnr_90]
    cells += [f"{quantile(rows[name], 50):,.0f}" for name in ("queries", "gradients")]
    cells += [f"{numbers['seconds'] / numbers['attacked']:.1f}", f"{numbers['cut_off']:.0%}"]
    return f"| {' | '.join(cells)} | {rows['success_rounded'].mean():.0%} |"


def pairs(runs: Sequence[Mapping[str, AttackResult]], first: str, other: str) -> Pairs:
    """The images that both attacked and one at least fooled, of all runs; each has results of both."""
    norms, units = [np.empty((2, 0))], [np.empty(0, np.int64)]
    for results in runs:
        both = on_common_images({name: results[name] for name in (first, other)})
        rows = both[first].rows
        norms.append(np.stack([result.norms for result in both.values()]))
        units.append(rows.get(GROUP, rows["index"]))
    joined, members = np.concatenate(norms, axis=1), np.concatenate(units)
    known = np.isfinite(joined).any(0)
    return Pairs(joined[:, known], members[known])


def median_of_ratios(pairs: Pairs) -> tuple[float, float, float]:
    """Median, lower and upper end."""
    first, other = pairs.norms
    return float(quantile(first / other, 50)), *median_ends(first / other, Units(pairs.units))


def ratio_of_medians(pairs: Pairs) -> tuple[float, float, float]:
    """Ratio of the medians, lower and upper end."""
    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(pairs.units == unit) for unit in np.unique(pairs.units)]
    ratios = np.empty(SAMPLES)
    for sample in range(SAMPLES):
        drawn = np.concatenate([members[unit] for unit in rng.integers(len(members), size=len(members))])
        ratios[sample] = np.divide(*quantile(pairs.norms[:, drawn].T, 50))
    low, high = np.quantile(ratios, [0.025, 0.975], method="nearest")
    return float(np.divide(*quantile(pairs.norms.T, 50))), float(low), float(high)


def report(runs: Runs, first: str) -> Iterator[str]:
    """Tables of the runs, then the ratios; InputError when no folder is of the first attack."""
    attacks = list(dict.fromkeys(attack for results in runs.values() for attack in results))
    if first not in attacks:
        raise InputError(f"--first is {first}; the folders are of {', '.join(attacks)}")
    for name, results in runs.items():
        yield f"\n{name}\n\n{HEAD}"
        yield from map(row, results.values())
    yield f"\n| {first} against | runs | images | median of ratios | ratio of medians |\n|---|{4 * '---:|'}"
    for other in [attack for attack in attacks if attack != first]:
        compared = [results for results in runs.values() if {first, other} <= results.keys()]
        both = pairs(compared, first, other)
        if len(both.units):
            ends = (median_of_ratios(both), ratio_of_medians(both))
            cells = [f"{middle:.3f} ({low:.3f} to {high:.3f})" for middle, low, high in ends]
            yield f"| {other} | {len(compared)} | {len(both.units)} | {' | '.join(cells)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="of attack.py")
    parser.add_argument("--first", default="Genetic", help="the attack whose norms are divided (default: Genetic)")
    options = parser.parse_args()
    with bad_input_ends():
        for line in report(read(options.folders), options.first):
            print(line)


if __name__ == "__main__":
    main()
