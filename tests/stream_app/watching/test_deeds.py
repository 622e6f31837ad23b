"""What alarms do to their stream, on a broker in memory: stream_app.watching.deeds, stream_app.watching.responses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitors.alarms import Event
from monitors.estimate import Estimate
from monitors.metric import Severity
from monitors.ongoing import Ongoing
from schemas.errors import InputError, ServiceError
from schemas.rates import profile_of
from schemas.responses import Response
from schemas.rules import Allowed, Range
from stream_app.contents import Model
from stream_app.control import ORDERS, Desired, State, at_rate, held, released, swapped
from stream_app.quarantine import Gate
from stream_app.streams import command_history, stream_status
from stream_app.watching.deeds import Deeds
from stream_app.watching.responses import Book, Reaction, spelled
from tests.stream_app.memory_broker import CLUSTER, Broker, Stream, Transactions
from tests.stream_app.shop import START_MS, decoded, recipe

CHEAP = Range("price", high=55)
RULE = CHEAP.name
PAUSE, SLOW = Response(do="pause"), Response(do="rate", rate_per_s=10, undo=True)
KEEP, PREVIOUS = Response(do="quarantine"), Response(do="previous")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(2).installed(monkeypatch)


@pytest.fixture
def stream(broker: Broker) -> Stream:
    gate = Gate(keeps=True, topic="aside", holdable=(CHEAP, Allowed("colour", ("red",))))
    stream = Stream(broker, recipe(2, gate=gate)).begin()
    broker.attending = stream.attend
    return stream


def deeds(stream: Stream, judge: str = "j") -> Deeds:
    responses = stream.topics.responses
    return Deeds(CLUSTER, lambda: stream.topics, stream.initial, responses, judge, lambda: START_MS, 0.2)


def alarm(column: str = "price", start_s: float = 5, metric: str = "drift_ks") -> Ongoing:
    shown = (Estimate(0.2, 0.1, 0.3, 500), start_s, start_s + 4, ((0, 3), (1, 7)))
    return Ongoing(Event("opened", Severity.PAGE, column, metric, start_s + 4, *shown))


def book(stream: Stream) -> Book:
    return Book.read(CLUSTER, stream.topics.responses)


def commands(stream: Stream) -> list[Desired]:
    return [Desired.from_bytes(value) for value in stream.broker.records[stream.topics.commands, 0]]


def stages(stream: Stream) -> list[tuple[str, str]]:
    return [(reaction.do, reaction.stage) for reaction in book(stream).reactions]


def test_an_alarm_pauses_the_stream_once_and_says_what_it_did(stream: Stream) -> None:
    for owned in stream.owned.values():
        owned.publisher.publish_until(40)
    done = deeds(stream).act(PAUSE, alarm())
    assert done is not None
    assert (done.stage, done.do, done.positions, done.alarm) == ("accepted", "pause", (40, 40), alarm().opened)
    assert {owned.publisher.schedule.latest.rate_per_s for owned in stream.owned.values()} == {0}
    (told,) = commands(stream)
    assert (told.state, told.asked, told.command) == (State.PAUSED, "pause", done.command)
    assert told.by.startswith("alarm drift_ks price ")
    assert stages(stream) == [("pause", "told"), ("pause", "accepted")]
    assert deeds(stream).act(PAUSE, alarm()) is None  # the same monitor started again, or another one
    assert deeds(stream).act(PAUSE, alarm(start_s=7)) is None  # that saw it a little later
    assert len(commands(stream)) == 1
    (entry,) = command_history(CLUSTER, stream.topics.stream)
    assert entry["by"] == told.by
    (row,) = stream_status(CLUSTER, stream.topics.stream)["responses"]
    assert (row["do"], row["stage"], row["command"], row["from_position"]) == (
        "pause",
        "accepted",
        told.command,
        [40, 40],
    )
    assert (row["alarm"], row["records"]) == (
        {"metric": "drift_ks", "column": "price", "severity": "page"},
        [[0, 3], [1, 7]],
    )
    assert spelled([row])[0].endswith("pause: accepted  by alarm drift_ks price 0.2 (page)")


def test_after_it_has_cleared_the_next_alarm_acts_and_what_showed_the_last_one_does_not(stream: Stream) -> None:
    one = deeds(stream)
    one.act(PAUSE, alarm())
    assert [each.subject.column for each in one.left_open()] == ["price"]
    over = one.end(PAUSE, alarm(), 20.0)
    assert over is not None
    assert (over.stage, over.until_s, one.left_open()) == ("over", 20.0, ())
    assert one.end(PAUSE, alarm(), 21.0) is None
    stream.tell(ORDERS["resume"], "resume")
    assert one.act(PAUSE, alarm(start_s=19)) is None
    assert commands(stream)[-1].state is State.RUNNING
    again = one.act(PAUSE, alarm(start_s=20))
    assert again is not None
    assert again.stage == "accepted"
    assert [row["cleared"] for row in book(stream).rows(10)] == [None, 20.0]


def test_what_is_so_already_is_only_written_down(stream: Stream) -> None:
    stream.tell(ORDERS["pause"], "pause")
    stream.tell(at_rate(5.0, START_MS), "rate 5")
    stream.tell(held(RULE), "hold")
    needless = [deeds(stream).act(each, alarm(RULE)) for each in (PAUSE, SLOW, KEEP)]
    assert [each.stage for each in needless if each is not None] == ["needless"] * 3
    assert len(commands(stream)) == 3


def test_two_monitors_at_the_same_moment_act_once(stream: Stream, broker: Broker) -> None:
    other: list[Reaction | None] = []

    def meanwhile(name: str) -> None:
        broker.owning = lambda name: None
        other.append(deeds(stream).act(PAUSE, alarm()))

    broker.owning = meanwhile
    assert deeds(stream).act(PAUSE, alarm(start_s=6)) is None
    assert [each.stage for each in other if each is not None] == ["accepted"]
    assert len(commands(stream)) == 1


def test_monitors_that_judge_otherwise_respond_for_themselves(stream: Stream) -> None:
    deeds(stream).act(SLOW, alarm())
    stream.tell(at_rate(100.0, START_MS), "rate 100")
    done = deeds(stream, "another").act(SLOW, alarm())
    assert done is not None
    assert done.stage == "accepted"


def test_the_rate_is_lowered_and_goes_back_once_the_last_alarm_has_cleared(stream: Stream) -> None:
    one = deeds(stream)
    one.act(SLOW, alarm())
    one.act(SLOW, alarm("pieces"))
    assert [told.rate_per_s for told in commands(stream)] == [10.0]
    first = one.end(SLOW, alarm(), 30.0)
    assert first is not None
    assert first.why == "not undone: the alarm on pieces goes on"
    last = one.end(SLOW, alarm("pieces"), 31.0)
    assert last is not None
    assert last.command == commands(stream)[-1].command
    (other, first_row) = spelled(book(stream).rows(10))
    assert first_row.endswith("(page): not undone: the alarm on pieces goes on, over")
    assert other.endswith(
        "rate 10: needless  by alarm drift_ks pieces 0.2 (page): the rate is 10 already, over, undone"
    )
    assert [(told.rate_per_s, told.rate_commanded) for told in commands(stream)] == [(10.0, True), (100.0, False)]
    assert {owned.publisher.schedule.latest.rate_per_s for owned in stream.owned.values()} == {50.0}


def test_a_rate_that_somebody_commanded_meanwhile_stays(stream: Stream) -> None:
    one = deeds(stream)
    one.act(SLOW, alarm())
    stream.tell(at_rate(70.0, START_MS), "rate 70")
    over = one.end(SLOW, alarm(), 30.0)
    assert over is not None
    assert (over.why, over.command) == ("not undone: another rate was commanded since", "")
    assert commands(stream)[-1].rate_per_s == 70.0


def test_a_profile_is_not_lowered(stream: Stream) -> None:
    stream.tell(at_rate(profile_of({"constant": 90}), START_MS), "rate profile")
    refused = deeds(stream).act(SLOW, alarm())
    assert refused is not None
    assert (refused.stage, refused.why) == (
        "refused",
        "rate: the stream goes by a profile, which may be lower by itself",
    )


def test_what_breaks_the_rule_is_kept_out_from_the_next_record_on(stream: Stream) -> None:
    for owned in stream.owned.values():
        owned.publisher.publish_until(500)
    done = deeds(stream).act(KEEP, alarm(RULE, metric="quality_violation"))
    assert done is not None
    assert done.positions == (500, 500)
    for shard, owned in stream.owned.items():
        owned.publisher.publish_until(1_000)
        kept = owned.publisher.outbox
        assert isinstance(kept, Transactions)
        passed, aside = (decoded(each).column("price").to_numpy() for each in (kept.shard(shard), kept.aside["aside"]))
        assert max(passed[:500]) > 55 >= max(passed[500:])
        assert min(aside) > 55
        assert len(passed) + len(aside) == 1_000
    stream.tell(released(RULE), "hold --stop")
    for owned in stream.owned.values():
        owned.publisher.publish_until(1_500)
        assert [change.held for change in owned.publisher.contents.changes] == [(), (RULE,), ()]


def test_a_rule_that_the_shards_do_not_know_is_refused_and_taken_back(stream: Stream) -> None:
    refused = deeds(stream).act(KEEP, alarm("range:wide"))
    assert refused is not None
    assert refused.stage == "refused"
    assert (
        "hold range:wide: the stream has no such rule for its quarantine to keep; there are range:price" in refused.why
    )
    assert [told.held for told in commands(stream)] == [("range:wide",), ()]
    with pytest.raises(InputError, match="hold range:wide: no command holds records to it; those that one does: none"):
        stream.tell(released("range:wide"))
    with pytest.raises(InputError, match="the stream has no quarantine"):
        Gate(holdable=(CHEAP,)).held([RULE])
    assert Gate((CHEAP,), keeps=True, holdable=(CHEAP,)).held([RULE]) == ()


def models(stream: Stream, *names: str | None) -> None:
    """Have one model after the other draw ten records of every shard."""
    drawn = replace(stream.recipe, another=lambda model: stream.recipe)
    for owned in stream.owned.values():
        owned.publisher.recipe = drawn
    for name in names:
        stream.tell(swapped(None if name is None else Model(name, f"/{name}"), 0), f"swap {name}")
        for owned in stream.owned.values():
            owned.publisher.publish_until(owned.publisher.position + 10)
            owned.commit()


def test_the_model_before_the_one_that_draws_comes_back_once(stream: Stream) -> None:
    one = deeds(stream)
    models(stream, None, "b", "c")
    done = one.act(PREVIOUS, alarm(start_s=5))
    assert done is not None
    assert (done.stage, done.positions) == ("accepted", (30, 30))
    assert commands(stream)[-1].model == Model("b", "/b")
    late = one.act(PREVIOUS, alarm("pieces", start_s=5))  # another column that the same model had moved
    assert late is not None
    assert (late.stage, commands(stream)[-1].model) == ("refused", Model("b", "/b"))
    assert late.why == "previous: the alarm is about records from before the stream last went back"
    models(stream, "b")
    assert one.act(PREVIOUS, alarm("day", start_s=9)) is not None
    assert commands(stream)[-1].model is None
    models(stream, None)
    none = one.act(PREVIOUS, alarm("paid", start_s=13))
    assert none is not None
    assert none.why == "previous: no other model is known to have drawn before this one; swap by hand"


def test_a_stream_that_nobody_began_is_refused_and_that_is_written_down(broker: Broker) -> None:
    def topics() -> None:
        raise InputError("stream=orders: no worker has begun it")

    stream = Stream(broker, recipe(2))
    refused = replace(deeds(stream), topics=topics).act(PAUSE, alarm())  # type: ignore[arg-type]
    assert refused is not None
    assert (refused.why, stages(stream)) == ("stream=orders: no worker has begun it", [("pause", "refused")])


def test_shards_that_say_nothing_are_told_all_the_same(stream: Stream) -> None:
    del stream.owned[1]
    done = deeds(stream).act(PAUSE, alarm())
    assert done is not None
    assert done.stage == "silent"
    assert "shards 1: did not acknowledge" in done.why
    assert stages(stream) == [("pause", "told"), ("pause", "silent")]


def test_what_could_not_be_told_was_not_done(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(outbox: Transactions) -> None:
        raise ServiceError("no broker")

    with monkeypatch.context() as patched:
        patched.setattr(Transactions, "commit", gone)
        with pytest.raises(ServiceError, match="no broker"):
            deeds(stream).act(PAUSE, alarm())
    assert stages(stream) == []
    done = deeds(stream).act(PAUSE, alarm())
    assert done is not None
    assert done.stage == "accepted"


@pytest.mark.parametrize("strange", [b"", b"{}", b"no json", b"[1]"])
def test_a_strange_record_is_refused(strange: bytes) -> None:
    with pytest.raises(InputError, match="response record: is not one of ours"):
        Reaction.from_bytes(strange)
