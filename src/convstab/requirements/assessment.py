"""Requirements against results: one verdict for each, and all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convstab.errors import InputError
from convstab.requirements.decision import FAIL, PASS, UNDECIDED, holm, of_each, p_values, units_needed, verdict
from convstab.requirements.evidence import Evidence, Sample, evidence_for
from convstab.requirements.specification import Requirement, Specification
from convstab.runs.results import Results

EXIT_CODES = {PASS: 0, FAIL: 1, UNDECIDED: 3}  # 2 is that of bad input


@dataclass(frozen=True)
class Assessed:
    """A requirement with its evidence and what comes of it.

    sample: what is shown, of several classes that which speaks least for the requirement.
    met, missed: p-values, adjusted for all requirements, of what contradicts the requirement and of the requirement.
    """

    requirement: Requirement
    evidence: Evidence
    sample: Sample
    met: float
    missed: float
    verdict: str


def assess(specification: Specification, results: Results) -> list[Assessed]:
    """Test all requirements; InputError when results do not fit one, or are too few for any verdict but a fail."""
    requirements = specification.requirements
    evidences = [evidence_for(requirement, results) for requirement in requirements]
    check_enough(requirements, evidences, specification)
    tested = [weigh(requirement, found.samples) for requirement, found in zip(requirements, evidences, strict=True)]
    met, missed = (holm(np.array(p)).tolist() for p in ([one[0] for one in tested], [one[1] for one in tested]))
    words = [verdict(*p, specification.risk) for p in zip(met, missed, strict=True)]
    worst = [one[2] for one in tested]
    return list(map(Assessed, requirements, evidences, worst, met, missed, words))


def weigh(requirement: Requirement, samples: Sequence[Sample]) -> tuple[float, float, Sample]:
    """The p-values of a requirement by itself, and the sample that speaks least for it."""
    value, trials = np.array([sample.counted for sample in samples]).T
    met, missed = p_values(value, trials, requirement.needed_share, requirement.at_least)
    return *of_each(met, missed), samples[int(met.argmax())]


def check_enough(
    requirements: Sequence[Requirement], evidences: Sequence[Evidence], specification: Specification
) -> None:
    """Raise InputError for a requirement that could not pass if the results of all were perfect: of too few images."""
    perfect = [as_if_perfect(wanted, found) for wanted, found in zip(requirements, evidences, strict=True)]
    met = [weigh(wanted, samples)[0] for wanted, samples in zip(requirements, perfect, strict=True)]
    for wanted, samples, p in zip(requirements, perfect, holm(np.array(met)), strict=True):
        if p > specification.risk:
            fewest = min(samples, key=lambda one: one.counted[1])
            needed = units_needed(wanted.needed_share, wanted.at_least, specification.risk, len(requirements))
            among = f" of the class {fewest.of}" if fewest.of else ""
            trials = f"{fewest.counted[1]:.4g}"
            units = f"{trials} independent unit{'s' * (trials != '1')}"
            said = f"{fewest.in_words}{among} count as {units}, which could not pass"
            together = f"{len(requirements)} requirement{'s' * (len(requirements) > 1)}"
            sure = f"at confidence {specification.confidence:g} ({together})"
            raise InputError(
                f"{wanted.name}: {said} {sure} if all were perfect; it takes {needed:,} of them, or another bound"
            )


def as_if_perfect(requirement: Requirement, evidence: Evidence) -> list[Sample]:
    """The samples, had all images kept the bound in all draws."""
    best = float(requirement.at_least)
    return [replace(one, values=np.full(len(one.values), best)) for one in evidence.samples]


def exit_code(assessed: Sequence[Assessed]) -> int:
    """0: all pass; 1: one fails; 3: none fails and not all can be decided."""
    verdicts = {one.verdict for one in assessed}
    return EXIT_CODES[next(word for word in (FAIL, UNDECIDED, PASS) if word in verdicts)]
