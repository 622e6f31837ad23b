"""What the page shows: the state of a watched stream as plain values."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitors.alarms import Event
from monitors.detector import SCALES
from monitors.drift.chi_square import METRIC as CHI_SQUARE
from monitors.drift.ks import METRIC as KS
from monitors.drift.psi import METRIC as PSI
from monitors.drift.total_variation import METRIC as TOTAL_VARIATION
from monitors.estimate import Estimate
from monitors.flow.publish_delay import METRIC as PUBLISH_DELAY
from monitors.flow.record_age import METRIC as RECORD_AGE
from monitors.flow.throughput import METRIC as THROUGHPUT
from monitors.measure import Measurement
from monitors.quality.null_share import METRIC as NULL_SHARE
from monitors.quality.unseen_share import METRIC as UNSEEN_SHARE
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from monitors.reference import CHANGE, Reference
from monitors.window import Window
from schemas.monitoring import Monitoring
from stream_app.watching.counting import Seen
from stream_app.watching.judging import Judging, Verdict
from stream_app.watching.timeline import TABLE, Timeline

SHOWN = {
    KS.NAME: "ks",
    CHI_SQUARE.NAME: "chi_square",
    PSI.NAME: "psi",
    TOTAL_VARIATION.NAME: "total_variation",
    NULL_SHARE.NAME: "null_share",
    UNSEEN_SHARE.NAME: "unseen_share",
}
"""The metrics of a column on the page, and what the page calls them."""

HISTORY = 60
"""How many windows a column's sparkline goes back."""


@dataclass(frozen=True)
class About:
    """The facts of a stream that do not change while it is watched."""

    stream: str
    topic: str
    model: str
    artifact: str
    rows_trained: int
    columns: int
    shards: int
    asked_rate_per_s: float | None
    bootstrap: str
    registry: str

    def form(self) -> dict[str, Any]:
        """As the page wants it."""
        return {"name": self.stream, **{k: v for k, v in self.__dict__.items() if k != "stream"}}


class Snapshots:
    """Takes snapshots of a watched stream.

    Args:
        about: what the stream is.
        watch: what was seen.
        timeline: what happened.
        watched: how the stream is watched.
        published: how many records were handed over, where the publisher lives in this process.
    """

    def __init__(
        self,
        about: About,
        watch: Judging,
        timeline: Timeline,
        watched: Monitoring,
        published: Mapping[int, int] | None = None,
    ) -> None:
        self._about, self._watch, self._timeline, self._watched = about, watch, timeline, watched
        self._published = published

    def take(self) -> dict[str, Any]:
        """The state now, as the page reads it."""
        watch = self._watch
        with watch.lock:
            verdicts, seen = list(watch.memory.verdicts), list(watch.memory.seen)
            longer = [watch.memory.longer[name] for name in sorted(watch.memory.longer, key=len)]
            monitored, foreign = watch.memory.records, watch.memory.foreign
            deletes, tombstones = watch.memory.deletes, watch.memory.tombstones
            late = watch.judges.windows.late_records
        events = self._timeline.alarms
        newest = verdicts[-1] if verdicts else None
        open_now = {(subject.metric, subject.column) for subject in watch.judges.alarms.open}
        return {
            "stream": self._about.form(),
            "now_ms": int(time.time() * 1_000),
            "totals": {
                "published": sum(self._published.values()) if self._published is not None else monitored,
                "monitored": monitored,
                "late": late,
                "foreign": foreign,
                "deletes": deletes,
                "tombstones": tombstones,
                "offset_resets": watch.resets,
                "asked_per_s": self._about.asked_rate_per_s,
                **_flow(newest),
            },
            "series": _series(verdicts),
            "window": _window(newest),
            "windows": [_window_told(each) for each in ([newest] if newest else []) + longer],
            "evidence": self._evidence(),
            "columns": self._columns(verdicts, {column for _, column in open_now}),
            "rules": _rules(watch, newest),
            "alarms": _alarms(events),
            "timeline": self._timeline.form(),
            "records": [_record(record) for record in reversed(seen)],
        }

    def _columns(self, verdicts: Sequence[Verdict], alarmed: set[str]) -> list[dict[str, Any]]:
        judges = self._watch.judges
        newest = verdicts[-1] if verdicts else None
        by_column = {} if newest is None else _by_subject(newest.measurements, judges.references[0])
        past = [_by_subject(v.measurements, judges.references[0]) for v in verdicts[-HISTORY:]]
        rows = []
        for column in judges.layout.columns:
            mine = by_column.get(column.name, {})
            primary = "ks" if "ks" in mine else "total_variation"
            rows.append(
                {
                    "name": column.name,
                    "kind": column.kind.value,
                    "alarm": column.name in alarmed,
                    "metrics": {name: _estimate(estimate) for name, estimate in mine.items()},
                    "primary": primary,
                    "threshold": self._watched.min_effect,
                    "history": [w[column.name][primary].value for w in past if primary in w.get(column.name, {})],
                    "cells": self._cells(column.name, newest),
                }
            )
        return rows

    def _evidence(self) -> dict[str, Any]:
        evidence, watched = self._watch.judges.alarms.evidence, self._watched
        return {
            "level": evidence.level,
            "threshold": evidence.threshold,
            "panes": list(SCALES),
            "pane_s": watched.pane_s,
            "panes_per_false_alarm": watched.panes_per_false_alarm,
            "min_effect": watched.min_effect,
            "min_records": watched.min_records,
            "dependence": self._dependence(),
        }

    def _dependence(self) -> dict[str, Any] | None:
        """Where the most records count as one, and how many; None where each counts."""
        inflation = self._watch.judges.inflation
        if not inflation:
            return None
        most = max(inflation, key=lambda subject: inflation[subject])
        alike = len(inflation) > 1 and len(set(inflation.values())) == 1
        return {"column": "" if alike else most.column, "factor": inflation[most]}

    def _cells(self, name: str, newest: Verdict | None) -> dict[str, Any]:
        judges = self._watch.judges
        bins = judges.layout.bins[name]
        reference = judges.references[0].counts[name]
        counts = None if newest is None else newest.window.pane.column(name)
        n = 0 if newest is None else newest.window.pane.records
        return {
            "labels": list(bins.labels),
            "expected": (reference / max(int(reference.sum()), 1)).tolist(),
            "observed": [] if counts is None or n == 0 else (counts / n).tolist(),
        }


def _by_subject(measurements: Sequence[Measurement], reference: Reference) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for m in measurements:
        if m.metric in SHOWN and m.reference in ("", reference.name):
            found.setdefault(m.subject, {})[SHOWN[m.metric]] = m.estimate
    return found


def _estimate(estimate: Estimate | None) -> dict[str, Any]:
    if estimate is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


def _flow(newest: Verdict | None) -> dict[str, Any]:
    flow = {} if newest is None else {m.metric: m.estimate for m in newest.measurements if m.subject == ""}
    rate = flow.get(THROUGHPUT.NAME)
    return {
        "published_per_s": None if rate is None else rate.value,
        "monitored_per_s": None if rate is None else rate.value,
        "publish_delay_s": _estimate(flow.get(PUBLISH_DELAY.NAME)),
        "record_age_s": _estimate(flow.get(RECORD_AGE.NAME)),
    }


def _series(verdicts: Sequence[Verdict]) -> dict[str, list[Any]]:
    rates = [v.window.newest.records / v.window.newest_s for v in verdicts]
    handed = [int(v.window.newest.publish_delays.sum()) / v.window.newest_s for v in verdicts]
    return {
        "t_s": [v.window.end_s for v in verdicts],
        "published_per_s": handed if any(handed) else rates,
        "monitored_per_s": rates,
        "worst_effect": [_worst(v) for v in verdicts],
        "evidence": [v.level for v in verdicts],
    }


def _worst(verdict: Verdict) -> float | None:
    """The largest distance of any column that is surely there: chance alone lifts distances over many cells."""
    distances = [
        m.estimate.low
        for m in verdict.measurements
        if m.metric in (KS.NAME, TOTAL_VARIATION.NAME) and m.reference == CHANGE and m.estimate.n > 0
    ]
    return max(distances, default=None)


def _window(newest: Verdict | None) -> dict[str, Any]:
    if newest is None:
        return {"start_ms": None, "end_ms": None, "n": 0}
    window: Window = newest.window
    return {"start_ms": window.start_s * 1_000, "end_ms": window.end_s * 1_000, "n": window.pane.records}


def _window_told(verdict: Verdict) -> dict[str, Any]:
    """A window of any length, with what is farthest from its reference in it."""
    return {"name": verdict.window.name, **_window(verdict), "worst": _worst(verdict)}


def _rules(watch: Judging, newest: Verdict | None) -> list[dict[str, Any]]:
    rates = (
        {}
        if newest is None
        else {m.subject: m.estimate for m in newest.measurements if m.metric == VIOLATION_RATE.NAME}
    )
    return [
        {
            "name": rule.name,
            "text": rule.text,
            "n": 0 if newest is None else newest.window.pane.records,
            "violations": 0 if newest is None else newest.window.pane.violations(rule.name),
            "rate": _estimate(rates.get(rule.name)),
            "tolerated": watch.judges.tolerated.get(rule.name, 0.0),
        }
        for rule in watch.judges.layout.rules
    ]


def _alarms(events: Sequence[Event]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    finished: list[dict[str, Any]] = []
    for event in events:
        key = (event.metric, event.column)
        if event.kind == "raised" and key in rows:
            rows[key] |= {"severity": str(event.severity), **_estimate(event.estimate)}
        elif event.kind == "opened":
            spans: dict[str, list[int]] = {}
            for partition, offset in event.examples:
                spans.setdefault(str(partition), []).append(offset)
            rows[key] = {
                "column": event.column or TABLE,
                "metric": SHOWN.get(event.metric, event.metric),
                "severity": str(event.severity),
                "opened_ms": event.at_s * 1_000,
                "cleared_ms": None,
                "reason": "",
                **_estimate(event.estimate),
                "partitions": {p: [min(o), max(o)] for p, o in spans.items()},
            }
        elif key in rows:
            finished.append({**rows.pop(key), "cleared_ms": event.at_s * 1_000, "reason": event.reason})
    return sorted([*finished, *rows.values()], key=lambda row: -row["opened_ms"])


def _record(seen: Seen) -> dict[str, Any]:
    return {
        "partition": seen.partition,
        "offset": seen.offset,
        "timestamp_ms": seen.timestamp_ms,
        "key": None if seen.key is None else seen.key.decode("utf-8", "replace"),
        "value": seen.value,
    }
