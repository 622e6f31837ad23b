"""Counting goes on where the broker fails: one member is let go, and another takes its place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from schemas.errors import ServiceError
from stream_app.watching.merged import Member, count


class Counting:
    """A member that counts ten records; with a failure it raises that then, else it is told to stop."""

    def __init__(self, stop: threading.Event, failure: str = "", records: int = 10) -> None:
        self.records, self.closed = records, 0
        self._stop, self._failure = stop, failure

    def run(self, stopped: Callable[[], bool]) -> None:
        if self._failure:
            raise ServiceError(self._failure)
        self._stop.set()
        assert stopped()

    def close(self) -> None:
        self.closed += 1


def joining(members: Iterator[Counting | ServiceError]) -> Callable[[], Member]:
    def join() -> Member:
        member = next(members)
        if isinstance(member, ServiceError):
            raise member
        return cast(Member, member)

    return join


def test_where_the_broker_fails_another_member_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    stop, paused = threading.Event(), list[float]()
    members = [Counting(stop, "gone"), Counting(stop, "gone again", records=0), Counting(stop)]
    join = joining(iter([ServiceError("still gone"), *members[1:]]))
    with caplog.at_level(logging.WARNING):
        counted = count(cast(Member, members[0]), join, stop, paused.append)
    assert counted == 20
    assert [member.closed for member in members] == [1, 1, 1]
    assert paused == [1, 2, 4]
    assert [record.__dict__["why"] for record in caplog.records] == ["gone", "still gone", "gone again"]


def test_a_failure_while_it_ends_is_no_reason_to_go_on() -> None:
    stop = threading.Event()
    stop.set()
    member = Counting(stop, "gone")
    assert count(cast(Member, member), joining(iter([])), stop) == 10
    assert member.closed == 1


def test_a_member_that_is_told_to_stop_sends_what_it_counted() -> None:
    stop = threading.Event()
    member = Counting(stop)
    assert count(cast(Member, member), joining(iter([])), stop) == 10
    assert member.closed == 1
