"""The time that is left, by the pace of what was done."""

import pytest

from convstab.paper.experiments import Step
from convstab.paper.progress import TimeLeft

ONE, TWO = Step("train/a", "train", [], [], 10.0), Step("train/b", "train", [], [], 30.0)


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("convstab.paper.progress.time", clock)
    return clock


@pytest.mark.usefixtures("clock")
def test_before_anything_is_done_the_guess_stands() -> None:
    assert TimeLeft([ONE, TWO]).left() == "about 40 min left"


def test_the_pace_of_the_first_step_goes_for_the_rest(clock: Clock) -> None:
    view = TimeLeft([ONE, TWO])
    view.begin(ONE, 0.0)
    clock.now = 150.0
    view.seen(ONE, 0.5)
    assert view.left(ONE) == "about 18 min left"  # half of 10 took 150 s: 30 s for each of the 35 that are left
    clock.now = 400.0
    view.succeeded(ONE)
    assert view.left() == "about 20 min left"  # 40 s for each of 30


def test_what_an_earlier_start_did_is_no_work_of_this_one(clock: Clock) -> None:
    view = TimeLeft([ONE])
    view.begin(ONE, 0.8)
    clock.now = 60.0
    view.seen(ONE, 0.9)
    assert view.left(ONE) == "about 60 s left"


def test_what_failed_or_is_left_out_says_nothing_of_the_pace(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    view = TimeLeft([ONE, TWO, TWO])
    view.begin(ONE, 0.5)
    clock.now = 1.0
    view.failed(ONE, "[no] data")
    view.leave_out(TWO, "it needs train/a")
    view.begin(TWO, 0.0)
    clock.now = 601.0
    view.succeeded(TWO)
    assert capsys.readouterr().out.splitlines() == [
        "1/3 train/a failed: [no] data, about 60 min left",
        "2/3 train/b left out: it needs train/a, about 30 min left",
        "3/3 train/b done (10 min), about 0 s left",
    ]
