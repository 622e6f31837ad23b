"""What the broker knows of a stream's state: stream_app.streams, on a broker in memory."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from schemas.errors import ServiceError
from stream_app.control import ORDERS
from stream_app.streams import stream_status
from tests.stream_app.memory_broker import CLUSTER, Broker, Stream
from tests.stream_app.shop import recipe


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    return Stream(Broker(2).installed(monkeypatch), recipe(2)).begin()


def state(stream: Stream) -> str:
    told: str = stream_status(CLUSTER, "orders")["state"]
    return told


@pytest.mark.parametrize(
    ("verb", "said"), [("stop", "stopped"), ("pause", "paused"), ("drain", "drained"), ("start", "running")]
)
def test_a_command_counts_in_its_own_epoch_alone(stream: Stream, verb: str, said: str) -> None:
    assert state(stream) == "running"
    stream.tell(ORDERS["pause"])
    stream.tell(ORDERS[verb])
    assert state(stream) == said
    later = replace(stream, recipe=recipe(2, epoch=1), initial=replace(stream.initial, epoch=1)).begin()
    assert state(later) == "running"


@pytest.mark.parametrize(("verb", "said"), [("stop", "stopped"), ("pause", "paused"), ("start", "running")])
def test_without_a_command_of_its_epoch_the_shards_say_what_a_stream_does(stream: Stream, verb: str, said: str) -> None:
    stream.tell(ORDERS[verb])
    for shard in range(2):
        del stream.broker.records[stream.topics.commands, shard]
    assert state(stream) == said


def test_a_stream_drains_until_every_shard_has(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    stream.now_ms += 1_000
    monkeypatch.setattr(time, "time", lambda: stream.now_ms / 1_000)
    with pytest.raises(ServiceError, match="or much to drain"):
        stream.tell(ORDERS["drain"], "drain", 0.01)
    for owned in stream.owned.values():
        assert state(stream) == "draining"
        owned.publish_due(stream.now_ms)
    assert state(stream) == "drained"


def test_nothing_is_known_of_a_stream_that_never_began(monkeypatch: pytest.MonkeyPatch) -> None:
    Broker(2).installed(monkeypatch)
    assert stream_status(CLUSTER, "orders") == {
        "stream": "orders",
        "state": "running",
        "dependence": "auto",
        "published": 0,
        "shards": [{"shard": i, "published": 0, "rate_per_s": None, "command": ""} for i in range(2)],
        "responses": [],
    }
