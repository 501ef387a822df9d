"""What a .vnnlib file asks, read again by a parser of its own: of a linear model the answer is known in closed form."""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import linprog

from convstab.bounds.vnnlib import box, question
from convstab.statistics.intervals import Floats

CLASSES, LABEL = 4, 2
SHAPE = 3, 4, 4
DECLARED = re.compile(r"\(declare-const ([XY])_(\d+) Real\)")
BOUND = re.compile(r"\(assert \(([<>])= X_(\d+) ([\d.]+)\)\)")
OTHER = re.compile(r"\(and \(>= Y_(\d+) Y_(\d+)\)\)")


@dataclass
class Asked:
    """What a file says: names, the bounds of X, and which logit is at least which, of which one must hold."""

    declared: list[tuple[str, int]] = field(default_factory=list)
    low: dict[int, float] = field(default_factory=dict)
    high: dict[int, float] = field(default_factory=dict)
    either: list[tuple[int, int]] = field(default_factory=list)


def parsed(text: str) -> Asked:
    """Each line of a file must be one that is known, and its end the disjunction."""
    text = re.sub(r"(?m)^;.*\n", "", text)
    head, either = re.fullmatch(r"(.*)\(assert \(or\n(.*)\n\)\)\n", text, re.DOTALL).groups()  # type: ignore[union-attr]
    found = Asked()
    for line in head.splitlines():
        if declared := DECLARED.fullmatch(line):
            found.declared.append((declared[1], int(declared[2])))
        else:
            sign, place, value = BOUND.fullmatch(line).groups()  # type: ignore[union-attr]
            side = found.low if sign == ">" else found.high
            assert int(place) not in side
            side[int(place)] = float(value)
    for line in either.splitlines():
        greater, less = OTHER.fullmatch(line.strip()).groups()  # type: ignore[union-attr]
        found.either.append((int(greater), int(less)))
    return found


def linear(seed: int) -> tuple[Floats, Floats, np.ndarray, float]:
    """Weights, offsets, an image that they give the label, and how far in L-infinity it is from another class."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(SHAPE))
    weight, pixels = rng.normal(size=(CLASSES, size)), rng.integers(90, 166, SHAPE, np.uint8)
    offset = rng.uniform(1, 3, CLASSES) * [-1, -1, 0, -1] - weight @ (pixels.ravel() / 255)
    margins = [-offset[other] - weight[other] @ (pixels.ravel() / 255) for other in range(CLASSES)]
    across = [np.abs(weight[other] - weight[LABEL]).sum() for other in range(CLASSES)]
    radii = [255 * margins[other] / across[other] for other in range(CLASSES) if other != LABEL]
    return weight, offset, pixels, min(radii)


def possible(asked: Asked, weight: Floats, offset: Floats) -> bool:
    """Whether some image in the box is misclassified, by one linear program for each other class."""
    sides = [(asked.low[place], asked.high[place]) for place in range(weight.shape[1])]
    programs = ((weight[less] - weight[more], offset[more] - offset[less]) for more, less in asked.either)
    states = [linprog(0 * row, A_ub=[row], b_ub=[limit], bounds=sides).status for row, limit in programs]
    assert set(states) <= {0, 2}  # solved, or infeasible
    return 0 in states


@pytest.mark.parametrize("seed", range(5))
def test_of_a_linear_model_the_answer_turns_at_its_distance(seed: int) -> None:
    weight, offset, pixels, radius = linear(seed)
    assert 1 < radius < 90  # where no pixel is clipped
    answers = [
        possible(parsed(question(pixels, LABEL, CLASSES, share * radius, "")), weight, offset)
        for share in (0.9999, 1.0001)
    ]
    assert answers == [False, True]


def test_the_question_names_every_input_and_all_other_classes() -> None:
    _, _, pixels, _ = linear(0)
    asked = parsed(question(pixels, LABEL, CLASSES, 3, "image 7"))
    assert asked.declared == [*(("X", place) for place in range(48)), *(("Y", place) for place in range(CLASSES))]
    assert asked.low.keys() == asked.high.keys() == set(range(48))
    assert asked.either == [(0, LABEL), (1, LABEL), (3, LABEL)]


@pytest.mark.parametrize("radius", [1e-6, 1 / 3, 2.58, 300.0])
def test_a_box_holds_all_images_within_its_distance(radius: float) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    low, high = box(grey, radius)
    exact = [((grey.ravel() + side) / 255).clip(0, 1) for side in (-radius, radius)]
    assert ((low >= 0) & (high <= 1)).all()
    for outside in (exact[0] - low, high - exact[1]):
        assert -1e-12 < outside.min() <= outside.max() < 1.001e-9  # no further than float64 and nine decimals round


def test_the_file_says_the_bounds_of_the_box_to_the_last_digit() -> None:
    _, _, pixels, _ = linear(1)
    asked, (low, high) = parsed(question(pixels, LABEL, CLASSES, 1 / 3, "")), box(pixels, 1 / 3)
    assert list(asked.low.values()) == low.tolist()
    assert list(asked.high.values()) == high.tolist()
