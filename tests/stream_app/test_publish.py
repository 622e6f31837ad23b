"""The loop: which records leave, when, and what they carry. No broker, no waiting."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from generators.artifact import load_artifact
from generators.blocks import BLOCK_ROWS, Source
from schemas.errors import InputError
from schemas.rates import profile_of
from schemas.table import Column, Kind, TableSchema
from stream_app.lineage import DRIFT_HEADER, HEADER, parse
from stream_app.publish import ShardPublisher, run
from stream_app.recipe import Recipe, check_event_time
from stream_app.schedule import UNPACED, Behind, Change, Rate, Schedule, begun, share, starting
from tests.stream_app.shop import START_MS, Hands, Kept, Record, decoded, publishers, recipe, storm, trained

STORM = storm("price", 30)


def published(shared: Recipe, rate: Rate, count: int, hands: Hands | None = None) -> Kept:
    kept, hands = Kept(), Hands() if hands is None else hands
    shards = publishers(shared, kept, lambda shard: starting(rate, shard, shared.shards, START_MS), count)
    run(lambda: shards, lambda shard, late_s: None, lambda: False, hands.clock)
    return kept


def alone(kept: Kept, schedule: Schedule, shared: Recipe | None = None) -> ShardPublisher:
    return ShardPublisher(recipe() if shared is None else shared, 0, kept.outbox, schedule)


def murmur2(data: bytes) -> int:
    """Java's `org.apache.kafka.common.utils.Utils.murmur2`, from its source, on Python's integers."""
    m, word = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & word
        k = (k ^ k >> 24) * m & word
        h = (h * m & word) ^ k
    if len(data) > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & word
    h = (h ^ h >> 13) * m & word
    return h ^ h >> 15


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 5, 9_001])
def test_exactly_so_many_records_whatever_the_shards(shards: int, count: int) -> None:
    kept = published(recipe(shards), UNPACED, count)
    assert [len(kept.shard(s)) for s in range(shards)] == [
        share(count, s, [1 / shards] * shards) for s in range(shards)
    ]
    assert len(kept.records) == count


def test_by_slices_or_by_blocks_the_bytes_are_the_same() -> None:
    shared, count = recipe(2), 2 * BLOCK_ROWS + 300
    whole = published(shared, UNPACED, count)
    slices = published(shared, 50_000, count)
    for shard in range(2):
        first, second = whole.shard(shard), slices.shard(shard)
        assert [(r.value, r.key, r.headers) for r in first] == [(r.value, r.key, r.headers) for r in second]
        rows = Source(trained(), 3, 0, shard, 2).rows(0, count // 2)
        values = [v for batch in rows for v in shared.codec.encode(batch, shared.prefix).values()]
        assert [r.value for r in first] == values


def test_another_process_publishes_the_same_bytes(folder: Path) -> None:
    program = (
        "import sys; from hashlib import sha256; from pathlib import Path\n"
        "from generators.artifact import load_artifact\n"
        "from stream_app.publish import run\n"
        "from stream_app.schedule import UNPACED, starting\n"
        "from tests.stream_app.shop import Kept, publishers, recipe\n"
        "kept = Kept(); shared = recipe(3, load_artifact(Path(sys.argv[1])))\n"
        "shards = publishers(shared, kept, lambda s: starting(UNPACED, s, 3, 0), 9_000)\n"
        "run(lambda: shards, lambda shard, late_s: None, lambda: False)\n"
        "sys.stdout.write(sha256(b''.join(r.value + r.key for s in range(3) for r in kept.shard(s))).hexdigest())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True, timeout=60, cwd=root
    )
    kept = published(recipe(3, load_artifact(folder)), UNPACED, 9_000)
    mine = b"".join(r.value + (r.key or b"") for shard in range(3) for r in kept.shard(shard))
    assert done.stdout == sha256(mine).hexdigest()


def test_a_shard_taken_over_goes_on_where_it_stood() -> None:
    shared, kept, rest = recipe(), Kept(), Kept()
    whole = published(shared, UNPACED, 5_000)
    schedule = starting(1_000, 0, 1, START_MS)
    first = ShardPublisher(shared, 0, kept.outbox, schedule, count=5_000)
    first.publish_due(START_MS + 1_233)
    assert first.position == 1_234
    second = ShardPublisher(shared, 0, rest.outbox, schedule, first.position, 5_000)
    while not second.done:
        second.publish_due(START_MS + 6_000)
    assert [r.value for r in kept.records + rest.records] == [r.value for r in whole.records]
    assert [r.timestamp_ms for r in rest.records] == [int(START_MS) + n for n in range(1_234, 5_000)]


def test_records_are_stamped_with_the_time_they_are_due() -> None:
    kept = published(recipe(4), 1_000, 400)
    assert sorted(r.timestamp_ms - int(START_MS) for r in kept.records) == list(range(400))
    assert {r.partition for r in kept.records if (r.timestamp_ms - int(START_MS)) % 4 == 1} == {1}


RAMP = profile_of({"ramp": {"from": 0, "to": 1_000, "over_s": 1}})


@pytest.mark.parametrize(("rate", "leave"), [(1_000.0, 300), (RAMP, 45)])
def test_a_stream_ends_at_its_time(rate: Rate, leave: int) -> None:
    kept = published(recipe(3, until_ms=START_MS + 300), rate, 10**9)
    assert max(r.timestamp_ms for r in kept.records) < START_MS + 300
    assert len(kept.records) == leave


def test_a_shard_without_a_pace_ends_at_its_time() -> None:
    publisher = alone(Kept(), starting(UNPACED, 0, 1, 0.0), recipe(until_ms=500.0))
    assert [len(publisher.publish_due(now_ms)) for now_ms in (499.0, 500.0)] == [BLOCK_ROWS, 0]
    assert publisher.done


@pytest.mark.parametrize("policy", ["catch_up", "skip", "shift"])
def test_a_shard_that_was_frozen_does_as_it_is_told(policy: str) -> None:
    kept = Kept()
    publisher = alone(kept, starting(10, 0, 1, 0.0), recipe(behind=Behind(policy, 1.0)))
    publisher.publish_due(950.0)
    late_s = publisher.publish_due(5_250.0)
    publisher.publish_due(5_400.0)
    told = {
        "catch_up": [*range(0, 5_401, 100)],
        "skip": [*range(0, 1_000, 100), 5_300, 5_400],
        "shift": [*range(0, 1_000, 100), 5_250, 5_350],
    }
    assert [r.timestamp_ms for r in kept.records] == told[policy]
    assert publisher.skipped_s == (0 if policy == "catch_up" else 4.25)
    assert max(late_s, default=0.0) == (4.25 if policy == "catch_up" else 0)
    again = ShardPublisher(recipe(), 0, Kept().outbox, publisher.schedule, 9)
    assert again.schedule.due_ms(np.arange(9, 12)).tolist() == [*told[policy][9:11], told[policy][10] + 100]


def test_a_day_of_event_time_may_pass_in_an_hour() -> None:
    shared = recipe(2, event_time="at", speed=24.0)
    kept = Kept()
    shards = publishers(shared, kept, lambda shard: begun(100.0, shared.share(shard), START_MS, shared.speed), 200)
    run(lambda: shards, lambda shard, late_s: None, lambda: False, Hands().clock)
    shown = decoded(kept.records)["at"].cast(pa.int64()).to_pylist()
    assert shown == [int(START_MS) + 24 * (r.timestamp_ms - int(START_MS)) for r in kept.records]
    assert int(START_MS) + 24 * 1_990 in shown


def test_a_profile_is_published_as_it_says_whoever_takes_over() -> None:
    shared, kept, hands = recipe(2), Kept(), Hands()
    profile = profile_of({"poisson": {"bursts": {"base": 100, "peak": 900, "every_s": 4, "for_s": 1}}})
    shards = publishers(shared, kept, lambda shard: begun(profile, shared.share(shard), START_MS), None)
    run(lambda: shards, lambda shard, late_s: None, lambda: hands.now > START_MS + 8_000, hands.clock)
    for shard, publisher in enumerate(shards):
        stamps = [r.timestamp_ms for r in kept.shard(shard)]
        anew = Schedule((Change.from_json(publisher.schedule.latest.to_json()),))
        assert anew.due_ms(np.arange(len(stamps))).tolist() == stamps
        other = begun(profile, recipe(2, seed=4).share(shard), START_MS)
        assert other.due_ms(np.arange(len(stamps))).tolist() != stamps
    assert 2_000 < len(kept.records) < 2_800


def test_nothing_leaves_before_it_is_due() -> None:
    kept, hands = Kept(), Hands()
    shards = publishers(recipe(), kept, lambda shard: starting(100, shard, 1, START_MS), None)
    early: list[int] = []

    def sent(shard: int, late_s: object) -> None:
        early.extend(r.timestamp_ms for r in kept.records if r.timestamp_ms > hands.now)

    run(lambda: shards, sent, lambda: hands.now >= START_MS + 2_000, hands.clock)
    assert early == []
    assert len(kept.records) in (200, 201)


def test_how_late_records_are_is_told_in_seconds() -> None:
    publisher = alone(Kept(), starting(10, 0, 1, 0.0))
    assert publisher.publish_due(1_000.0).tolist() == pytest.approx([1.0 - n / 10 for n in range(11)])
    assert publisher.publish_due(1_000.0).tolist() == []
    assert publisher.publish_due(1_250.0).tolist() == pytest.approx([0.15, 0.05])


def test_unpaced_records_are_never_late_and_carry_the_time_they_left() -> None:
    kept = Kept()
    late = alone(kept, starting(UNPACED, 0, 1, 0.0)).publish_due(77_000.9)
    assert late.tolist() == pytest.approx([0.0009] * BLOCK_ROWS, abs=1e-9)
    assert {r.timestamp_ms for r in kept.records} == {77_000}


@pytest.mark.parametrize("prepared", [False, True])
def test_a_change_of_rate_amid_a_block_changes_times_and_nothing_else(prepared: bool) -> None:
    kept, plain = Kept(), published(recipe(), UNPACED, 1_000)
    publisher = alone(kept, starting(100, 0, 1, 0.0))
    publisher.publish_due(1_000.0)
    assert publisher.prepare() is True
    if not prepared:
        publisher = ShardPublisher(recipe(), 0, kept.outbox, publisher.schedule, publisher.position)
    publisher.change(publisher.schedule.with_rate(publisher.position, 1_010.0, 1_000))
    publisher.publish_due(1_400.0)
    assert [r.timestamp_ms for r in kept.records] == [*range(0, 1_001, 10), *range(1_010, 1_401)]
    assert [r.value for r in kept.records] == [r.value for r in plain.records[: len(kept.records)]]


def test_a_pause_stops_the_shard_and_it_goes_on_after_it() -> None:
    kept = Kept()
    publisher = alone(kept, starting(100, 0, 1, 0.0))
    publisher.publish_due(95.0)
    publisher.change(publisher.schedule.with_rate(publisher.position, 95.0, 0))
    assert publisher.publish_due(50_000.0).tolist() == []
    publisher.change(publisher.schedule.with_rate(publisher.position, 60_000.0, 100))
    publisher.publish_due(60_020.0)
    assert [r.timestamp_ms for r in kept.records] == [*range(0, 100, 10), 60_000, 60_010, 60_020]


def test_a_drift_shifts_its_column_and_labels_its_records() -> None:
    kept, plain = Kept(), published(recipe(), UNPACED, 600)
    publisher = alone(kept, starting(1_000, 0, 1, 0.0))
    for until, drifts in ((199.0, ()), (399.0, (STORM,)), (599.0, ())):
        publisher.change(contents=publisher.contents.changed(publisher.position, drifts=drifts))
        publisher.publish_due(until)
    labels = [dict(r.headers).get(DRIFT_HEADER) for r in kept.records]
    assert labels == [None] * 200 + [b"storm:shift:sudden:1"] * 200 + [None] * 200
    assert [r.value for r in kept.records[:200]] == [r.value for r in plain.records[:200]]
    assert [r.value for r in kept.records[400:]] == [r.value for r in plain.records[400:]]
    drifted, usual = decoded(kept.records[200:400]), decoded(plain.records[200:400])
    for name in usual.column_names:
        moved = pc.add(usual[name], pa.scalar(30.0)) if name == "price" else usual[name]
        assert moved.to_pylist() == drifted[name].to_pylist(), name


def test_the_event_time_is_the_streams_clock() -> None:
    kept = published(recipe(2, event_time="at"), 1_000, 300)
    plain = published(recipe(2), 1_000, 300)
    stamped = decoded(kept.records)["at"].cast(pa.int64()).to_pylist()
    assert stamped == [r.timestamp_ms for r in kept.records]
    drop = decoded(plain.records).column_names.index("at")
    assert decoded(kept.records).remove_column(drop) == decoded(plain.records).remove_column(drop)


def test_an_event_time_must_be_a_timestamp() -> None:
    with pytest.raises(InputError, match="event_time=price: is a number; choose a timestamp column"):
        recipe(event_time="price")
    with pytest.raises(InputError, match="event_time=when: table 't' has no such column"):
        check_event_time(TableSchema("t", (Column("n", Kind.INTEGER),)), "when")


def test_javas_murmur2_as_kafka_pins_it() -> None:
    pinned = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    pinned[b"a-little-bit-longer-string"] = -1486304829
    assert {data: murmur2(data) - (murmur2(data) >> 31 << 32) for data in pinned} == pinned


@pytest.mark.parametrize("shards", [1, 3, 5])
def test_keys_hash_to_the_partition_they_are_sent_to(shards: int) -> None:
    kept = published(recipe(shards), UNPACED, 500)
    keys = [r.key or b"" for r in kept.records]
    assert [(murmur2(key) & 0x7FFFFFFF) % shards for key in keys] == [r.partition for r in kept.records]
    assert len(set(keys)) == 500
    assert decoded(kept.records)["id"].to_pylist() == [int(key) for key in keys]


def test_without_keys_the_values_stay() -> None:
    kept, keyed = published(recipe(key="none"), UNPACED, 50), published(recipe(), UNPACED, 50)
    assert {r.key for r in kept.records} == {None}
    assert [r.value for r in kept.records] == [r.value for r in keyed.records]


def test_every_record_says_which_one_it_is() -> None:
    def mark(record: Record) -> bytes:
        found = dict(record.headers)[HEADER]
        assert isinstance(found, bytes)
        return found

    kept = published(recipe(2, epoch=4), UNPACED, 2 * BLOCK_ROWS + 10)
    for shard in range(2):
        marks = [parse(mark(r)) for r in kept.shard(shard)]
        assert [m.sequence for m in marks if m is not None] == list(range(BLOCK_ROWS + 5))
        assert {(m.artifact, m.epoch, m.shard) for m in marks if m is not None} == {(trained().identity[:32], 4, shard)}


def test_the_next_block_is_drawn_ahead_once_and_never_past_the_end() -> None:
    publisher = ShardPublisher(recipe(), 0, Kept().outbox, starting(UNPACED, 0, 1, 0.0), count=BLOCK_ROWS + 1)
    assert [publisher.prepare(), publisher.prepare()] == [True, False]
    publisher.publish_due(0.0)
    assert [publisher.prepare(), publisher.prepare()] == [True, False]
    publisher.publish_due(0.0)
    assert (publisher.done, publisher.prepare()) == (True, False)


def test_the_loop_ends_when_told_and_asks_between_turns() -> None:
    kept, hands, turns = Kept(), Hands(), list[float]()
    shards = publishers(recipe(), kept, lambda shard: starting(10, shard, 1, START_MS), None)
    told: dict[int, int] = {}

    def sent(shard: int, late_s: npt.NDArray[np.float64]) -> None:
        told[shard] = told.get(shard, 0) + len(late_s)

    run(lambda: shards, sent, lambda: len(turns) >= 500, hands.clock, turns.append)
    assert len(turns) == 500
    assert told == {0: len(kept.records)}
    assert turns == sorted(turns)


def test_the_loop_waits_while_it_has_no_shard() -> None:
    hands = Hands()
    run(list, lambda shard, late_s: None, lambda: hands.now > START_MS + 1_000, hands.clock)
    assert hands.now > START_MS + 1_000


def test_a_clock_that_goes_back_is_said_once_and_nothing_is_published_twice(caplog: pytest.LogCaptureFixture) -> None:
    shared, kept, hands = recipe(), Kept(), Hands()
    shards = publishers(shared, kept, lambda shard: starting(1_000, shard, 1, START_MS), 3_000)

    def between(now_ms: float) -> None:
        if len(kept.records) > 1_000 and not caplog.messages:
            hands.now -= 60_000

    run(lambda: shards, lambda shard, late_s: None, lambda: False, hands.clock, between)
    assert [record.value for record in kept.records] == [r.value for r in published(shared, UNPACED, 3_000).records]
    assert [record.timestamp_ms for record in kept.records] == [int(START_MS) + i for i in range(3_000)]
    assert caplog.messages == ["the machine's clock went back: nothing is due until it is where it was"]
    assert hands.now == pytest.approx(START_MS + 3_000, abs=10)
