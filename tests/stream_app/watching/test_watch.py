"""An independent reader: what it counts, when it raises an alarm, what it passes over."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from monitors.estimate import Estimate
from monitors.flow.publish_delay import METRIC as PUBLISH_DELAY
from monitors.flow.throughput import METRIC as THROUGHPUT
from monitors.flow.throughput_to_intent import METRIC as TO_INTENT
from monitors.pane import Pane
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from schemas.codec import Codec
from schemas.errors import InputError, ServiceError
from schemas.keying import KeyForm
from stream_app import monitoring
from stream_app.watching.counting import NAMED, SHOWN_RECORDS
from stream_app.watching.judging import Verdict
from tests.stream_app.shop import SCHEMA_ID, START_MS, Book, Record, trained
from tests.stream_app.watched import DRIFT_S, RATE, SECONDS, SHARDS, drifted, moved, records, scene, spec


def measured(verdict: Verdict, metric: str, subject: str = "") -> Estimate:
    return next(m.estimate for m in verdict.measurements if (m.metric, m.subject) == (metric, subject))


def test_every_record_is_counted_once() -> None:
    watched = drifted()
    assert watched.watch.memory.records == len(watched.records) == RATE * SECONDS
    assert (watched.watch.memory.foreign, watched.watch.judges.windows.late_records) == (0, 0)
    newest = [verdict.window.newest.records for verdict in watched.watch.memory.verdicts]
    assert newest == [RATE] * (SECONDS - 2)  # the last two panes wait for what may still come


def test_a_drift_raises_its_alarm_once_and_in_time_and_clears_it() -> None:
    price = [(at_s, event) for at_s, event in drifted().events if event.column == "price"]
    assert [event.kind for _, event in price] == ["opened", "cleared"]
    (opened_s, opened), (cleared_s, _) = price
    assert DRIFT_S[0] < opened_s <= DRIFT_S[0] + 4
    assert DRIFT_S[1] < cleared_s <= SECONDS
    assert opened.estimate.low > 0.1
    assert opened.examples != ()


def test_only_what_drifted_and_the_rule_it_broke_alarm() -> None:
    assert {event.column for _, event in drifted().events} == {"price", "range:price"}


def test_without_drift_there_is_no_alarm() -> None:
    watched = scene(records(drifting=False)).until(SECONDS)
    assert watched.events == []
    assert len(watched.watch.memory.verdicts) >= SECONDS - 3


@pytest.mark.parametrize("steer", [{}, {"shares": {"colour": {"red": 0.1}}}])
def test_a_classifier_tells_records_of_a_drift_and_none_before(steer: dict[str, Any]) -> None:
    told = {"window_s": 4, "pane_s": 1, "allowed_lateness_s": 1, "min_records": 200, "classifier": True}
    watched = scene(records(steer=steer), steer=steer, monitor=told).until(SECONDS)
    table = [(at_s, event) for at_s, event in watched.events if event.metric == "drift_classifier"]
    assert [event.kind for _, event in table][:1] == ["opened"]
    assert DRIFT_S[0] < table[0][0] <= DRIFT_S[0] + 6
    assert table[0][1].column == ""
    assert "the table as a whole drifted" in " ".join(entry.text for entry in watched.timeline.entries)
    assert measured(watched.watch.memory.verdicts[5], "drift_classifier").value == pytest.approx(0.5, abs=0.05)


def test_what_a_streams_file_steers_is_no_drift_and_what_nobody_announced_is() -> None:
    steer = {"shares": {"colour": {"red": 0.1}}}
    published = records(drifting=False, steer=steer)
    assert scene(published, steer=steer).until(SECONDS).events == []
    told = scene(published).until(SECONDS).events
    assert {event.column for _, event in told if event.kind == "opened"} == {"colour"}


def test_announced_skew_is_no_drift() -> None:
    published = records(drifting=False, key=KeyForm(column="colour", skew=3))
    announced = scene(published, key={"column": "colour", "skew": 3}).until(SECONDS)
    assert announced.events == []
    assert len(announced.watch.memory.verdicts) >= SECONDS - 3
    assert {event.column for _, event in scene(published).until(SECONDS).events} == {"colour"}


def test_throughput_and_violations_are_those_of_the_stream() -> None:
    verdicts = drifted().watch.memory.verdicts
    calm, stormy = verdicts[6], verdicts[11]
    assert measured(calm, THROUGHPUT.NAME).value == pytest.approx(RATE, rel=0.01)
    assert measured(calm, VIOLATION_RATE.NAME, "range:price").value == 0
    broken = measured(stormy, VIOLATION_RATE.NAME, "range:price")
    assert broken.low > 0
    assert broken.n == RATE * 4
    assert measured(stormy, VIOLATION_RATE.NAME, "not_null:colour").value == 0


def test_throughput_is_held_against_the_rate_that_the_streams_file_asks_for() -> None:
    calm = drifted().watch.memory.verdicts[6]
    assert measured(calm, TO_INTENT.NAME).value == pytest.approx(1, rel=0.01)
    asked: list[tuple[dict[str, Any], float | None]] = [
        ({}, RATE),
        ({"time_compression": 10}, RATE),
        ({"event_time": "at", "time_compression": 10}, RATE / 10),
        ({"rate_per_s": "max"}, None),
        ({"key": {"entities": 50}, "changes": {"form": "upserts"}}, None),
    ]
    for changes, intended in asked:
        assert monitoring.judges(spec(**changes), trained()).layout.intended_per_s == intended


def test_records_that_are_not_ours_are_counted_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    ours = records(drifting=False)
    place = sum(record.partition == 0 for record in ours[:900])
    strange = [Record(b"hello", None, 0, int(START_MS) + 1_500, []), Record(b"\x00\x00\x00\x00\x63x", None, 0, 0, [])]
    watched = scene([*ours[:900], *strange, *ours[900:]]).until(SECONDS)
    assert (watched.watch.memory.records, watched.watch.memory.foreign) == (len(ours), 2)
    assert watched.events == []
    shown = watched.watch.judges.exporter.render().decode()
    assert 'synthstream_monitor_foreign_records_total{stream="orders"} 2.0' in shown
    named = [(line.__dict__["partition"], line.__dict__["offset"]) for line in caplog.records]
    assert named == [(0, place), (0, place + 1)]


def test_of_many_records_that_are_not_ours_the_first_are_named(caplog: pytest.LogCaptureFixture) -> None:
    watched = scene([Record(b"hello", None, 0, int(START_MS), []) for _ in range(3 * NAMED)]).until(1)
    watched.watch.step()
    assert [line.__dict__.get("offset") for line in caplog.records] == [*range(NAMED), None]
    assert watched.watch.memory.foreign == 3 * NAMED


def test_avro_of_other_columns_is_foreign() -> None:
    watched = scene([])
    other = {"type": "record", "name": "o", "fields": [{"name": "n", "type": "long"}]}
    book = Book({SCHEMA_ID: other})
    watched.watch.counter.decoders = book.decoders
    value = Codec(other).encode(pa.record_batch({"n": pa.array([1])}), SCHEMA_ID).values()[0]
    watched.records.append(Record(value, None, 0, int(START_MS), []))
    watched.until(2)
    assert (watched.watch.memory.records, watched.watch.memory.foreign) == (0, 1)


def test_avro_of_other_types_is_foreign() -> None:
    watched = scene([])
    fields = [{"name": name, "type": "string"} for name in trained().schema.names]
    other = {"type": "record", "name": "o", "fields": fields}
    watched.watch.counter.decoders = Book({SCHEMA_ID: other}).decoders
    row = pa.record_batch({name: pa.array(["x"]) for name in trained().schema.names})
    value = Codec(other).encode(row, SCHEMA_ID).values()[0]
    watched.records.append(Record(value, None, 0, int(START_MS), []))
    watched.until(2)
    assert watched.watch.memory.foreign == 1


def test_a_late_record_is_counted_as_late() -> None:
    ours = records(drifting=False)
    straggler = moved(ours[0], int(START_MS) + 100)
    watched = scene([record for record in ours if record.timestamp_ms < START_MS + 12_000]).until(10)
    watched.records.insert(len(watched.topic.records), straggler)
    watched.topic.records.append(straggler)
    watched.watch.step()
    assert watched.watch.judges.windows.late_records == 1


def test_a_clock_that_is_ahead_closes_no_pane_before_its_time() -> None:
    ours = records(drifting=False)
    ahead = [moved(ours[i], int(START_MS) + 3_600_000) for i in range(SHARDS)]
    assert {record.partition for record in ahead} == set(range(SHARDS))
    watched = scene(ours).until(10)
    come = len(watched.topic.records)
    watched.records[come:come] = ahead
    watched.topic.records += ahead
    shown = watched.until(SECONDS).watch
    assert shown.judges.windows.late_records == 0
    assert max(verdict.window.end_s for verdict in shown.memory.verdicts) == START_MS / 1_000 + SECONDS - 2
    assert watched.watch.memory.seen[-1].timestamp_ms <= watched.hands.now


def test_longer_windows_are_measured_and_exported_and_raise_no_alarm() -> None:
    asked = {"window_s": 4, "allowed_lateness_s": 1, "min_records": 200, "longer_s": [10]}
    watched = scene(records(), monitor=asked).until(SECONDS + 4)
    assert [event for _, event in watched.events] == [event for _, event in drifted().events]
    shown = watched.watch.judges.exporter.render().decode()
    assert f'synthstream_flow_throughput_records_per_second{{stream="orders",window="10s"}} {RATE}' in shown
    assert f'synthstream_flow_throughput_records_per_second{{stream="orders",window="4s"}} {RATE}' in shown


def test_what_is_read_again_is_not_counted_again() -> None:
    watched = scene(records(drifting=False)).until(6)
    counts = [verdict.window.pane.counts for verdict in watched.watch.memory.verdicts]
    again = 500
    for record in watched.topic.records[-again:]:
        watched.topic._offsets[record.partition] -= 1
    watched.topic._read -= again
    watched.watch.step()
    assert watched.watch.memory.redelivered == again
    assert watched.watch.memory.records == len(watched.topic.records)
    watched.until(SECONDS)
    calm = scene(records(drifting=False)).until(SECONDS)
    assert len(counts) < len(watched.watch.memory.verdicts) == len(calm.watch.memory.verdicts)
    for one, other in zip(watched.watch.memory.verdicts, calm.watch.memory.verdicts, strict=True):
        np.testing.assert_array_equal(_but_ages(one.window.pane), _but_ages(other.window.pane))
    shown = watched.watch.judges.exporter.render().decode()
    assert f'synthstream_monitor_redelivered_records_total{{stream="orders"}} {float(again)}' in shown


def _but_ages(pane: Pane) -> npt.NDArray[np.int64]:
    return np.delete(pane.counts, pane.layout.record_ages)


def test_duplicates_and_gaps_are_found_by_the_records_lineage() -> None:
    ours = records(drifting=False)
    changed = [record for i, record in enumerate(ours) if i not in (1_000, 1_001, 1_006, 3_000)]
    changed.insert(2_000, changed[1_990])
    changed[4_000], changed[4_002] = changed[4_002], changed[4_000]
    verdicts = scene(changed).until(SECONDS + 4).watch.memory.verdicts
    seen = np.array([v.window.newest.sequences for v in verdicts]).sum(axis=0)
    assert seen.tolist() == [RATE * (SECONDS - 2) - 3, 5, 1, 1]
    by_second = [v.window.newest.sequences.missing for v in verdicts]
    assert [i for i, missing in enumerate(by_second) if missing] == [2, 7, 10]
    untold = scene(changed, monitor={"window_s": 4, "allowed_lateness_s": 1, "sequences": False}).until(6)
    assert [v.window.pane.sequences.followed for v in untold.watch.memory.verdicts] == [0] * 4


def test_event_time_is_the_columns_where_one_is_named() -> None:
    shifted = [moved(record, 5) for record in records(drifting=False, event_time="at")]
    watched = scene(shifted, event_time="at")
    watched.topic.records[:] = shifted
    watched.hands.now = START_MS + (SECONDS + 2) * 1_000
    watched.watch.step()
    starts = [verdict.window.end_s for verdict in watched.watch.memory.verdicts]
    assert min(starts) == START_MS / 1_000 + 1
    assert watched.watch.memory.verdicts[0].window.newest.records == RATE


def test_delays_of_the_publisher_are_taken_in() -> None:
    watched = scene(records(drifting=False))
    watched.watch.delays(np.full(100, int(START_MS)), np.full(100, 0.02))
    watched.until(6)
    delay = measured(watched.watch.memory.verdicts[0], PUBLISH_DELAY.NAME)
    assert delay.n == 100
    assert delay.low <= 0.02 <= delay.high


def test_the_newest_records_are_kept_as_people_look_at_them() -> None:
    watched = drifted()
    seen, last = list(watched.watch.memory.seen), watched.records[-1]
    assert len(seen) == SHOWN_RECORDS
    assert (seen[-1].key, seen[-1].timestamp_ms, seen[-1].partition) == (last.key, last.timestamp_ms, last.partition)
    assert seen[-1].offset == RATE * SECONDS / SHARDS - 1
    assert seen[-1].value["id"] == int(last.key or b"")
    assert seen[-1].lineage is not None
    assert seen[-1].lineage.artifact == trained().identity[:32]


def test_it_reads_until_told_to_stop() -> None:
    watched = scene(records(drifting=False))
    watched.topic.records[:] = watched.records
    watched.topic.most = 1_000
    turns = iter([False, False, False, True])
    watched.watch.run(lambda: next(turns))
    assert (watched.watch.memory.records, watched.watch.resets) == (3_000, 0)


def test_a_broker_that_is_gone_for_a_while_ends_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = scene(records(drifting=False)).until(1)

    def silent(self: object) -> bool:
        raise ServiceError("the broker does not answer")

    watched.watch.live = False
    with monkeypatch.context() as gone:
        gone.setattr(type(watched.topic), "at_end", silent)
        watched.until(2)
        assert not watched.watch.live
    assert watched.until(3).watch.live


def test_a_rule_that_does_not_fit_the_columns_is_refused() -> None:
    with pytest.raises(InputError, match="wide"):
        monitoring.judges(spec(rules=[{"rule": "not_null", "column": "wide"}]), trained())
