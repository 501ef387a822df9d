"""The workspace and the report: read back from what W&B would be sent, and compared with what is logged."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import wandb
from wandb_workspaces.workspaces import Workspace

from convstab.commands.results.wandb import main
from convstab.loggers.wandb import AXES
from convstab.loggers.workspace import report, workspace

SECTIONS = ["Training", "Stability", "Sweep", "Attacks", "Figures"]


def test_it_has_the_curves_over_their_axes_and_the_sweep() -> None:
    sent = workspace("team", "signs")._to_model()
    again = Workspace._from_model(type(sent).model_validate_json(sent.model_dump_json(by_alias=True)))
    assert (again.entity, again.project, again.name) == ("team", "signs", "Stability")
    assert [section.name for section in again.sections] == SECTIONS
    training, stability, *_ = again.sections
    assert {name_of(panel.x) for panel in training.panels} == set(AXES["train"].values())
    assert {name_of(panel.x) for panel in stability.panels} == set(AXES["evaluate"].values())
    assert [name_of(name) for panel in training.panels for name in panel.y] == ["train/loss", "val/accuracy"]


def name_of(metric: Any) -> str:
    """The name of a metric, which may stand in an object."""
    return str(getattr(metric, "name", metric))


class Server:
    """In the place of W&B's: it knows a project, and keeps what it is sent."""

    app_url = "https://wandb.example"

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def execute_graphql(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        """Answer as to a view that is saved."""
        self.sent.append(variables)
        project = {"name": variables["projectName"], "entityName": variables["entityName"]}
        told = {name: variables[name] for name in ("name", "displayName", "description", "spec")}
        return {"upsertView": {"view": {"id": "Vmlldzox", "project": project} | told}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Whom W&B's public API speaks to."""
    found = Server()
    projects = [SimpleNamespace(name="signs")]
    monkeypatch.setattr(wandb, "Api", lambda: SimpleNamespace(projects=lambda _: projects, _service_api=found))
    return found


def test_a_report_asks_nothing_before_it_is_saved_and_has_the_panels_of_the_workspace(server: Server) -> None:
    built = report("team", "signs")._to_model()
    assert server.sent == []
    assert (built.project.entity_name, built.project.name, built.display_name) == ("team", "signs", "Stability")
    assert [block.children[0].text for block in built.spec.blocks if block.type == "heading"] == SECTIONS
    shown = [section.panels for section in workspace("team", "signs").sections]
    grids = report("team", "signs").blocks[2::3]
    assert [[told(panel) for panel in grid.panels] for grid in grids] == [[told(one) for one in all_] for all_ in shown]


def told(panel: Any) -> Any:
    """What a panel shows, without its place and its random id."""
    return panel._to_model().config.model_dump(by_alias=True)


def test_a_saved_report_is_told_whole_with_the_runs_of_its_own_project(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--project", "signs", "report", "team"])
    assert capsys.readouterr().out == "https://wandb.example/team/signs/reports/Stability--Vmlldzox\n"
    (sent,) = server.sent
    assert (sent["entityName"], sent["projectName"], sent["displayName"]) == ("team", "signs", "Stability")
    blocks = json.loads(sent["spec"])["blocks"]
    grids = [block["metadata"] for block in blocks if block["type"] == "panel-grid"]
    runs = [[(one.get("project"), *filtered(one)) for one in grid["runSets"]] for grid in grids]
    train, evaluate, attack, sweep = ((None, "jobType", job) for job in ("train", "evaluate", "attack", "sweep"))
    assert runs == [[train], [evaluate], [evaluate, sweep], [attack], [train, evaluate, attack]]
    stability = grids[1]["panelBankSectionConfig"]["panels"]
    assert {panel["config"]["xAxis"] for panel in stability} == {"level"}
    assert {name for panel in stability for name in panel["config"]["metrics"]} >= {
        "degraded/accuracy",
        "degraded/flip_rate",
    }
    places = [{(panel["layout"]["x"], panel["layout"]["y"]) for panel in panels_in(grid)} for grid in grids]
    assert list(map(len, places)) == [len(panels_in(grid)) for grid in grids]  # none lies on another


def filtered(runs: dict[str, Any]) -> tuple[str, str]:
    """What a set of runs is filtered by."""
    (rule,) = runs["filters"]["filters"]
    assert rule["op"] == "="
    return rule["key"]["name"], rule["value"]


def panels_in(grid: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a grid as they are sent."""
    found: list[dict[str, Any]] = grid["panelBankSectionConfig"]["panels"]
    return found


@pytest.mark.parametrize("view", ["workspace", "report"])
def test_without_the_package_or_a_key_it_is_one_line(
    view: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path_factory.mktemp("nobody") / "netrc"))
    with pytest.raises(SystemExit):
        main([view, "team"])
    (line,) = capsys.readouterr().err.splitlines()
    assert {"workspace": "No API key configured", "report": "not logged in to W&B, try `wandb login"}[view] in line
    for package in ("workspaces", "reports.v2"):
        monkeypatch.setitem(sys.modules, f"wandb_workspaces.{package}", None)
    with pytest.raises(SystemExit):
        main([view, "team"])
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'convstab[workspaces]'" in line
