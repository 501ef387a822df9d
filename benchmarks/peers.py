"""The norms of one attack against those of others, image by image, over several runs.

python benchmarks/peers.py outputs/mnist_21/genetic outputs/mnist_21/nes outputs/mnist_22/genetic ...

Takes folders that attack.py wrote, and prints a table for each run and, for each other attack, the ratios of norms over
the images that both attacked, of all runs in which there are both:

- median of ratios: of the norms of one image. Interval: order statistics, exact for any distribution (binomial).
- ratio of medians: of all images. Interval: 10,000 bootstrap samples of the images of each run, percentiles.

A failure counts as an infinite norm; where both failed, an image tells nothing and is left out.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from convstab.attack_results import AttackResult, quantile, together
from convstab.endings import bad_input_ends
from convstab.errors import InputError

Runs = Mapping[str, Mapping[str, AttackResult]]  # by run, then by attack
Pairs = list[NDArray[np.float64]]  # for each run: norms of two attacks, (2, n)

LEVEL, SAMPLES, SEED = 0.95, 10_000, 0
HEAD = (
    "| attack | success | L2 median | 90 % | PSNR median (dB) | 90 % | queries | gradients | seconds | cut off "
    "| fools in 8 bit |\n|---|" + 10 * "---:|"
)


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


def pairs(runs: Runs, first: str, other: str) -> Pairs:
    """The norms of the images that both attacked and one at least fooled, run by run."""
    found = []
    for results in runs.values():
        if {first, other} <= results.keys():
            both = together({name: results[name] for name in (first, other)})
            norms = np.stack([result.norms for result in both.values()])
            found.append(norms[:, np.isfinite(norms).any(0)])
    return found


def median_of_ratios(norms: Pairs) -> tuple[float, float, float]:
    """Median, lower and upper end; the ends are the order statistics between which the median lies with ``LEVEL``."""
    ratios = np.sort(np.concatenate([first / other for first, other in norms]))
    rank = int(binom.ppf((1 - LEVEL) / 2, len(ratios), 0.5))  # from 1; below 1 there is no end
    low, high = (ratios[rank - 1], ratios[-rank]) if rank else (0.0, np.inf)
    return float(quantile(ratios, 50)), float(low), float(high)


def ratio_of_medians(norms: Pairs) -> tuple[float, float, float]:
    """Ratio of the medians over all runs, lower and upper end."""
    rng = np.random.default_rng(SEED)
    samples = np.concatenate(
        [pair[:, rng.integers(pair.shape[1], size=(SAMPLES, pair.shape[1]))] for pair in norms], axis=2
    )
    first, other = np.quantile(samples, 0.5, axis=2, method="lower")
    low, high = np.quantile(first / other, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    first, other = np.quantile(np.concatenate(norms, axis=1), 0.5, axis=1, method="lower")
    return float(first / other), float(low), float(high)


def report(runs: Runs, first: str) -> Iterator[str]:
    """Tables of the runs, then the ratios; InputError when no folder is of the first attack."""
    attacks = list(dict.fromkeys(attack for results in runs.values() for attack in results))
    if first not in attacks:
        raise InputError(f"--first is {first}; the folders are of {', '.join(attacks)}")
    for name, results in runs.items():
        yield f"\n{name}\n\n{HEAD}"
        yield from map(row, results.values())
    yield f"\n| {first} against | runs | images | median of ratios | ratio of medians |\n|---|{4 * '---:|'}"
    for other in attacks:
        norms = pairs(runs, first, other) if other != first else []
        if norms:
            cells = [
                f"{middle:.3f} ({low:.3f} to {high:.3f})"
                for middle, low, high in (median_of_ratios(norms), ratio_of_medians(norms))
            ]
            yield f"| {other} | {len(norms)} | {sum(pair.shape[1] for pair in norms)} | {' | '.join(cells)} |"


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
