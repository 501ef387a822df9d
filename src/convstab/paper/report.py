"""The report of results beside the paper's: the page, the text, and their way to Weights & Biases."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from convstab.files import write_text
from convstab.loggers import publish
from convstab.paper import CONTRADICTIONS
from convstab.paper.claims import findings
from convstab.paper.tables import tables
from convstab.report.content import Report
from convstab.report.formatting import is_published
from convstab.report.inventory import results
from convstab.report.markdown import as_markdown
from convstab.report.page import as_html
from convstab.report.results import Evidence, gather
from convstab.report.wandb import log_report

PAGE, TEXT = "report.html", "report.md"
TITLE = "Stability against noise: our results beside the paper's"
OTHER_TITLE = "Stability against image degradation"  # of results that are not of the paper's images
JOB = "report"  # job type in W&B, and the folder that keeps the id of the W&B run


def write_report(
    folders: Sequence[Path], output: Path, title: str | None = None, remarks: Sequence[str] = ()
) -> Report:
    """Gather the results in these folders, and write the page and the text about them; the output folder is made.

    title: None: what suits the results. The claims of the paper are there where a result is of images that it has.
    remarks: what was left out besides, in sentences. Raises InputError when there is no result, when one is damaged,
    or when the report cannot be written.
    """
    evidence = gather(folders)
    left_out = [*evidence.remarks, *remarks]
    if beside_paper(evidence):
        said = findings(evidence), left_out, list(CONTRADICTIONS)
        report = Report(title or TITLE, evidence, tables(evidence), *said)
    else:
        report = Report(title or OTHER_TITLE, evidence, tables(evidence), [], left_out)
    page, text = as_html(report), as_markdown(report)
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / PAGE, page)
    write_text(output / TEXT, text)
    return report


def beside_paper(evidence: Evidence) -> bool:
    """Whether any result is of data that the paper has, or stands in for it: its claims are of no other images."""
    return any(is_published(result.source) for result in results(evidence))


def send(report: Report, folders: Sequence[Path], output: Path, mode: str) -> str:
    """Give W&B the report, in place of the one from this folder before; a line that says where it is."""
    config = {"title": report.title, "folders": [str(folder) for folder in folders]}
    logger = publish.logger_of(config, {"mode": mode})
    log = partial(log_report, report=report, page=output / PAGE)
    return publish.send(config, output / JOB, JOB, logger, log, option="--wandb")
