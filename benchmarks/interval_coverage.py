"""How often the 95 % intervals hold: simulated test sets whose true rates, changes and medians are known.

python -m benchmarks.interval_coverage
python -m benchmarks.interval_coverage --repetitions 10000 --seed 1

Three Markdown tables: a row for each law by which units fail, a column for each kind of test set. A cell is the least
coverage over 1, 10 and 150 draws. Images of one group share their chance to fail. Last the width of the
intervals of rates as a multiple of Wilson's with as many trials as units of equal size.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri

from convstab.statistics import intervals
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import Integers, Units

DRAWS = (1, 10, 150)
LARGEST = 30  # images of a group; fewer where there are many groups
AT_ONCE = 2**22  # images that are simulated at once
Law = Callable[[Generator, int, int], Floats]  # (units, repetitions) chances to fail
Interval = Callable[[Floats, Units], Estimate]


@dataclass(frozen=True)
class TestSet:
    """So many units: images, or groups of 1 to ``largest``."""

    units: int
    grouped: bool = False

    @property
    def largest(self) -> int:
        """The most images of a unit."""
        return min(LARGEST, 30_000 // self.units) if self.grouped else 1

    @property
    def name(self) -> str:
        """The head of its column."""
        return f"{self.units:,} {'groups' if self.grouped else 'images'}"

    @property
    def trials(self) -> float:
        """As many units of equal size weigh as much (Kish 1965): squared mean of 1 to L over the mean of squares."""
        return self.units * 3 * (self.largest + 1) / (2 * (2 * self.largest + 1))

    def sizes(self, rng: Generator) -> Integers:
        """Images of each unit."""
        return rng.integers(1, self.largest + 1, self.units)

    def of_images(self, sizes: Integers) -> Units:
        """What is independent among its images."""
        return Units(np.arange(self.units).repeat(sizes)) if self.grouped else Units()


def beta(a: float, b: float) -> Law:
    """Chances that are spread by Beta(a, b); its mean is a / (a + b)."""
    return lambda rng, units, repetitions: rng.beta(a, b, (units, repetitions))


def constant(chance: float) -> Law:
    """All units fail by the same chance."""
    return lambda _, units, repetitions: np.full((units, repetitions), chance)


def fragile(count: int, always: bool = False) -> Law:
    """So many units, on average, fail by a chance in (0, 1), or always; the others never do."""

    def law(rng: Generator, units: int, repetitions: int) -> Floats:
        chances = (rng.random((units, repetitions)) < count / units).astype(float)
        if not always:
            chances[chances > 0] = rng.random(int(chances.sum()))
        return chances

    return law


@dataclass(frozen=True)
class Failing:
    """How units fail: their law, and the mean of its chances among so many units."""

    law: Law
    mean: Callable[[int], float]
    least: int = 0  # units that it needs


def of_mean(mean: float) -> Callable[[int], float]:
    """The same mean among however many units."""
    return lambda _: mean


def share_of(failing: float) -> Callable[[int], float]:
    """So many, on average, among all."""
    return lambda units: failing / units


LAWS = {
    "common": Failing(beta(3, 7), of_mean(0.3)),
    "all alike": Failing(constant(0.1), of_mean(0.1)),
    "rare": Failing(constant(0.001), of_mean(0.001)),
    "Beta(.2, 1.8)": Failing(beta(0.2, 1.8), of_mean(0.1)),
    "Beta(.05, .95)": Failing(beta(0.05, 0.95), of_mean(0.05)),
    **{f"{count} fragile": Failing(fragile(count), share_of(count / 2), count) for count in (1, 3, 10, 30)},
    **{f"{count} always fail": Failing(fragile(count, always=True), share_of(count), count) for count in (1, 3, 10)},
}
TEST_SETS = [TestSet(units, grouped) for units in (50, 421, 10_000) for grouped in (False, True)]


def failures(rng: Generator, chances: Floats, draws: int) -> Floats:
    """The share of failed draws of each image."""
    shares, some = np.zeros_like(chances), chances > 0
    shares[some] = rng.binomial(draws, chances[some]) / draws
    return shares


def rates(rng: Generator, law: str, test_set: TestSet, draws: int, repetitions: int, interval: Interval) -> Estimate:
    """Intervals of simulated rates."""
    sizes = test_set.sizes(rng)
    chances = LAWS[law].law(rng, test_set.units, repetitions).repeat(sizes, axis=0)
    return interval(failures(rng, chances, draws), test_set.of_images(sizes))


def changes(rng: Generator, law: str, test_set: TestSet, draws: int, repetitions: int, interval: Interval) -> Estimate:
    """Intervals of simulated changes: units that fail by the law in one model, and half of as many in the other."""
    sizes = test_set.sizes(rng)
    first, second = (LAWS[law].law(rng, test_set.units, repetitions) for _ in range(2))
    second *= rng.random(second.shape) < 0.5
    first, second = (failures(rng, chances.repeat(sizes, axis=0), draws) for chances in (first, second))
    return interval(first - second, test_set.of_images(sizes))


def in_pieces(
    simulate: Callable[..., Estimate], law: str, test_set: TestSet, repetitions: int, interval: Interval, seed: int
) -> Iterator[tuple[int, Estimate]]:
    """(draws, intervals) of as many simulated test sets as fit into memory, until there are enough."""
    rng = np.random.default_rng([seed, len(law), *law.encode(), test_set.units, test_set.grouped])
    images = test_set.units * test_set.largest
    for draws in DRAWS:
        for start in range(0, repetitions, max(1, AT_ONCE // images)):
            some = min(repetitions - start, max(1, AT_ONCE // images))
            yield draws, simulate(rng, law, test_set, draws, some, interval)


def coverage(
    simulate: Callable[..., Estimate],
    law: str,
    test_set: TestSet,
    repetitions: int,
    interval: Interval,
    seed: int = 0,
) -> float:
    """The least share, over the numbers of draws, of simulated test sets whose interval has the truth."""
    truth = LAWS[law].mean(test_set.units) * (0.5 if simulate is changes else 1)
    held: dict[int, list[NDArray[np.bool_]]] = {draws: [] for draws in DRAWS}
    for draws, found in in_pieces(simulate, law, test_set, repetitions, interval, seed):
        held[draws].append((found.low <= truth) & (truth <= found.high))
    return min(float(np.concatenate(each).mean()) for each in held.values())


def median_coverage(test_set: TestSet, repetitions: int, within: float, seed: int = 0) -> float:
    """How often the interval of a median has it: logarithms of values are normal, about that of the group.

    within: standard deviation of the images of a group, as a multiple of that of the groups.
    """
    rng, held = np.random.default_rng([seed, test_set.units, test_set.grouped]), 0
    for _ in range(repetitions):
        sizes = test_set.sizes(rng)
        values = rng.normal(size=test_set.units).repeat(sizes) + within * rng.normal(size=int(sizes.sum()))
        low, high = intervals.median_ends(np.exp(values), test_set.of_images(sizes))
        held += low <= 1 <= high
    return held / repetitions


def widths(test_set: TestSet, repetitions: int, seed: int = 0) -> float:
    """Mean width of the intervals where failures are common, as a multiple of Wilson's."""
    pieces = in_pieces(rates, "common", test_set, repetitions, of_rates, seed)
    found = [(one.high - one.low).mean() / wilsons(one.value, test_set.trials).mean() for _, one in pieces]
    return float(np.mean(found))


def wilsons(share: Floats, trials: float) -> Floats:
    """The width of Wilson's interval of shares of so many trials."""
    z2 = float(ndtri(1 - intervals.TAIL)) ** 2
    return 2 * np.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)


def of_rates(values: Floats, units: Units) -> Estimate:
    """The interval that is tried."""
    return intervals.mean(values, units=units)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    count, seed = options.repetitions, options.seed
    sets = TEST_SETS
    head = ["|".join(["", "", *(each.name for each in sets), ""]), "|---|" + "---:|" * len(sets)]
    for name, simulate, interval in (("rates", rates, of_rates), ("changes", changes, intervals.mean_change)):
        print("\n".join([f"\n{name}:\n", *head]))
        for law, failing in LAWS.items():
            cells = [
                "-" if failing.least > each.units else f"{coverage(simulate, law, each, count, interval, seed):.3f}"
                for each in sets
            ]
            print(f"| {law} | {' | '.join(cells)} |", flush=True)
    print("\n".join(["\nmedians and widths:\n", *head]))
    for within in (0.1, 1.0):
        cells = [f"{median_coverage(each, min(count, 2000), within, seed):.3f}" for each in sets]
        print(f"| median, images {within:g} times as spread as groups | {' | '.join(cells)} |", flush=True)
    print(f"| width / Wilson's, common | {' | '.join(f'{widths(each, min(count, 300), seed):.2f}' for each in sets)} |")


if __name__ == "__main__":
    main()
