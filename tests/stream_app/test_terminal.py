"""Ctrl-C ends a loop in its own time; progress is shown to people only."""

import os
import signal

import pytest

from stream_app.terminal import interruptible, progress_bar, until_interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_heard_once_and_only_inside(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with until_interrupted() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(30)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("quiet", [True, False])
def test_progress_is_not_written_where_no_terminal_is(quiet: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar(quiet) as told:
        told(0.5, "fitting")
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_ends_work_when_progress_is_told_next() -> None:
    told: list[str] = []
    with interruptible(lambda share, what: told.append(what)) as telling:
        telling(0.1, "before")
        os.kill(os.getpid(), signal.SIGINT)
        told.append("goes on until then")
        with pytest.raises(KeyboardInterrupt):
            telling(0.2, "after")
    assert told == ["before", "goes on until then"]
