"""Tables of what a verifier answered."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convstab.bounds.verdicts import ROUNDED, Answer
from convstab.files.csv_text import csv_text
from convstab.files.markdown_text import markdown_text

HEAD = "image", "label", "radius", "verdict", "seconds", "attack"
COLUMNS = "image", "label", "verified up to", "verifier's counterexample within", "attack's at", "nobody knows"


@dataclass(frozen=True)
class Known:
    """What is known of an image, as L-infinity norms in grey levels.

    verified: the greatest radius without a counterexample, 0 where none was proven. falsified: the least radius in
    which the verifier has one, infinite where it has none. attack: see ``Question``.
    """

    image: int
    label: int
    verified: float
    falsified: float
    attack: float

    @classmethod
    def of(cls, own: Sequence[Answer]) -> "Known":
        """From the answers for one image, at least one."""
        radii = {
            word: [one.question.radius for one in own if one.verdict == word] for word in ("verified", "falsified")
        }
        first = own[0].question
        verified, falsified = max(radii["verified"], default=0.0), min(radii["falsified"], default=math.inf)
        return cls(first.image, first.label, verified, falsified, first.attack)

    @property
    def upper(self) -> float:
        """No further than this is the nearest counterexample; infinite: nobody has found one."""
        return min(self.falsified, math.inf if math.isnan(self.attack) else self.attack)

    @property
    def cells(self) -> list[str]:
        """A row of the table."""
        least, found = "-" if self.falsified == math.inf else f"{self.falsified:g}", attack_cell(self.attack)
        far = "beyond" if self.upper == math.inf else f"{self.upper:.3g}"
        return [str(self.image), str(self.label), f"{self.verified:g}", least, found, f"{self.verified:g} to {far}"]


def attack_cell(norm: float) -> str:
    """What an attack found, in a table."""
    return "-" if math.isnan(norm) else "nothing" if norm == math.inf else f"{norm:.3g}"


def known_of(answers: Sequence[Answer]) -> list[Known]:
    """What is known of each image, in the order of the answers."""
    found: dict[int, list[Answer]] = {}
    for one in answers:
        found.setdefault(one.question.image, []).append(one)
    return [Known.of(own) for own in found.values()]


def as_csv(answers: Sequence[Answer]) -> str:
    """A row for each question; an empty cell: not known; inf: the attack found nothing."""
    asked = [(one, one.question) for one in answers]
    numbers = ([*("" if math.isnan(x) else x for x in (one.seconds, its.attack))] for one, its in asked)
    words = ([its.image, its.label, its.radius, one.verdict] for one, its in asked)
    return csv_text(HEAD, (left + right for left, right in zip(words, numbers, strict=True)))


def as_markdown(answers: Sequence[Answer]) -> str:
    """What may be said, and a row for each image."""
    known = known_of(answers)
    said = "\n".join(f"{line}\n" for line in sentences(answers, known))
    return f"{said}\n{markdown_text(COLUMNS, (one.cells for one in known))}"


def sentences(answers: Sequence[Answer], known: Sequence[Known]) -> Iterator[str]:
    """What may be said of answers that ``check`` has let pass."""
    count, silent = Counter(one.verdict for one in answers), sum(math.isnan(one.seconds) for one in answers)
    said = ", ".join(f"{count[word]} {word}" for word in ("verified", "falsified", "unknown"))
    yield f"Of {len(answers)} questions about {len(known)} images: {said}."
    yield "Distances are L-infinity norms in grey levels."
    if silent:
        yield f"Of {silent} questions the results say no seconds, or nothing at all."
    nearer = [one for one in known if one.falsified < one.attack - ROUNDED]
    if nearer:
        yield (
            f"For {len(nearer)} images the verifier has a counterexample nearer than the attack's, which is an upper "
            "bound and was too long there; convstab has not seen it, and a tie of two logits counts as one."
        )
    if count["verified"]:
        yield "A proof within a radius is one for L2 norms below it, too: the box holds that ball."
    yield "No proof contradicts a counterexample."
