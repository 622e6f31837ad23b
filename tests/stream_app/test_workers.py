"""Generator processes: who publishes what, what happens when one ends, and what a fenced shard means."""

from __future__ import annotations

import queue
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest

from connectors.kafka import Fenced
from schemas.errors import ServiceError
from stream_app.control import Desired, State
from stream_app.workers import Disown, Finish, Generation, Lost, Moved, Obey, Own, Pool, Ready, Taken, cores
from tests.stream_app.worker_children import dying, ending, telling

PATIENCE_S = 60.0


class Heard:
    """Collects what a pool says."""

    def __init__(self, target: Callable[[Connection], None], size: int) -> None:
        self.lost: queue.Queue[Lost] = queue.Queue()
        self.pool = Pool(target, (), size, lambda moved: None, self.lost.put)

    def next(self) -> Lost:
        return self.lost.get(timeout=PATIENCE_S)


def test_shards_are_spread_kept_and_let_go() -> None:
    heard = Heard(telling, 2)
    pool = heard.pool
    pool.wait_until_ready(PATIENCE_S)
    pool.assign(frozenset({0, 1, 2, 3}))
    assert sorted(map(len, pool.children.values())) == [2, 2]
    before = {shard: pid for pid, shards in pool.children.items() for shard in shards}
    pool.assign(frozenset({0, 1, 5}))
    assert {heard.next().shard for _ in range(2)} == {2, 3}
    after = {shard: pid for pid, shards in pool.children.items() for shard in shards}
    assert {shard: after[shard] for shard in (0, 1)} == {shard: before[shard] for shard in (0, 1)}
    assert pool.shards == {0, 1, 5}
    pool.obey(5, Desired("go", State.RUNNING, None))
    assert heard.next() == Lost(5, "told go")
    pool.obey(7, Desired("nobody", State.RUNNING, None))
    pool.assign(pool.shards | {9})
    assert heard.next() == Lost(9, "nobody takes nine")
    assert 9 not in pool.shards
    pool.close(PATIENCE_S)
    assert heard.lost.empty()


def test_a_process_that_ends_loses_its_shards_and_says_so() -> None:
    heard = Heard(dying, 1)
    heard.pool.wait_until_ready(PATIENCE_S)
    heard.pool.assign(frozenset({3}))
    lost = heard.next()
    assert lost.shard == 3
    assert "ended" in lost.reason
    assert heard.pool.shards == frozenset()
    heard.pool.close(PATIENCE_S)


def test_a_process_that_never_gets_ready_is_an_error() -> None:
    heard = Heard(ending, 1)
    with pytest.raises(ServiceError, match="ended before it was ready"):
        heard.pool.wait_until_ready(PATIENCE_S)
    heard.pool.close(PATIENCE_S)


class Shard:
    """Stands for an owned shard; fenced on its second commit."""

    stopped = False

    def __init__(self, shard: int) -> None:
        self.shard, self.publisher, self.commits, self.log = shard, self, 0, list[str]()
        self.position, self.done = 7, False

    def publish_due(self, now_ms: float) -> Any:
        if self.shard == 4:
            raise Fenced("while it sent")
        return np.array([0.5])

    def prepare(self) -> bool:
        return False

    def overdue(self, now_ms: float) -> bool:
        return False

    def commit_if_due(self, now_ms: float, transaction_s: float) -> None:
        self.commits += 1
        if self.shard == 1 and self.commits == 2:
            raise Fenced("by another")

    def obey(self, desired: Desired, now_ms: float) -> None:
        self.log.append(desired.command)

    def close(self, now_ms: float) -> None:
        self.log.append("closed")
        if self.shard == 2:
            raise ServiceError("the broker is gone")


def test_a_generation_obeys_its_parent_and_outlives_a_fenced_shard() -> None:
    parent, child = Pipe()
    taken: dict[int, Shard] = {}

    def take(shard: int) -> Any:
        if shard == 8:
            raise Fenced("meanwhile")
        if shard == 9:
            raise ServiceError("no broker")
        taken[shard] = Shard(shard)
        return taken[shard]

    for message in (
        Own(0),
        Own(1),
        Own(2),
        Own(4),
        Own(8),
        Own(9),
        Obey(0, Desired("faster", State.RUNNING, 1.0)),
        Disown(2),
    ):
        parent.send(message)
    generation = Generation(take, child, 0.5)
    heard: list[Any] = []

    def finish_once_fenced() -> None:
        while parent.poll():
            heard.append(parent.recv())
        if any(isinstance(m, Lost) and m.shard == 1 for m in heard):
            parent.send(Finish())

    original = Shard.publish_due

    def publish_due(self: Shard, now_ms: float) -> Any:
        finish_once_fenced()
        return original(self, now_ms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shard, "publish_due", publish_due)
        generation.run()
    while parent.poll():
        heard.append(parent.recv())
    assert heard[0] == Ready()
    assert [m for m in heard if isinstance(m, Taken)] == [Taken(0, 7), Taken(1, 7), Taken(2, 7), Taken(4, 7)]
    assert {m.shard: m.reason for m in heard if isinstance(m, Lost)} == {
        1: "another worker took it",
        2: "the broker is gone",
        4: "another worker took it",
        8: "another worker took it",
        9: "no broker",
    }
    assert {m.shard for m in heard if isinstance(m, Moved)} <= {0, 1}
    assert taken[0].log == ["faster", "closed"]
    assert taken[2].log == ["closed"]


def test_a_generation_ends_when_its_parent_is_gone() -> None:
    parent, child = Pipe()
    taken: list[Shard] = []

    def take(shard: int) -> Any:
        taken.append(Shard(shard))
        return taken[-1]

    parent.send(Own(0))
    assert child.poll(1)
    generation = Generation(take, child, 0.5)
    generation._hear(child.recv())
    parent.close()
    generation.run()
    assert taken[0].log == ["closed"]


def test_there_is_a_processor() -> None:
    assert cores() >= 1
