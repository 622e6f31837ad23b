"""The generator processes of a worker: who publishes what, and who steps in when one ends."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ServiceError
from stream_app.control import Desired, State
from stream_app.generation import Refused, Released, Taken
from stream_app.workers import STILLBORN, Pool, cores
from tests.stream_app.worker_children import ending, loading, telling

PATIENCE_S = 60.0


class Heard:
    """Collects what a pool reports."""

    def __init__(self, target: Callable[[Connection], None], size: int) -> None:
        self.reports: queue.Queue[Any] = queue.Queue()
        self.pool = Pool(target, (), size, self.reports.put)

    def next(self, number: int = 1) -> list[Any]:
        return [self.reports.get(timeout=PATIENCE_S) for _ in range(number)]


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard(telling, 2)
    heard.pool.wait_until_ready(PATIENCE_S)
    yield heard
    heard.pool.close(PATIENCE_S)


def owners(pool: Pool) -> dict[int, int]:
    return {shard: pid for pid, shards in pool.children.items() for shard in shards}


def test_shards_are_spread_kept_and_let_go(heard: Heard) -> None:
    pool = heard.pool
    pool.assign(frozenset({0, 1, 2, 3}))
    assert sorted(map(len, pool.children.values())) == [2, 2]
    before = owners(pool)
    assert sorted((r.shard, r.position) for r in heard.next(4)) == sorted(before.items())
    pool.assign(frozenset({0, 1, 5}))
    changed = heard.next(3)
    assert {r.shard for r in changed if isinstance(r, Released)} == {2, 3}
    assert {r.shard for r in changed if isinstance(r, Taken)} == {5}
    assert {shard: owners(pool)[shard] for shard in (0, 1)} == {shard: before[shard] for shard in (0, 1)}
    assert pool.shards == {0, 1, 5}


def test_a_command_reaches_whoever_publishes_the_shard(heard: Heard) -> None:
    heard.pool.assign(frozenset({5}))
    heard.pool.obey(7, Desired("nobody", State.RUNNING, None))
    heard.pool.obey(5, Desired("go", State.RUNNING, None))
    assert heard.next(2)[1] == Refused(5, "told go")


def test_the_spare_takes_the_shards_of_a_process_that_is_killed_again_and_again(heard: Heard) -> None:
    heard.pool.assign(frozenset({0, 1}))
    heard.next(2)
    for _ in range(3):
        ended = owners(heard.pool)[1]
        os.kill(ended, signal.SIGKILL)
        (taken,) = heard.next()
        assert taken == Taken(1, owners(heard.pool)[1])
        assert taken.position != ended
    assert heard.pool.shards == {0, 1}
    assert heard.reports.empty()


def test_a_process_that_ends_over_a_shard_is_followed_by_another(heard: Heard) -> None:
    heard.pool.assign(frozenset({13}))
    first = owners(heard.pool)[13]
    deadline = time.monotonic() + PATIENCE_S
    while owners(heard.pool)[13] == first:
        assert time.monotonic() < deadline
    heard.pool.assign(frozenset())


def test_processes_that_never_get_ready_are_an_error_and_give_up_their_shards() -> None:
    heard = Heard(ending, 1)
    heard.pool.assign(frozenset({3}))
    with pytest.raises(ServiceError, match="end before they are ready"):
        heard.pool.wait_until_ready(PATIENCE_S)
    (refused,) = heard.next()
    assert (refused.shard, type(refused)) == (3, Refused)
    assert STILLBORN > 1
    heard.pool.assign(frozenset({4}))
    assert heard.pool.shards == frozenset()
    heard.pool.close(PATIENCE_S)


def test_a_spare_that_is_loading_is_not_waited_for_at_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool(loading, (tmp_path / "first",), 1, lambda report: None)
    pool.wait_until_ready(PATIENCE_S)
    pool.close(10)
    assert caplog.records == []
    assert pool.children == {}


def test_there_is_a_processor() -> None:
    assert cores() >= 1
