"""Inside a generator process: shards are taken, lost, taken again, commanded, and let go."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

from connectors.kafka import Fenced
from schemas.errors import InputError, ServiceError
from stream_app.control import Desired, State
from stream_app.generation import (
    FENCED_PAUSE_S,
    FIRST_PAUSE_S,
    Disown,
    Finish,
    Generation,
    Moved,
    Obey,
    Own,
    Ready,
    Refused,
    Released,
    Taken,
    Waiting,
)


class Shard:
    """Stands for an owned shard; what it does next is an exception to raise, if any."""

    stopped = False
    done = False
    position = 7

    def __init__(self, shard: int) -> None:
        self.shard, self.publisher, self.log = shard, self, list[str]()
        self.fails: Exception | None = None

    def _act(self, word: str) -> None:
        self.log.append(word)
        if self.fails is not None:
            raise self.fails

    def publish_due(self, now_ms: float) -> Any:
        self._act("published")
        return np.array([0.5])

    def prepare(self) -> bool:
        return False

    def overdue(self, now_ms: float) -> bool:
        return True

    def commit_if_due(self, transaction_s: float) -> None:
        self._act(f"{transaction_s:g}")

    def obey(self, desired: Desired, now_ms: float) -> None:
        self._act(desired.command)

    def close(self) -> None:
        self._act("closed")

    def abandon(self) -> None:
        self.log.append("abandoned")


class Process:
    """A generation with both ends of its pipe, a clock that is set by hand, and shards that stand for others."""

    def __init__(self) -> None:
        self.worker, child = Pipe()
        self.now_s = 0.0
        self.shards: list[Shard] = []
        self.take_fails: Exception | None = None
        self.generation = Generation(self._take, child, 0.5, lambda: self.now_s)

    def _take(self, shard: int) -> Any:
        if self.take_fails is not None:
            raise self.take_fails
        self.shards.append(Shard(shard))
        return self.shards[-1]

    def tell(self, *orders: Any) -> list[Any]:
        """Send orders, let the process take note and act on them, and give back what it reports."""
        for order in orders:
            self.worker.send(order)
        self.generation._between(0.0)
        return self.turn()

    def turn(self) -> list[Any]:
        """One turn of its loop."""
        for publisher in self.generation._publishers():
            publisher.publish_due(0.0)
        self.generation._between(0.0)
        heard = []
        while self.worker.poll():
            heard.append(self.worker.recv())
        return heard


def test_a_shard_is_taken_commanded_and_let_go() -> None:
    process = Process()
    assert process.tell(Own(3)) == [Taken(3, 7)]
    assert process.tell(Own(3), Obey(3, Desired("faster", State.RUNNING, 1.0))) == []
    assert process.tell(Obey(4, Desired("no", State.RUNNING, 1.0))) == []
    (shard,) = process.shards
    assert "faster" in shard.log
    assert "no" not in shard.log
    assert process.tell(Disown(3), Disown(9)) == [Released(3), Released(9)]
    assert shard.log[-1] == "closed"
    assert process.turn() == []


FAILURES: list[tuple[Exception, Waiting, float]] = [
    (ServiceError("no broker"), Waiting(3, "no broker"), FIRST_PAUSE_S),
    (Fenced("by another"), Waiting(3, "another owner took it", fenced=True), FENCED_PAUSE_S),
]


@pytest.mark.parametrize(("failure", "report", "pause_s"), FAILURES)
def test_a_shard_that_fails_is_let_go_and_taken_again_after_a_pause(
    failure: Exception, report: Waiting, pause_s: float
) -> None:
    process = Process()
    process.tell(Own(3), Own(4))
    process.turn()
    first = next(shard for shard in process.shards if shard.shard == 3)
    first.fails = failure
    assert report in process.turn()
    assert first.log[-1] == "abandoned"
    process.now_s = pause_s - 0.01
    assert process.generation.owned(3) is None
    assert process.generation.owned(4) is not None
    process.turn()
    process.now_s = pause_s
    assert Taken(3, 7) in process.turn()
    assert [shard.shard for shard in process.shards] == [3, 4, 3]


def test_taking_is_tried_again_and_again_with_longer_pauses() -> None:
    process = Process()
    process.take_fails = ServiceError("no broker")
    process.tell(Own(1))
    tries = []
    for tenth in range(1, 200):
        process.now_s = tenth / 10
        if process.turn():
            tries.append(process.now_s)
    gaps = np.diff([0.0, *tries])
    assert gaps[0] == pytest.approx(FIRST_PAUSE_S)
    assert (np.diff(gaps) > -0.11).all()
    assert gaps[-1] == pytest.approx(5.0, abs=0.11)
    process.take_fails = None
    process.now_s += 5.0
    assert process.turn() == [Taken(1, 7)]


def test_a_shard_disowned_while_it_waits_is_not_taken_again() -> None:
    process = Process()
    process.take_fails = ServiceError("no broker")
    process.tell(Own(1))
    assert process.tell(Disown(1)) == [Released(1)]
    process.now_s = 100.0
    process.take_fails = None
    assert process.turn() == []


def test_what_a_person_must_mend_is_refused_once() -> None:
    process = Process()
    process.take_fails = InputError("epoch=0: the stream is at epoch 1")
    assert process.tell(Own(1)) == [Refused(1, "epoch=0: the stream is at epoch 1")]
    process.now_s = 100.0
    assert process.turn() == []


def run(process: Process, then: Callable[[], None]) -> list[Any]:
    """Run the whole loop; `then` is called in one of its turns."""
    original, turns = process.generation._publishers, 0

    def publishers() -> Any:
        nonlocal turns
        turns += 1
        if turns == 9:
            then()
        return original()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process.generation, "_publishers", publishers)
        process.generation.run()
    heard = []
    while not process.worker.closed and process.worker.poll():
        heard.append(process.worker.recv())
    return heard


def test_the_loop_reports_what_it_moves_and_commits_when_told_to_finish() -> None:
    process = Process()
    process.worker.send(Own(0))
    heard = run(process, lambda: process.worker.send(Finish()))
    assert heard[:2] == [Ready(), Taken(0, 7)]
    assert {type(report) for report in heard[2:]} == {Moved}
    assert process.shards[0].log[-1] == "closed"


def test_a_process_whose_worker_is_gone_commits_and_ends() -> None:
    process = Process()
    process.worker.send(Own(0))
    assert run(process, process.worker.close) == []
    assert process.shards[0].log[-1] == "closed"
