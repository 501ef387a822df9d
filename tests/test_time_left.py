"""The time that is left, by the pace of what was done."""

import pytest

from convstab import time_left
from convstab.plan import Step
from convstab.time_left import TimeLeft

ONE, TWO = Step("train/a", "train", [], [], 10.0), Step("train/b", "train", [], [], 30.0)


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time_left, "time", clock)
    return clock


@pytest.mark.usefixtures("clock")
def test_before_anything_is_done_the_guess_stands() -> None:
    assert TimeLeft([ONE, TWO]).left() == "about 40 min left"


def test_the_pace_of_the_first_step_goes_for_the_rest(clock: Clock) -> None:
    view = TimeLeft([ONE, TWO])
    with view.of(ONE, 0.0) as seen:
        clock.now = 150.0
        seen(0.5)
        assert view.left() == "about 18 min left"  # half of 10 took 150 s: 30 s for each of the 35 that are left
        clock.now = 400.0
    assert view.seconds == 400.0
    assert view.left() == "about 20 min left"  # 40 s for each of 30


def test_what_an_earlier_start_did_is_no_work_of_this_one(clock: Clock) -> None:
    view = TimeLeft([ONE])
    with view.of(ONE, 0.8) as seen:
        clock.now = 60.0
        seen(0.9)
        assert view.left() == "about 60 s left"


def test_every_step_leaves_a_line(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    view = TimeLeft([ONE, TWO])
    with view.of(ONE, 0.0):
        clock.now = 600.0
    view.say("train/a done", ONE)
    view.say("train/b failed: [no] data", TWO)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "1/2 train/a done (10 min), about 30 min left"
    assert second.startswith("2/2 train/b failed: [no] data")


@pytest.mark.usefixtures("clock")
def test_a_step_that_is_left_out_takes_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    TimeLeft([ONE, TWO]).leave_out(TWO, "it needs train/a")
    assert capsys.readouterr().out == "1/2 train/b left out: it needs train/a, about 10 min left\n"
