"""What the evidence says of each claim of the paper; all numbers and verdicts are computed."""

from convstab.report.content import Finding
from convstab.report.evidence import Evidence
from convstab.report.margin_claims import margin_stays, slim_margins
from convstab.report.noise_claims import gtsrb_from_eight, mnist_most, weak_noise
from convstab.report.remedy_claims import ensembles, noisy_copies

CLAIMS = (slim_margins, weak_noise, gtsrb_from_eight, mnist_most, ensembles, noisy_copies, margin_stays)


def findings(evidence: Evidence) -> list[Finding]:
    """One finding for each claim, in the order of the paper; the lines of its text are one for each result."""
    return [claim(evidence) for claim in CLAIMS]
