"""How well a few draws, or an attack, foretell the flips of many draws, image by image: the flat-boundary law at work.

python evaluate.py run=runs/m images=500 draws=10 output=few
python evaluate.py run=runs/m images=500 draws=150 output=many
python attack.py run=runs/m images=500 attack=ddn output=ddn
python -m benchmarks.margins few many ddn

The draws of the first are the first of those of the second; what they foretell is counted on all the others. Of the
images that are correct when clean: the mean flip rate as counted, and as foretold by the count of the few draws, by
their margins (Lieberman and Resnikoff 1955), and by the least perturbation with a flat boundary. error: root mean
square of what is foretold of an image less its true chance, the noise of the other draws taken out. saved: how many
times as many draws would have to be counted for the error of their margins; correlation: over images, of the law with
what is counted.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.exits import bad_input_ends
from convstab.ledger.ledger import Ledger
from convstab.statistics.boundary import flip_chance
from convstab.statistics.intervals import Floats

HEAD = ["counted", "by few draws", "by their margins", "by the attack", "error: draws", "margins", "attack", "saved"]


def others(few: StabilityResult, many: StabilityResult) -> tuple[Floats, Floats]:
    """Share of the draws of the second result that the first has not, which are misclassified, and how many there are.

    Raises InputError when the results are not of the same images, levels and seed.
    """
    same = np.array_equal(few.rows["index"], many.rows["index"]) and np.array_equal(few.levels, many.levels)
    if not same or few.protocol.seed != many.protocol.seed or few.draws >= many.draws:
        raise InputError("the first result must hold the first draws of the images and levels of the second")
    draws, correct = (many.by_image(name) - few.by_image(name) for name in ("draws", "correct"))
    return (1 - correct / draws.clip(1))[:, few.degraded], draws[:, few.degraded]


def error(foretold: Floats, counted: Floats, draws: Floats) -> Floats:
    """Root mean square over images of what is foretold less the true chance, (levels,)."""
    noise = counted * (1 - counted) / (draws - 1)
    return np.asarray(np.sqrt(np.maximum(((foretold - counted) ** 2 - noise).mean(0), 0)), np.float64)


def table(few: StabilityResult, many: StabilityResult, attack: AttackResult) -> str:
    """One row for each level."""
    counted, draws = others(few, many)
    ledger = Ledger.of(few, {"attack": attack})
    distance = ledger.rows["perturbation"]
    some = ledger.rows["clean_correct"] & np.isfinite(distance)
    by_count, by_margins = ledger.by_level("flips")[some], ledger.by_level("chance")[some]
    by_attack = flip_chance(distance[some, None], np.array(ledger.levels))
    counted, draws = counted[some], draws[some]
    errors = [error(foretold, counted, draws) for foretold in (by_count, by_margins, by_attack)]
    head = [ledger.label, *HEAD, "correlation"]
    lines = [f"{some.sum()} images, {few.draws} draws against {many.draws - few.draws} others", ""]
    lines += [f"| {' | '.join(head)} |", "|" + "---:|" * len(head)]
    for place, level in enumerate(ledger.levels):
        means = [f"{rate[:, place].mean():.2%}" for rate in (counted, by_count, by_margins, by_attack)]
        off = [f"{100 * one[place]:.2f}" for one in errors]
        with np.errstate(divide="ignore", invalid="ignore"):
            saved = (errors[0][place] / errors[1][place]) ** 2
            alike = np.corrcoef(by_attack[:, place], counted[:, place])[0, 1]
        lines.append(f"| {' | '.join([f'{level:g}', *means, *off, f'{saved:.1f}', f'{alike:.2f}'])} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("few", type=Path, help="an evaluation of few draws")
    parser.add_argument("many", type=Path, help="one of many draws of the same images")
    parser.add_argument("attack", type=Path, help="an attack on the same model and images")
    with bad_input_ends():
        given = parser.parse_args(arguments)
        few, many = StabilityResult.read(given.few), StabilityResult.read(given.many)
        print(table(few, many, AttackResult.read(given.attack)))


if __name__ == "__main__":
    main()
