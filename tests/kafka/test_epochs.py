"""Epochs on a real broker: a stream begins anew as a whole, and nobody goes on with the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Fenced, Inbox, Outbox, last_record, topic_partitions
from generators.artifact import load_artifact
from schemas.errors import InputError, ServiceError
from schemas.framing import HEADER as SCHEMA_HEADER
from schemas.steering import Steering
from schemas.stream import StreamSpec, load
from stream_app import assemble
from stream_app.control import ORDERS, Asked, Desired, State, at_rate, command, steered
from stream_app.decoding import Decoders
from stream_app.progress import Progress
from stream_app.recipe import Recipe
from stream_app.settings import Place
from stream_app.shards import OwnedShard, enter_epoch

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

NOW_MS = 1e12


class Streams:
    """One stream on a broker, under one file or another."""

    def __init__(self, outside: assemble.Outside, spec: StreamSpec) -> None:
        self.outside, self.spec = outside, spec

    def under(self, **changes: Any) -> StreamSpec:
        return self.spec.model_copy(update=changes)

    def take(self, spec: StreamSpec, shard: int) -> OwnedShard:
        topics, initial = assemble.topics_of(spec), assemble.initial_state(spec)
        return OwnedShard(self.outside.cluster, topics, self._recipe(spec), shard, initial, None, NOW_MS)

    def enter(self, spec: StreamSpec, now_ms: float = NOW_MS) -> None:
        cluster, topics = self.outside.cluster, assemble.topics_of(spec)
        topics.create(cluster, assemble.topic_shape(spec), grow=spec.epoch > 0)
        enter_epoch(cluster, topics, self._recipe(spec), assemble.initial_state(spec), now_ms)

    def _recipe(self, spec: StreamSpec) -> Recipe:
        assert spec.artifact is not None
        return assemble.recipe(spec, load_artifact(spec.artifact), self.outside)

    def progress(self, shard: int) -> Progress:
        known = last_record(self.outside.cluster, assemble.topics_of(self.spec).progress, shard)
        assert known is not None
        return Progress.from_bytes(known)


@pytest.fixture
def streams(cluster: Cluster, registry: EmbeddedRegistry, stream: Path) -> Iterator[Streams]:
    with assemble.reached(Place(cluster.bootstrap, registry.url)) as outside:
        streams = Streams(outside, load(stream))
        streams.enter(streams.spec)
        yield streams


def test_a_new_epoch_begins_every_shard_anew_and_fences_the_owners_before(streams: Streams) -> None:
    before = [streams.take(streams.spec, shard) for shard in (0, 1)]
    for owned in before:
        owned.publish_due(NOW_MS + 1_000)
        owned.commit()
        assert owned.committed > 0
    anew = streams.under(epoch=1, seed=9)
    streams.enter(anew)
    for shard in (0, 1):
        begun = streams.progress(shard)
        assert (begun.epoch, begun.terms["seed"], begun.position) == (1, "9", 0)
    with pytest.raises(Fenced):
        before[0].commit()
    with pytest.raises(InputError, match=r"epoch=0: stream .* is at epoch 1; use the file that began it"):
        streams.take(streams.spec, 0)
    with pytest.raises(InputError, match=r"seed=5: epoch 1 of stream .* with seed=9; .* begin anew with epoch: 2"):
        streams.take(streams.under(epoch=1, seed=5), 0)
    assert streams.take(anew, 0).committed == 0


def test_framing_belongs_to_an_epoch_and_the_next_one_may_have_another(streams: Streams) -> None:
    with pytest.raises(
        InputError, match=r"framing=header: epoch 0 .* with framing=prefix; .* begin anew with epoch: 1"
    ):
        streams.take(streams.under(framing="header"), 0)
    before = streams.take(streams.spec, 0)
    before.publish_due(NOW_MS + 1_000)
    before.close()
    anew = streams.under(epoch=1, framing="header")
    streams.enter(anew)
    after = streams.take(anew, 0)
    after.publish_due(NOW_MS + 1_000)
    after.close()
    named: list[bool] = []
    inbox, decoders = Inbox(streams.outside.cluster, streams.spec.topic), Decoders(streams.outside.registry)
    while not inbox.at_end():
        polled = inbox.poll(10_000, 0.2)
        assert len(decoders.decode(polled.values, polled.headers).foreign) == 0
        named += [SCHEMA_HEADER in dict(heads or []) for heads in polled.headers]
    inbox.close()
    assert named == [False] * before.committed + [True] * after.committed
    assert before.committed > 0 < after.committed


def test_the_shards_of_a_stream_begin_at_one_moment(streams: Streams) -> None:
    begun = [streams.progress(shard).schedule.changes for shard in range(4)]
    gap_ms = 1_000 / 1_000
    assert [changes[0].at_ms - NOW_MS for changes in begun] == [shard * gap_ms for shard in range(4)]


def test_workers_that_begin_an_epoch_together_begin_it_as_of_one_moment(streams: Streams) -> None:
    anew = streams.under(epoch=1, seed=9)
    with ThreadPoolExecutor(3) as together:
        entered = [together.submit(streams.enter, anew, NOW_MS + 7 * worker) for worker in range(3)]
    assert [each.result() for each in entered] == [None] * 3
    begun = [streams.progress(shard) for shard in range(4)]
    assert {(progress.epoch, progress.began_ms) for progress in begun} == {(1, begun[0].began_ms)}
    assert [progress.schedule.changes[0].at_ms - progress.began_ms for progress in begun] == [0, 1, 2, 3]


def test_of_commands_at_the_same_moment_each_is_kept_or_says_that_it_was_not_given(streams: Streams) -> None:
    cluster, topics, initial = (
        streams.outside.cluster,
        assemble.topics_of(streams.spec),
        assemble.initial_state(streams.spec),
    )
    orders = [at_rate(500.0, NOW_MS), ORDERS["pause"], steered(Steering(given={"color": "red"}))]

    def tell(number: int) -> str:
        try:
            command(cluster, topics, initial, Asked(orders[number], str(number)), 0.1)
        except ServiceError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(3) as together:
        said = list(together.map(tell, range(3)))
    ends = ("another command was given at the same moment", "did not acknowledge", "transaction not committed")
    assert all(any(end in each for end in ends) for each in said), said
    known = last_record(cluster, topics.commands, 0)
    assert known is not None
    told = Desired.from_bytes(known)
    given = ["did not acknowledge" in each for each in said]
    assert any(given)
    assert [told.rate_per_s == 500.0, told.state is State.PAUSED, told.steering.given == {"color": "red"}] == given


def test_entering_the_epoch_a_stream_is_at_disturbs_nobody(streams: Streams) -> None:
    owned = streams.take(streams.spec, 0)
    owned.commit()
    streams.enter(streams.spec)
    owned.publish_due(NOW_MS + 1_000)
    owned.commit()
    assert streams.progress(0).position == owned.committed > 0


def test_a_later_epoch_may_have_more_shards_but_not_fewer(streams: Streams) -> None:
    streams.take(streams.spec, 0).close()
    wider = streams.under(epoch=1, shards=6)
    streams.enter(wider)
    topics = assemble.topics_of(wider)
    grown = (topics.data, topics.ownership, topics.commands, topics.progress)
    assert {topic_partitions(streams.outside.cluster, topic) for topic in grown} == {6}
    streams.take(wider, 5).close()
    assert [streams.progress(shard).terms["shards"] for shard in (0, 5)] == ["6", "6"]
    with pytest.raises(InputError, match=r"shards=4: stream .* has a shard 5"):
        streams.take(streams.spec, 5)
    with pytest.raises(InputError, match=r"shards=2: topic .* has 6 partitions"):
        streams.enter(streams.under(epoch=2, shards=2))


def answered(act: Callable[[], object], cluster: Cluster, topic: str) -> list[bytes | None]:
    """What comes to a topic while something is done."""
    inbox = Inbox(cluster, topic, start="latest")
    act()
    values = list(inbox.poll(10, 10.0).values)
    inbox.close()
    return values


def test_a_command_for_another_epoch_is_refused(streams: Streams) -> None:
    cluster, topics = streams.outside.cluster, assemble.topics_of(streams.spec)
    anew = streams.under(epoch=1)
    owned = streams.take(anew, 0)
    forged = Desired("forged", State.STOPPED, None, epoch=0)
    (answer,) = answered(lambda: owned.obey(forged, NOW_MS), cluster, topics.acknowledgements)
    assert b"it is for epoch 0, the stream is at 1" in (answer or b"")
    assert not owned.stopped
    outbox = Outbox(cluster, topics.commands, None)
    outbox.send_one(topics.commands, b"0", Desired("newer", State.RUNNING, None, epoch=1).to_bytes(), 0)
    outbox.flush()
    with pytest.raises(InputError, match="epoch=0: the stream is at epoch 1"):
        command(cluster, topics, assemble.initial_state(streams.spec), Asked(ORDERS["pause"], "pause"), 0.1)


def test_commands_of_an_epoch_that_is_over_are_forgotten(streams: Streams) -> None:
    cluster, topics = streams.outside.cluster, assemble.topics_of(streams.spec)
    outbox = Outbox(cluster, topics.commands, None)
    outbox.send_one(topics.commands, b"0", Desired("old", State.STOPPED, None, epoch=0).to_bytes(), 0)
    outbox.flush()
    assert streams.take(streams.spec, 0).stopped
    assert not streams.take(streams.under(epoch=1), 0).stopped
