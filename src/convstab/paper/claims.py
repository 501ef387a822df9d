"""What the evidence says of each claim of the paper; all numbers and verdicts are computed."""

from dataclasses import replace

from convstab.paper.margin_claims import margin_stays, slim_margins
from convstab.paper.noise_claims import gtsrb_from_eight, mnist_most, weak_noise
from convstab.paper.remedy_claims import ensembles, noisy_copies
from convstab.report.content import Finding
from convstab.report.results import Evidence

CLAIMS = (slim_margins, weak_noise, gtsrb_from_eight, mnist_most, ensembles, noisy_copies, margin_stays)


def findings(evidence: Evidence) -> list[Finding]:
    """One finding for each claim, in the order of the paper; the lines of its text are one for each result.

    The paper speaks of Gaussian noise; evaluations under other degradations say nothing of its claims.
    """
    gaussian = [one for one in evidence.evaluations if one.result.as_in_paper]
    return [claim(replace(evidence, evaluations=gaussian)) for claim in CLAIMS]
