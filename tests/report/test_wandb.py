"""A report in Weights & Biases: read back from what an offline run wrote."""

from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from convstab.loggers.tracking import tracking
from convstab.paper.tables import tables
from convstab.report.content import Finding, Number, Report
from convstab.report.wandb import cells, log_report
from tests.support.made_up_evidence import evaluation, evidence, failing, training
from tests.support.wandb_files import OfflineRun, offline_runs

PAGE = "<!doctype html><html><head><title>page</title></head><body>café</body></html>"
FINDING = Finding("Claim.", "Section 4", "mixed", "MNIST: 1 %.", "MNIST: 1 %\nrule")


@pytest.fixture(scope="module")
def report() -> Report:
    """Three tables: one model on clean images, one under noise with a class that has no image, and digits."""
    found = evidence(
        training(90 * np.eye(10, dtype=int) + 1),
        evaluation(failing(9, [0.0] + [0.2] * 12), labels=range(9)),
        evaluation(failing(100, [0.0] + [0.2] * 12), "digits"),
    )
    return Report("Title", found, tables(found), [FINDING], ["left out"], ["It says both."])


@pytest.fixture(scope="module")
def run(report: Report, tmp_path_factory: pytest.TempPathFactory) -> OfflineRun:
    """What W&B got of it."""
    folder = tmp_path_factory.mktemp("report")
    page = folder / "report.html"
    page.write_text(PAGE, encoding="utf-8")
    options = {"_target_": "convstab.loggers.wandb.wandb_logger", "mode": "offline", "project": "tests"}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("WANDB_MODE", raising=False)
        monkeypatch.setenv("WANDB_DATA_DIR", str(folder / "staging"))
        with tracking(OmegaConf.create({"logger": {"wandb": options}}), folder, "report") as loggers:
            log_report(loggers, report, page)
    assert page.read_text(encoding="utf-8") == PAGE  # it is still there
    (only,) = offline_runs(folder)
    return only


def test_every_table_is_a_table_beside_the_paper(report: Report, run: OfflineRun) -> None:
    for scores in report.tables:
        table = run.table(f"report/{scores.id}")
        assert len(table["data"]) == len(scores.rows)
        row: dict[str, Any] = dict(zip(table["columns"], table["data"][0], strict=True))
        first = scores.rows[0]
        assert (row["class"], row["images"]) == (first.name, first.images)
        for name, number in (("precision", first.precision), ("recall", first.recall)):
            expected = [number.value, number.low, number.high, number.paper, number.difference]
            found = [row[name + part] for part in ("", " low", " high", " paper", " difference")]
            assert found == [None if value is None or isnan(value) else pytest.approx(value) for value in expected]
    assert [scores.paper for scores in report.tables] == ["Table 1", "Table 3", None]


def test_what_cannot_be_counted_is_empty(report: Report, run: OfflineRun) -> None:
    table = run.table(f"report/{report.tables[1].id}")
    last = dict(zip(table["columns"], table["data"][9], strict=True))
    assert (last["images"], last["recall"], last["recall difference"], last["recall paper"]) == (0, None, None, 0.97)


def test_a_number_fills_its_columns() -> None:
    assert cells(Number(0.5, 0.25, 0.75, 0.375)) == [0.5, 0.25, 0.75, 0.375, 0.125]
    assert cells(Number(float("nan"), paper=0.5)) == [None, None, None, 0.5, None]


def test_accuracies_are_numbers_and_a_table(report: Report, run: OfflineRun) -> None:
    rows = run.table("report/accuracies")["data"]
    assert [row[:3] for row in rows] == [
        [scores.title, name, pytest.approx(number.value)]
        for scores in report.tables
        for name, number in scores.overall.items()
    ]
    for scores in report.tables:
        number = scores.overall["accuracy"]
        for part, value in (("", number.value), (" paper", number.paper), (" difference", number.difference)):
            found = run.summary.get(f"report/{scores.id}/accuracy{part}")
            assert found == (None if value is None else pytest.approx(value))


def test_findings_remarks_and_what_was_run_are_tables(run: OfflineRun) -> None:
    assert run.table("report/findings")["data"] == [["Claim.", "Section 4", "mixed", "MNIST: 1 %\nrule"]]
    assert run.table("report/remarks")["data"] == [["left out"]]
    assert run.table("report/contradictions")["data"] == [["It says both."]]
    runs = run.table("report/runs")
    assert [row[runs["columns"].index("kind")] for row in runs["data"]] == ["training", "evaluation", "evaluation"]
    assert run.table("report/machines")["data"] == [[1, "python 3.12"]]


def test_the_page_is_there_as_it_is(run: OfflineRun) -> None:
    (logged,) = [row["report/page"] for row in run.history if "report/page" in row]
    assert logged["_type"] == "html-file"
    assert (run.folder / "files" / logged["path"]).read_text(encoding="utf-8") == PAGE
    assert run.run.job_type == "report"
    assert run.exit_code == 0


def test_without_loggers_nothing_happens(report: Report, tmp_path: Path) -> None:
    log_report([], report, tmp_path / "none.html")
    assert list(tmp_path.iterdir()) == []
