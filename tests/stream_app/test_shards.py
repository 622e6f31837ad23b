"""A shard begun, taken, lost and taken again, on a broker in memory: stream_app.shards."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from generators.blocks import BLOCK_ROWS
from schemas import disorder as forms
from schemas.changes import Changes as ChangesForm
from schemas.errors import InputError, ServiceError
from schemas.keying import KeyForm
from schemas.rates import Profile, profile_of
from schemas.steering import Steering
from stream_app.change_log import CHANGES_KEPT
from stream_app.changes import Changes
from stream_app.control import ORDERS, Desired, Order, State, at_files_rate, at_rate, steered
from stream_app.disorder import Disorder
from stream_app.pace.recordings import pinned
from stream_app.replay import Range, published
from stream_app.schedule import UNPACED, Behind, Rate, pace_of
from stream_app.shards import FAILURES, RACES, OwnedShard, enter_epoch, terms
from tests.stream_app.memory_broker import CLUSTER, Broker, Stream, Transactions
from tests.stream_app.pace.profiles import EVERY, PROFILES
from tests.stream_app.shop import START_MS, recipe

RAMP = profile_of({"ramp": {"from": 0, "to": 100, "over_s": 100}})
BURSTS = profile_of({"bursts": {"base": 10, "peak": 50, "every_s": 60, "for_s": 10}})


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(3).installed(monkeypatch)


def named(rate: Rate) -> str:
    return rate.text if isinstance(rate, Profile) else f"{rate:g}"


def enter(stream: Stream, wait: object = pytest.fail) -> None:
    enter_epoch(CLUSTER, stream.topics, stream.recipe, stream.initial, stream.now_ms, wait)  # type: ignore[arg-type]


@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize("shard", [0, 1, 2])
@pytest.mark.parametrize("finishes", [True, False])
def test_workers_that_begin_an_epoch_together_begin_it_as_of_one_moment(
    broker: Broker, epoch: int, shard: int, finishes: bool
) -> None:
    if epoch:
        enter(Stream(broker, recipe(3), now_ms=START_MS - 1e6))
    first = Stream(broker, recipe(3, epoch=epoch))
    first.initial = replace(first.initial, epoch=epoch)
    second, waits = replace(first, now_ms=START_MS + 250.0), list[int]()

    def second_comes(name: str) -> None:
        if name == f"orders.{shard}" and not waits:
            broker.owned = lambda name: None
            if finishes:
                enter(second)
            broker.owners[name] = object()

    broker.owned = second_comes
    enter(first, lambda: waits.append(1))
    begun = [first.progress(number) for number in range(3)]
    assert {(progress.epoch, progress.began_ms) for progress in begun} == {(epoch, begun[0].began_ms)}
    assert begun[0].began_ms == (second if finishes and shard == 0 else first).now_ms
    turns = [progress.schedule.changes[0].at_ms - begun[0].began_ms for progress in begun]
    assert turns == pytest.approx([0, 10, 20], abs=1e-3)
    assert len(waits) == 1


def test_a_shard_that_others_keep_taking_and_never_begin_is_an_error(broker: Broker) -> None:
    broker.owned, waits = (lambda name: broker.owners.update({name: object()})), list[int]()
    with pytest.raises(ServiceError, match=r"shard=0: others took it 20 times and did not begin epoch 0; look at"):
        enter(Stream(broker, recipe(3)), lambda: waits.append(1))
    assert len(waits) == RACES


@pytest.mark.parametrize("failures", [1, FAILURES - 1, FAILURES])
def test_a_shard_that_the_broker_fails_at_is_tried_again_but_not_for_ever(broker: Broker, failures: int) -> None:
    left, waits, stream = [1] * failures, list[int](), Stream(broker, recipe(3))

    def fail(name: str) -> None:
        if left:
            left.pop()
            raise ServiceError("EndTxn commit failed")

    broker.owned = fail
    if failures == FAILURES:
        with pytest.raises(ServiceError, match="EndTxn commit failed"):
            enter(stream, lambda: waits.append(1))
        return
    enter(stream, lambda: waits.append(1))
    assert len(waits) == failures
    assert [stream.progress(shard).epoch for shard in range(3)] == [0, 0, 0]


POISSON = [profile_of({"poisson": form}) for form in (80, {"sine": EVERY["sine"]})]
RATES: list[Rate] = [100.0, 33.3, UNPACED, *PROFILES, *POISSON]


def at(rate: Rate, epoch: int = 0) -> Desired:
    """What a file of that rate asks for, the rate read anew."""
    read = profile_of(rate.to_json()) if isinstance(rate, Profile) else rate
    return Desired("", State.RUNNING, None if read == UNPACED else read, epoch=epoch)


def publish(owned: OwnedShard, now_ms: float) -> None:
    """All that is due, or a block."""
    while len(owned.publish_due(now_ms)) and owned.publisher.schedule.latest.rate_per_s != UNPACED:
        pass


@pytest.mark.parametrize("rate", RATES, ids=named)
@pytest.mark.parametrize("behind", ["catch_up", "skip", "shift"])
def test_taking_a_shard_again_under_the_same_file_adds_no_change(broker: Broker, rate: Rate, behind: str) -> None:
    stream = Stream(broker, recipe(3, behind=Behind(behind, 1.0)), at(rate)).begin()
    stream.owned[1].close()
    for lost_s in (0.5, 3.0, 0.0):
        stream.initial = at(rate)
        before = stream.progress(1).schedule
        stream.now_ms += lost_s * 1_000
        owned = stream.take(1)
        assert owned.publisher.schedule == before
        publish(owned, stream.now_ms)
        owned.close()


@pytest.mark.parametrize("rate", RATES, ids=named)
@pytest.mark.parametrize("told", [ORDERS["resume"], at_rate(55.0, START_MS), at_rate(RAMP, START_MS)])
def test_taking_a_shard_again_under_a_command_adds_no_change(broker: Broker, rate: Rate, told: Order) -> None:
    stream = Stream(broker, recipe(3, behind=Behind("shift", 1.0)), at(rate)).begin()
    stream.tell(ORDERS["pause"])
    stream.now_ms += 400.0
    stream.tell(told)
    stream.tell(ORDERS["resume"])
    stream.now_ms += 2_500.0
    publish(stream.owned[1], stream.now_ms)
    stream.owned[1].close()
    before = stream.progress(1).schedule
    for _ in range(2):
        stream.now_ms += 100.0
        assert stream.take(1).publisher.schedule == before
        stream.owned[1].close()


def test_a_recording_is_the_same_wherever_it_lies(broker: Broker, tmp_path: Path) -> None:
    for name in ("here.csv", "there.csv"):
        (tmp_path / name).write_text("second,count\n0,30\n1,80\n5,10\n")
    here, there = (pinned(profile_of({"trace": {"file": str(tmp_path / n)}})) for n in ("here.csv", "there.csv"))
    stream = Stream(broker, recipe(3), at(here)).begin()
    stream.initial = at(there)
    before = stream.progress(1).schedule
    assert stream.take(1).publisher.schedule == before
    (tmp_path / "other.csv").write_text("second,count\n0,30\n1,81\n")
    stream.initial = at(pinned(profile_of({"trace": {"file": str(tmp_path / "other.csv")}})))
    assert stream.take(1).publisher.schedule != before


@pytest.mark.parametrize("first", [100.0, UNPACED, RAMP], ids=named)
@pytest.mark.parametrize("second", [60.0, UNPACED, BURSTS, profile_of({"poisson": 80})], ids=named)
def test_another_rate_in_the_file_is_followed_from_the_next_record_on(
    broker: Broker, first: Rate, second: Rate, caplog: pytest.LogCaptureFixture
) -> None:
    if first == second:
        return
    stream = Stream(broker, recipe(3), at(first)).begin()
    stream.now_ms += 2_000.0
    publish(stream.owned[1], stream.now_ms)
    stream.owned[1].close()
    stream.initial = at(second)
    with caplog.at_level("INFO"):
        owned = stream.take(1)
    said = [record for record in caplog.records if record.message.startswith("the stream's file has another rate")]
    assert [record.__dict__["sequence"] for record in said] == [owned.publisher.position]
    was, now = owned.publisher.schedule.changes
    assert now.sequence == stream.progress(1).position > 0
    assert now.keeps(pace_of(second, stream.recipe.share(1), START_MS))
    assert was.keeps(pace_of(first, stream.recipe.share(1), START_MS))


def test_the_files_rate_is_in_force_under_every_command_but_one_of_a_rate(broker: Broker) -> None:
    stream = Stream(broker, recipe(3), at(90.0)).begin()
    stream.tell(ORDERS["pause"])
    stream.owned[0].close()
    stream.initial = at(60.0)
    stream.take(0)
    stream.tell(ORDERS["resume"])
    rates = [owned.publisher.schedule.latest.rate_per_s for owned in stream.owned.values()]
    assert rates == pytest.approx([20.0, 30.0, 30.0])  # each by the file of its worker
    stream.tell(at_rate(45.0, START_MS))
    stream.owned[0].close()
    stream.initial = at(30.0)
    assert stream.take(0).publisher.schedule.latest.rate_per_s == pytest.approx(15.0)
    stream.tell(steered(Steering(given={"paid": True})))
    assert stream.owned[0].publisher.schedule.latest.rate_per_s == pytest.approx(15.0)
    stream.tell(at_files_rate)
    assert [owned.publisher.schedule.latest.rate_per_s for owned in stream.owned.values()] == pytest.approx(
        [10, 30, 30]
    )


@pytest.mark.parametrize("profile", [RAMP, BURSTS, *PROFILES], ids=named)
def test_after_a_shift_a_command_of_something_else_leaves_a_commanded_profile_where_it_is(
    broker: Broker, profile: Profile
) -> None:
    stream = Stream(broker, recipe(3, behind=Behind("shift", 1.0)), at(50.0)).begin()
    stream.now_ms += 500.0
    stream.tell(at_rate(profile, stream.now_ms))
    stream.now_ms += 60_000.0
    publish(stream.owned[1], stream.now_ms)
    shifted = stream.owned[1].publisher.schedule
    assert shifted.latest.clock.publish_ms > START_MS + 50_000
    stream.tell(steered(Steering(given={"paid": True})))
    assert stream.owned[1].publisher.schedule == shifted
    stream.tell(ORDERS["pause"])
    stream.tell(ORDERS["resume"])
    assert shifted.latest.keeps(stream.owned[1].publisher.schedule.latest.rate_per_s)
    stream.tell(at_rate(profile, stream.now_ms))
    assert not shifted.latest.keeps(stream.owned[1].publisher.schedule.latest.rate_per_s), "the profile begins anew"


def test_a_command_that_is_delivered_again_after_a_newer_one_is_over(broker: Broker) -> None:
    stream = Stream(broker, recipe(3), at(90.0)).begin()
    stream.tell(at_rate(30.0, START_MS))
    stream.tell(at_rate(60.0, START_MS))
    old, new = (Desired.from_bytes(value) for value in broker.records[stream.topics.commands, 1])
    for again in (False, True):
        owned = stream.take(1) if again else stream.owned[1]
        answered = len(stream.answers())
        owned.obey(old, stream.now_ms)
        assert len(stream.answers()) == answered
        owned.obey(new, stream.now_ms)
        assert len(stream.answers()) == answered + 1
        assert stream.answers()[-1]["command"] == new.command
        assert owned.publisher.schedule.latest.rate_per_s == pytest.approx(20.0)


def test_a_range_that_begins_before_the_oldest_change_kept_is_not_replayed(broker: Broker) -> None:
    stream = Stream(broker, recipe(3)).begin()
    disturbed = replace(stream.recipe, disorder=Disorder(forms.Disorder(missing=forms.Missing(share=0.1)), None, None))
    owned = stream.owned[1]
    for number in range(CHANGES_KEPT + 10):
        owned.publisher.position = 20 * number
        owned.publisher.change(owned.publisher.schedule.with_rate(20 * number, START_MS + 1e6 * number, 10.0 + number))
    owned.publisher.position = 3 * BLOCK_ROWS
    owned.commit()
    assert len(stream.progress(1).schedule.changes) == CHANGES_KEPT
    assert published(CLUSTER, stream.topics, stream.recipe, Range(1, 200, 210)).schedule.oldest == 200
    with pytest.raises(InputError, match=r"shard=1 start=199: .* newest 200 changes are kept; begin at record 200 or"):
        published(CLUSTER, stream.topics, stream.recipe, Range(1, 199, 210))
    known = replace(stream.progress(1), terms=terms(disturbed, stream.topics))
    broker.records[stream.topics.progress, 1].append(known.to_bytes())
    published(CLUSTER, stream.topics, disturbed, Range(1, BLOCK_ROWS + 5, BLOCK_ROWS + 9))
    with pytest.raises(InputError, match="begin at record 4096 or later"):
        published(CLUSTER, stream.topics, disturbed, Range(1, 300, 400))


def steer_often(owned: OwnedShard) -> None:
    for number in range(1, CHANGES_KEPT + 10):
        owned.publisher.position = 20 * number
        owned.publisher.change(
            contents=owned.publisher.contents.changed(20 * number, steering=Steering(given={"pieces": number}))
        )
    owned.commit()


def test_a_range_that_was_drawn_as_nobody_remembers_is_not_replayed(broker: Broker) -> None:
    stream = Stream(broker, recipe(3)).begin()
    steer_often(stream.owned[1])
    assert published(CLUSTER, stream.topics, stream.recipe, Range(1, 200, 210)).contents.oldest == 200
    with pytest.raises(InputError, match=r"shard=1 start=199: .* newest 200 changes are kept; begin at record 200 or"):
        published(CLUSTER, stream.topics, stream.recipe, Range(1, 199, 210))


def test_a_change_stream_is_steered_as_often_as_it_remembers(broker: Broker) -> None:
    upserts = Changes(ChangesForm.model_validate({"form": "upserts"}))
    stream = Stream(broker, recipe(3, changes=upserts, key=KeyForm(entities=700))).begin()
    owned = stream.owned[1]
    for number in range(1, CHANGES_KEPT):
        owned.publisher.position = number
        stream.tell(steered(Steering(given={"pieces": number % 2})))
    assert {answer["refused"] for answer in stream.answers()} == {""}
    owned.publisher.position = CHANGES_KEPT
    with pytest.raises(InputError, match=r"changed 199 times in this epoch, .* begin the next one \(epoch: 1 in"):
        stream.tell(steered(Steering(given={"pieces": 5})))
    stream.tell(at_rate(5.0, START_MS))
    assert stream.answers()[-1]["refused"] == ""


def test_while_a_shard_commits_it_publishes_nothing_and_nobody_waits_for_it(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(broker, recipe(3))
    enter(stream)
    owned = stream.take(0)
    owned.publish_due(stream.now_ms + 1_000)
    let, position = threading.Event(), owned.publisher.position
    commit = Transactions.commit
    monkeypatch.setattr(Transactions, "commit", lambda self: commit(self) if let.wait(30) else pytest.fail("waited"))
    owned.commit_if_due(0.0)
    assert owned.committing
    assert owned.committed == 0
    assert len(owned.publish_due(stream.now_ms + 2_000)) == 0
    assert not owned.overdue(stream.now_ms + 2_000)
    assert owned.publisher.overdue(stream.now_ms + 2_000)
    let.set()
    owned.commit()
    assert (owned.committing, owned.committed, stream.progress(0).position) == (False, position, position)
    assert len(owned.publish_due(stream.now_ms + 2_000)) > 0


def test_a_commit_that_fails_is_told_at_the_next_turn(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(broker, recipe(3))
    enter(stream)
    owned = stream.take(1)
    owned.publish_due(stream.now_ms + 1_000)

    def fails(self: Transactions) -> None:
        raise ServiceError("the broker is gone")

    monkeypatch.setattr(Transactions, "commit", fails)
    owned.commit_if_due(0.0)
    while owned.committing:
        pass
    with pytest.raises(ServiceError, match="the broker is gone"):
        owned.publish_due(stream.now_ms + 2_000)
    assert (owned.committed, stream.progress(1).position) == (0, 0)
