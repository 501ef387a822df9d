"""The report of results beside the paper's: the page, the text, and their way to Weights & Biases."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from convstab import files
from convstab.files import write_text
from convstab.loggers import publish
from convstab.paper import CONTRADICTIONS, TABLES
from convstab.paper.claims import findings
from convstab.paper.tables import tables, without_paper
from convstab.report.content import Report
from convstab.report.figures import told_apart_names
from convstab.report.inventory import results
from convstab.report.ledgers import ledgers
from convstab.report.markdown import as_markdown
from convstab.report.overview import overviews
from convstab.report.page import as_html
from convstab.report.requirements import required, with_requirements
from convstab.report.results import Evidence, gather
from convstab.report.wandb import log_report

PAGE, TEXT = files.PAGE, files.TEXT
TITLE = "Stability against noise: our results beside the paper's"
OTHER_TITLE = "Stability against image degradation"  # of results that are not of the paper's images
DATASETS = {table.dataset for table in TABLES}
JOB = "report"  # job type in W&B, and the folder that keeps the id of the W&B run


def write_report(
    folders: Sequence[Path],
    output: Path,
    title: str | None = None,
    remarks: Sequence[str] = (),
    *,
    reproduced: bool = False,
) -> Report:
    """Gather the results in these folders, and write the page and the text about them; the output folder is made.

    Args: see ``report_of``. Raises InputError when there is no result, when one is damaged, or when the report cannot
    be written.
    """
    report = report_of(gather(folders), title, remarks, folders, reproduced=reproduced)
    page, text = as_html(report), as_markdown(report)
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / PAGE, page)
    write_text(output / TEXT, text)
    return report


def report_of(
    evidence: Evidence,
    title: str | None = None,
    remarks: Sequence[str] = (),
    folders: Sequence[Path] = (),
    *,
    reproduced: bool = False,
) -> Report:
    """What there is to say of results.

    The claims of the paper are there where a result is of images that it has. Of others the page says what was asked of
    each model, and the answers: first where there are no claims, else after them.

    title: None: what suits the results. remarks: what was left out besides, in sentences. folders: where requirements
    are looked for, beside those of the results. reproduced: whether this is a reproduction of the paper, even if on
    other images: the claims are there, and nothing of a model alone.
    """
    names = told_apart_names(evidence)
    joined, apart = ledgers(evidence, names)
    held, unused = required(evidence, folders)
    left_out = [*evidence.remarks, *remarks, *apart, *unused]
    beside = reproduced or beside_paper(evidence)
    claims, contradictions = (findings(evidence), list(CONTRADICTIONS)) if beside else ([], [])
    title = title or (TITLE if beside else OTHER_TITLE)
    shown = tables(evidence) if beside else without_paper(evidence)
    told = [] if reproduced else zip(overviews(evidence, joined, names), evidence.evaluations, strict=True)
    answers = [
        with_requirements(overview, of, held)
        for overview, of in told
        if not (beside and of.source.dataset in DATASETS)  # of those the claims tell
    ]
    return Report(title, evidence, shown, claims, left_out, contradictions, joined, answers, held)


def beside_paper(evidence: Evidence) -> bool:
    """Whether any result is of images that the paper has: its claims are of no others."""
    return any(result.source.dataset in DATASETS for result in results(evidence))


def send(report: Report, folders: Sequence[Path], output: Path, mode: str) -> str:
    """Give W&B the report, in place of the one from this folder before; a line that says where it is."""
    config = {"title": report.title, "folders": [str(folder) for folder in folders]}
    logger = publish.logger_of(config, {"mode": mode})
    log = partial(log_report, report=report, page=output / PAGE)
    return publish.send(config, output / JOB, JOB, logger, log, option="--wandb")
