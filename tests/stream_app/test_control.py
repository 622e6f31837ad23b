"""Commands and the shards that obey them, on a broker in memory: stream_app.control, stream_app.shards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import InputError, ServiceError
from schemas.steering import Steering, steering_of
from stream_app.control import ORDERS, Desired, State, at_rate, steered
from tests.stream_app.memory_broker import Broker, Stream, Transactions
from tests.stream_app.shop import START_MS, recipe


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(2).installed(monkeypatch)


@pytest.fixture
def stream(broker: Broker) -> Stream:
    return Stream(broker, recipe(2)).begin()


def commanded(stream: Stream) -> list[Desired]:
    """All commands as the first shard has them, oldest first."""
    return [Desired.from_bytes(value) for value in stream.broker.records[stream.topics.commands, 0]]


def test_a_refused_command_is_taken_back_from_every_shard(stream: Stream) -> None:
    stream.tell(steered(Steering(given={"paid": True})), "steer paid=true")
    with pytest.raises(InputError) as refused:
        stream.tell(steered(Steering(given={"paid": "maybe"})), "steer paid=maybe")
    assert [fault[:29] for fault in refused.value.faults] == [f"shard={i}: refused the command:" for i in (0, 1)]
    *_, asked, back = commanded(stream)
    assert (asked.steering.given, back.steering.given) == ({"paid": "maybe"}, {"paid": True})
    assert back.asked == "taken back: steer paid=maybe"
    assert back.command not in ("", asked.command)
    stream.attend()
    stream.tell(ORDERS["pause"], "pause")
    assert commanded(stream)[-1].steering.given == {"paid": True}
    assert {owned.publisher.contents.latest.steering.given["paid"] for owned in stream.owned.values()} == {True}


def test_shares_and_boosts_are_told_and_refused_like_any_steering(stream: Stream) -> None:
    shared = steering_of({"shares": {"colour": {"red": 0.1}}})
    boosted = steering_of({"boost": {"column": "colour", "value": "grün", "factor": 2}})
    stream.tell(steered(shared))
    assert commanded(stream)[-1].steering == shared
    for owned in stream.owned.values():
        owned.publisher.publish_until(50)
    stream.tell(steered(boosted))
    with pytest.raises(
        InputError, match=r"shard=0: refused the command: shares\.colour=pink: is no value that is drawn"
    ):
        stream.tell(steered(steering_of({"shares": {"colour": {"pink": 0.1}}})))
    stream.attend()
    for owned in stream.owned.values():
        assert [change.steering for change in owned.publisher.contents.changes] == [shared, boosted]
        owned.commit()
    assert stream.progress(1).contents == stream.owned[1].publisher.contents


def test_a_rate_that_one_shard_refuses_stays_with_none(stream: Stream) -> None:
    stream.tell(at_rate(40.0, START_MS))
    fussy = stream.owned[1].publisher
    fussy.recipe = replace(fussy.recipe, event_time="at")
    with pytest.raises(InputError, match=r"^shard=1: refused the command: rate_per_s=max: the stream's clock fills at"):
        stream.tell(at_rate(None, START_MS))
    stream.attend()
    assert [owned.publisher.schedule.latest.rate_per_s for owned in stream.owned.values()] == [20.0, 20.0]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"epoch": 1}, r"epoch=1: the stream is still at epoch 0; start a worker with this file first, or use the"),
        ({"epoch": 0}, r"epoch=0: the stream is at epoch 1; use the file that began it"),
        ({"shards": 3}, r"shards=3: stream orders has 2 shards; use the file that began it"),
    ],
)
def test_a_file_of_another_epoch_or_other_shards_tells_nobody(broker: Broker, told: dict[str, Any], said: str) -> None:
    stream = Stream(broker, recipe(2, epoch=1 - told.get("epoch", 1)))
    stream.initial = replace(stream.initial, epoch=stream.recipe.epoch)
    stream.begin()
    stream.recipe = replace(stream.recipe, **told)
    stream.initial = replace(stream.initial, epoch=stream.recipe.epoch)
    with pytest.raises(InputError, match=said):
        stream.tell(ORDERS["pause"])
    assert (commanded(stream), stream.answers()) == ([], [])


def test_a_stream_that_nobody_began_is_told_nothing(broker: Broker) -> None:
    stream = Stream(broker, recipe(2))
    with pytest.raises(InputError, match="stream=orders: no worker has begun it; start `synthstream worker`"):
        stream.tell(ORDERS["pause"])
    assert commanded(stream) == []


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_stopped_stream_is_started_by_name_alone(stream: Stream, verb: str) -> None:
    stream.tell(ORDERS["stop"], "stop")
    with pytest.raises(InputError, match=r"state=stopped: .* start it again with `synthstream start`"):
        stream.tell(ORDERS[verb], verb)
    assert [each.state for each in commanded(stream)] == [State.STOPPED]
    stream.tell(ORDERS["start"], "start")
    assert commanded(stream)[-1].state is State.RUNNING


def test_shards_that_say_nothing_are_named(stream: Stream) -> None:
    del stream.owned[1]
    with pytest.raises(ServiceError, match=r"^shards 1: did not acknowledge within 0\.2 s; is a worker running\?"):
        stream.tell(ORDERS["pause"])


def test_a_command_given_meanwhile_is_kept(stream: Stream, broker: Broker) -> None:
    def meanwhile(name: str) -> None:
        broker.owning = lambda name: None
        stream.tell(at_rate(7.0, START_MS), "rate 7")

    broker.owning = meanwhile
    stream.tell(ORDERS["pause"], "pause")
    assert [(told.asked, told.state, told.rate_per_s) for told in commanded(stream)] == [
        ("rate 7", State.RUNNING, 7.0),
        ("pause", State.PAUSED, 7.0),
    ]


def test_of_two_commands_at_the_same_moment_the_one_that_is_fenced_says_so(
    stream: Stream, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(known: bytes | None, initial: Desired) -> Desired:
        broker.owners["orders.control"] = object()
        return initial

    monkeypatch.setattr("stream_app.control.in_force", look)
    with pytest.raises(ServiceError, match=r"another command was given at the same moment; see `synthstream history`"):
        stream.tell(ORDERS["pause"])
    assert commanded(stream) == []


def test_a_refusal_is_told_even_where_the_broker_is_gone(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(outbox: object) -> None:
        raise ServiceError("no broker")

    def attend() -> None:
        attended()
        monkeypatch.setattr(Transactions, "begin", gone)

    attended, stream.attend = stream.attend, attend  # type: ignore[method-assign]
    with pytest.raises(InputError, match=r"^shard=0: refused(.|\n)*the command could not be taken back: no broker$"):
        stream.tell(steered(Steering(given={"paid": "maybe"})))


def test_a_refusal_that_can_not_be_taken_back_says_so(stream: Stream, broker: Broker) -> None:
    def overtaken(value: bytes) -> Desired:
        broker.owners["orders.control"] = object()
        return told(value)

    told = Desired.from_bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desired, "from_bytes", overtaken)
        with pytest.raises(InputError, match="another command was given meanwhile and holds the refused one too"):
            stream.tell(steered(Steering(given={"paid": "maybe"})))
    assert len(commanded(stream)) == 1
