"""Draining: what was due is published in the usual turns and transactions, and only then is the shard drained.

Covers stream_app.shards, on a broker in memory.
"""

from __future__ import annotations

import time

import pytest

from generators.blocks import BLOCK_ROWS
from schemas.errors import ServiceError
from schemas.steering import Steering
from stream_app.control import ORDERS, Desired, State, at_rate, steered
from stream_app.schedule import UNPACED, Behind
from tests.stream_app.memory_broker import Broker, Stream
from tests.stream_app.shop import START_MS, recipe

BACKLOG = 3 * BLOCK_ROWS
"""Records of a shard that are due when it is drained: 300 s at 40.96 a second."""


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    broker = Broker(2).installed(monkeypatch)
    begun = Stream(broker, recipe(2), Desired("", State.RUNNING, 2 * BLOCK_ROWS / 100)).begin()
    begun.now_ms += 300_000 - 1
    monkeypatch.setattr(time, "time", lambda: begun.now_ms / 1_000)
    return begun


def drain(stream: Stream) -> None:
    with pytest.raises(ServiceError, match="did not acknowledge"):
        stream.tell(ORDERS["drain"], "drain", 0.01)


def drained(stream: Stream, shard: int = 0) -> bool:
    """Whether the shard says that the newest command is carried out."""
    newest = Desired.from_bytes(stream.broker.records[stream.topics.commands, shard][-1])
    return any((a["command"], a["shard"]) == (newest.command, shard) for a in stream.answers())


def test_a_backlog_is_drained_turn_by_turn_and_no_further(stream: Stream) -> None:
    drain(stream)
    owned, sizes = stream.owned[0], []
    stream.now_ms += 60_000
    while not owned.stopped:
        assert not drained(stream)
        late_s = owned.publish_due(stream.now_ms)
        sizes.append(len(late_s))
        owned.commit_if_due(0.0)
        assert stream.progress(0).position == owned.publisher.position, "every turn may be committed"
        assert late_s.min() >= 60.0
    assert sizes == [BLOCK_ROWS] * 3
    assert drained(stream)
    assert (owned.committed, stream.progress(0).stopped) == (BACKLOG, True)
    assert not drained(stream, 1), "each shard for itself"
    assert not stream.owned[1].stopped


def test_a_shard_that_is_lost_meanwhile_goes_on_draining_where_it_was(stream: Stream) -> None:
    drain(stream)
    stream.owned[0].publish_due(stream.now_ms)
    stream.owned[0].commit()
    stream.owned[0].publish_due(stream.now_ms)
    stream.now_ms += 60_000
    owned = stream.take(0)
    assert (owned.committed, owned.stopped) == (BLOCK_ROWS, False)
    while not owned.stopped:
        owned.publish_due(stream.now_ms)
    assert owned.committed == BACKLOG
    stream.now_ms += 60_000
    assert stream.take(0).stopped
    assert [a["position"] for a in stream.answers()] == [BACKLOG] * 2


@pytest.mark.parametrize("verb", ["start", "stop", "pause"])
def test_a_later_command_takes_the_place_of_a_drain(stream: Stream, verb: str) -> None:
    drain(stream)
    stream.owned[0].publish_due(stream.now_ms)
    stream.now_ms += 1_000
    stream.tell(ORDERS[verb], verb)
    assert stream.owned[0].committed == BLOCK_ROWS
    assert stream.owned[0].stopped == (verb == "stop")
    stream.owned[0].publish_due(stream.now_ms + 1e6)
    assert stream.owned[0].publisher.position == BLOCK_ROWS * (2 if verb == "start" else 1)


def test_another_command_to_a_stream_that_drains_leaves_it_draining(stream: Stream) -> None:
    drain(stream)
    with pytest.raises(ServiceError, match="did not acknowledge"):
        stream.tell(steered(Steering(given={"paid": True})), "steer", 0.01)
    owned = stream.owned[0]
    while not owned.stopped:
        owned.publish_due(stream.now_ms)
    assert (owned.committed, drained(stream)) == (BACKLOG, True)


@pytest.mark.parametrize("policy", ["skip", "shift"])
def test_a_shard_that_does_not_catch_up_drains_what_it_would_have_published(stream: Stream, policy: str) -> None:
    publisher = stream.owned[0].publisher
    publisher.recipe = recipe(2, behind=Behind(policy, 1.0))
    drain(stream)
    turns = 0
    while not stream.owned[0].stopped:
        stream.owned[0].publish_due(stream.now_ms)
        turns += 1
    assert turns <= 2
    assert publisher.position < 50
    assert drained(stream)


def test_a_shard_without_a_pace_or_without_a_backlog_drains_at_once(stream: Stream) -> None:
    stream.tell(at_rate(None, START_MS))
    assert stream.owned[0].publisher.schedule.latest.rate_per_s == UNPACED
    assert [answer.position for answer in stream.tell(ORDERS["drain"]).values()] == [0, 0]
    stream.tell(ORDERS["pause"])
    stream.now_ms += 60_000
    assert len(stream.tell(ORDERS["drain"])) == 2
    assert stream.owned[0].stopped
