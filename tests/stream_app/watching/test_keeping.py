"""A monitor that ends between two panes, and one that goes on from what it knew: stream_app.watching.keeping."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest

from connectors.kafka import Cluster, Heads, Polled, Records
from monitors.alarms import Event
from monitors.kept import to_bytes
from schemas.blobs import Blobs
from schemas.errors import InputError, ServiceError
from stream_app import monitoring
from stream_app.watching import keeping
from stream_app.watching.keeping import KEEP_S, Keeper, Kept, last_kept
from tests.stream_app.shop import START_MS, trained
from tests.stream_app.watched import DRIFT_S, SECONDS, SHARDS, Scene, records, scene, spec

LONGER = {"window_s": 4, "pane_s": 1, "allowed_lateness_s": 1, "min_records": 200, "longer_s": [10]}
END_S = SECONDS + 4


@cache
def undisturbed() -> Scene:
    return scene(records(), monitor=LONGER).until(END_S)


def kept_of(ended: Scene) -> Kept:
    """What a monitor keeps, as it comes back from Kafka."""
    watch = ended.watch
    return Kept.from_bytes(Kept(watch.positions, ended.hands.now, watch.state()).to_bytes())


def gone_on(kept: Kept, monitor: dict[str, Any] = LONGER, away_s: float = 0.0) -> Scene:
    """Another monitor that goes on; the records that came meanwhile are there at once."""
    other = scene(records(), monitor=monitor)
    other.topic._offsets, other.topic._read = dict(kept.positions), sum(kept.positions.values())
    other.hands.now = kept.at_ms + away_s * 1_000
    other.watch.restore(kept.state)
    return other


def shown(of: Scene, series: str) -> list[str]:
    """What Prometheus would scrape of a series."""
    text = of.watch.judges.exporter.render().decode()
    return [line for line in text.splitlines() if line.startswith(f"synthstream_{series}{{")]


def assert_knows_the_same(one: Scene, other: Scene) -> None:
    mine, theirs = one.watch.judges.alarms, other.watch.judges.alarms
    for of, like in ((mine.evidence.state, theirs.evidence.state), (mine.state, theirs.state)):
        assert of.keys() == like.keys()
        for name in of:
            np.testing.assert_array_equal(of[name], like[name], err_msg=name)
    assert one.watch.ongoing.all == other.watch.ongoing.all
    assert one.watch.judged_s == other.watch.judged_s


def events(of: Scene) -> list[Event]:
    return [event for _, event in of.events]


@pytest.mark.parametrize("cut_s", [3.5, DRIFT_S[0] + 1.5, DRIFT_S[0] + 4.0, DRIFT_S[1] + 1.0, SECONDS - 1.0])
def test_what_goes_on_is_bit_for_bit_what_never_ended(cut_s: float) -> None:
    first = scene(records(), monitor=LONGER).until(cut_s)
    other = gone_on(kept_of(first))
    assert_knows_the_same(first, other)
    if "cleared" not in {event.kind for event in events(first)}:  # else they are shown for a little longer
        assert shown(other, "alarm_open") == shown(first, "alarm_open")
    other.until(END_S)
    whole = undisturbed()
    assert_knows_the_same(whole, other)
    assert [*events(first), *events(other)] == events(whole)
    verdicts = list(whole.watch.memory.verdicts)[-len(other.watch.memory.verdicts) :]
    for mine, theirs in zip(verdicts, other.watch.memory.verdicts, strict=True):
        np.testing.assert_array_equal(mine.window.pane.counts, theirs.window.pane.counts)
        assert mine.measurements == theirs.measurements


def test_a_classifier_goes_on_and_tells_from_rows_that_it_never_saw() -> None:
    told = {**LONGER, "classifier": True}
    whole = scene(records(), monitor=told).until(END_S)
    first = scene(records(), monitor=told).until(DRIFT_S[0] + 1.5)
    other = gone_on(kept_of(first), told).until(END_S)
    assert_knows_the_same(whole, other)
    assert (whole.watch.judges.follower.state["catcher"]["fresh"]["next"]) > 0
    assert to_bytes(whole.watch.judges.follower.state) == to_bytes(other.watch.judges.follower.state)


def test_an_alarm_that_is_open_stays_so_and_does_not_open_again() -> None:
    first = scene(records(), monitor=LONGER).until(DRIFT_S[0] + 4)
    assert {event.kind for event in events(first)} == {"opened"}
    other = gone_on(kept_of(first))
    before = shown(other, "alarm_open")
    assert [line for line in before if 'column="price"' in line and line.endswith(" 1.0")] != []
    other.until(DRIFT_S[0] + 5.5)
    assert events(other) == []
    assert shown(other, "alarm_open") == before
    assert all(line.endswith(" 0.0") for line in shown(other, "alarms_opened_total"))


def test_while_nobody_watches_no_time_passes_and_nothing_is_late() -> None:
    first = scene(records(), monitor=LONGER).until(DRIFT_S[0] + 1.5)
    other = gone_on(kept_of(first), away_s=600)
    other.until(first.hands.now / 1_000 - START_MS / 1_000 + 620)
    assert other.watch.judges.windows.late_records == 0
    assert [(e.kind, e.column, e.at_s) for e in [*events(first), *events(other)]] == [
        (e.kind, e.column, e.at_s) for e in events(undisturbed())
    ]


def test_what_was_read_when_it_was_kept_is_not_counted_again() -> None:
    first = scene(records(), monitor=LONGER).until(9)
    kept = kept_of(first)
    other = gone_on(kept)
    other.topic._offsets = {p: offset - 100 for p, offset in kept.positions.items()}
    other.topic._read -= 100 * SHARDS
    other.until(END_S)
    assert other.watch.memory.redelivered == 100 * SHARDS
    assert_knows_the_same(undisturbed(), other)


def test_a_state_of_other_cells_or_lengths_is_refused() -> None:
    kept = kept_of(scene(records(), monitor=LONGER).until(5))
    with pytest.raises(InputError, match="windows: are not of this stream"):
        scene([]).watch.restore(kept.state)
    with pytest.raises(InputError, match="state: was counted in other cells"):
        scene([], rules=(), monitor=LONGER).watch.restore(kept.state)
    with pytest.raises(InputError, match=r"state format=None: this program reads 2"):
        Kept.from_bytes(to_bytes({}))


def test_monitors_judge_alike_by_what_they_watch_and_how() -> None:
    name = monitoring.judge_name(spec(), trained())
    same = {"window_s": 4, "pane_s": 1, "allowed_lateness_s": 1, "min_records": 200}
    assert monitoring.judge_name(spec(monitor={**same, "port": 1, "on_alarm": [{"do": "pause"}]}), trained()) == name
    assert monitoring.judge_name(spec(bootstrap="elsewhere:9092"), trained()) == name
    others: tuple[dict[str, Any], ...] = (
        {"monitor": {**same, "min_effect": 0.1}},
        {"monitor": {**same, "dependence": 2}},
        {"rules": []},
        {"seed": 1},
        {"stream": "others"},
    )
    for other in others:
        assert monitoring.judge_name(spec(**other), trained()) != name


@dataclass
class Wire:
    """A topic in memory, in place of Kafka's."""

    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    waiting: int = 0
    failing: bool = False
    built: int = 0
    _read: int = 0
    _transactional: bool = False
    _open: list[tuple[bytes, bytes]] = field(default_factory=list)

    def Outbox(self, cluster: Cluster, topic: str, name: str | None) -> Wire:  # stands for a class
        self.built += 1
        self._transactional = name is not None
        return self

    def own(self) -> None:
        """Nobody else has it."""

    def begin(self) -> None:
        self._open = []

    def commit(self) -> None:
        if self.failing:
            raise ServiceError("no broker")
        self.records += self._open

    def Inbox(self, cluster: Cluster, topic: str) -> Wire:
        self._read = 0
        return self

    def send(self, sent: Records, partition: int, timestamps_ms: Any) -> None:
        if self.failing and not self._transactional:
            raise ServiceError("no broker")
        assert sent.keys is not None
        place = self._open if self._transactional else self.records
        place += zip(map(bytes, sent.keys), map(bytes, sent.values), strict=True)  # type: ignore[arg-type]

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""

    def at_end(self) -> bool:
        return self._read == len(self.records)

    def poll(self, most: int, wait_s: float) -> Polled:
        new, self._read = self.records[self._read :], len(self.records)
        n = np.arange(len(new))
        values: list[bytes | None] = [value for _, value in new]
        keys = Blobs.of([key for key, _ in new])
        return Polled(Blobs.of(values), keys, n.astype(np.int32), n, n, Heads.of([None] * len(new)))


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    for name in ("Outbox", "Inbox"):
        monkeypatch.setattr(keeping, name, getattr(wire, name))
    return wire


def test_it_is_kept_every_few_seconds_and_at_the_end_where_there_is_something_new(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = [0.0]
    watched = scene(records(), monitor=LONGER).until(3)
    keeper = Keeper(Cluster("b"), "t", "me", watched.watch, lambda: watched.hands.now, lambda: now_s[0])
    keeper.see()
    assert wire.records == []
    now_s[0] = KEEP_S
    keeper.see()
    keeper.see()
    assert [key for key, _ in wire.records] == [b"me"]
    now_s[0] = 3 * KEEP_S
    keeper.see()  # nothing came
    assert len(wire.records) == 1
    watched.until(5)
    wire.waiting = 1
    now_s[0] = 5 * KEEP_S
    keeper.see()  # the last one is still on its way
    wire.waiting, wire.failing = 0, True
    now_s[0] = 7 * KEEP_S
    keeper.see()
    assert "what the monitor knows could not be kept; tried again later" in caplog.text
    wire.failing = False
    watched.until(6)
    keeper.close()
    assert (len(wire.records), wire.built) == (2, 2)
    found = last_kept(Cluster("b"), "t", "me")
    assert found is not None
    assert (found.positions, found.at_ms) == (watched.watch.positions, watched.hands.now)
    monkeypatch.setattr(keeping, "LARGEST_BYTES", 2_000)
    monkeypatch.setattr(keeping, "MOST_PARTS", 2)
    watched.until(7)
    keeper.close()
    assert len(wire.records) == 2
    assert "is too large to be kept" in caplog.text


def test_what_is_too_large_for_a_record_is_several_or_none(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched, now_s = scene(records(), monitor=LONGER).until(6), [0.0]
    whole = len(kept_of(watched).to_bytes())
    monkeypatch.setattr(keeping, "LARGEST_BYTES", 1_024 + whole // 3)
    keeper = Keeper(Cluster("b"), "t", "me", watched.watch, lambda: watched.hands.now, lambda: now_s[0])
    keeper.close()
    first = wire.records.copy()
    assert [key for key, _ in first] == [b"me", b"me.1", b"me.2", b"me.3"]
    found = last_kept(Cluster("b"), "t", "me")
    assert found is not None
    assert to_bytes(found.state) == to_bytes(kept_of(watched).state)
    watched.until(8)
    wire.failing = True  # amid the transaction: nothing of it is there
    keeper.close()
    assert wire.records == first
    assert "could not be kept; tried again later" in caplog.text
    wire.failing = False
    keeper.close()
    assert len(wire.records) > len(first)
    again = last_kept(Cluster("b"), "t", "me")
    assert again is not None
    assert again.at_ms == watched.hands.now
    for mixed in (wire.records[: len(first) + 2], [*first[:2], first[3]]):  # of two keepings, or not all of one
        wire.records = mixed
        assert last_kept(Cluster("b"), "t", "me") is None
    assert caplog.text.count("begun anew: parts of what is kept are missing") == 2
    monkeypatch.setattr(keeping, "LARGEST_BYTES", 16 << 20)
    wire.records = [*first]
    watched.until(9)
    keeper.close()
    assert wire.records[-1][0] == b"me"
    last = last_kept(Cluster("b"), "t", "me")
    assert last is not None
    assert last.at_ms == watched.hands.now


def test_what_others_kept_is_not_taken_and_that_is_said(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    assert last_kept(Cluster("b"), "t", "me") is None
    assert caplog.text == ""
    wire.records.append((b"other", b"whatever"))
    with caplog.at_level(logging.WARNING):
        assert last_kept(Cluster("b"), "t", "me") is None
    assert "begun anew: what is kept is of another artifact, another file or other settings" in caplog.text
    for strange in (b"strange", b"part of nothing"):
        wire.records.append((b"me", strange))
        with pytest.raises(InputError, match="state: is not one of ours"):
            last_kept(Cluster("b"), "t", "me")
