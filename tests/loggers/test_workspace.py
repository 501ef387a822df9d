"""The workspace: read back from what W&B would be sent, and compared with what is logged."""

import sys
from typing import Any

import pytest
from wandb_workspaces.workspaces import Workspace

from convstab.commands.results.wandb import main
from convstab.loggers.wandb import AXES
from convstab.loggers.workspace import workspace


def test_it_has_the_curves_over_their_axes_and_the_sweep() -> None:
    sent = workspace("team", "signs")._to_model()
    again = Workspace._from_model(type(sent).model_validate_json(sent.model_dump_json(by_alias=True)))
    assert (again.entity, again.project, again.name) == ("team", "signs", "Stability")
    assert [section.name for section in again.sections] == ["Training", "Stability", "Sweep", "Attacks", "Figures"]
    training, stability, *_ = again.sections
    assert {name_of(panel.x) for panel in training.panels} == set(AXES["train"].values())
    assert {name_of(panel.x) for panel in stability.panels} == set(AXES["evaluate"].values())
    assert [name_of(name) for panel in training.panels for name in panel.y] == ["train/loss", "val/accuracy"]


def name_of(metric: Any) -> str:
    """The name of a metric, which may stand in an object."""
    return str(getattr(metric, "name", metric))


def test_without_the_package_or_a_key_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path_factory.mktemp("nobody") / "netrc"))
    with pytest.raises(SystemExit):
        main(["workspace", "team"])
    assert "No API key configured" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    with pytest.raises(SystemExit):
        main(["workspace", "team"])
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'convstab[workspaces]'" in line
