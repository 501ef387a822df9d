"""What draws=auto saves and what it costs: a result of it, alone or beside one of many draws of the same images.

python evaluate.py run=runs/m draws=auto output=auto
python evaluate.py run=runs/m draws=150 output=fixed
python -m benchmarks.draws auto fixed

share: of the forward passes of 150 draws. draws: of each image, from the mildest level to the worst. error / half: how
far draws alone may move an accuracy beside half its 95 % interval, at the level where that is most. apart: the largest
difference of an accuracy from that of many draws, and how many of the differences lie beyond what the draws of both
may do together; one of 20 may. class: the largest difference of a precision or recall over all levels.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.exits import bad_input_ends
from convstab.statistics.rates import precision, recall


def alone(result: StabilityResult) -> str:
    """The cells of what one result says of itself."""
    protocol = result.protocol
    share = protocol.draws_per_image / protocol.in_paper.draws_per_image
    errors = result.draws_error[result.degraded]
    half = result.accuracy.half[result.degraded]
    most = int(np.nanargmax(errors / half))
    worst = f"{100 * errors[most]:.2f} / {100 * half[most]:.2f}"
    return f"{result.images:,} | {' '.join(map(str, protocol.degraded_draws))} | {share:.1%} | {worst}"


def beside(result: StabilityResult, many: StabilityResult) -> str:
    """The cells of how far it is from a result of many draws."""
    if not np.array_equal(result.rows["index"], many.rows["index"]):
        raise InputError("the two results are not of the same images and levels")
    levels = result.degraded
    apart = np.abs(result.accuracy.value - many.accuracy.value)[levels]
    both = np.hypot(result.draws_error, many.draws_error)[levels]
    classes = [np.nanmax(np.abs(of(result.pooled_confusion) - of(many.pooled_confusion))) for of in (precision, recall)]
    beyond = f"{int((apart > both).sum())} of {levels.sum()}"
    return f"{100 * apart.max():.2f} | {beyond} | {100 * max(classes):.2f}"


def table(folder: Path, many: Path | None) -> str:
    """The row of one result, with its head."""
    result = StabilityResult.read(folder)
    head, cells = "images | draws | share | error / half (points)", alone(result)
    if many is not None:
        head += " | apart (points) | beyond | class (points)"
        cells += f" | {beside(result, StabilityResult.read(many))}"
    return "\n".join(
        [f"| result | {head} |", "|---|" + "---:|" * head.count("|") + "---:|", f"| {folder.name} | {cells} |"]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of a result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.draws", description=__doc__.splitlines()[0])
    parser.add_argument("auto", type=Path, help="the folder of an evaluation with draws=auto")
    parser.add_argument("many", type=Path, nargs="?", help="that of one with many draws of the same images")
    chosen = parser.parse_args(arguments)
    with bad_input_ends():
        print(table(chosen.auto, chosen.many))


if __name__ == "__main__":
    main()
