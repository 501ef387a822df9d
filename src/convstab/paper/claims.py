"""What the evidence says of each claim of the paper; all numbers and verdicts are computed."""

from dataclasses import replace

from convstab.paper.margin_claims import margin_stays, slim_margins
from convstab.paper.noise_claims import gtsrb_from_eight, mnist_most, weak_noise
from convstab.paper.remedy_claims import ensembles, noisy_copies
from convstab.report.content import Finding
from convstab.report.results import Evidence, Source

CLAIMS = (slim_margins, weak_noise, gtsrb_from_eight, mnist_most, ensembles, noisy_copies, margin_stays)


def findings(evidence: Evidence) -> list[Finding]:
    """One finding for each claim, in the order of the paper; the lines of its text are one for each result.

    The paper speaks of Gaussian noise; evaluations under other degradations say nothing of its claims, nor does a
    model that was trained under them.
    """
    evaluations = [one for one in evidence.evaluations if one.result.as_in_paper and is_of_paper(one.source)]
    attacks = [one for one in evidence.attacks if is_of_paper(one.source)]
    trainings = [one for one in evidence.trainings if is_of_paper(one.source)]
    told = replace(evidence, trainings=trainings, evaluations=evaluations, attacks=attacks)
    return [claim(told) for claim in CLAIMS]


def is_of_paper(source: Source) -> bool:
    """Whether a training is of the kind that the paper has: on clean images, or on noisy copies."""
    return "DegradedCopies" not in source.augment
