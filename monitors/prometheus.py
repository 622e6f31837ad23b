"""What Prometheus scrapes: the monitors' numbers and the publisher's own, by Prometheus's naming conventions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isnan

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from monitors.alarms import SEVERITIES, Event
from monitors.budgets import Budgets
from monitors.burn_rates import FIDELITY_BUDGET, RULE_BUDGET
from monitors.evidence import Subject
from monitors.measure import Measurement, metrics
from monitors.metric import PREFIX, Metric, Scope, Severity
from monitors.window import Window

MAX_COLUMNS = 100
"""How many columns are exported; a wider table's further columns show in alarms alone, so the series stay bounded."""

LATCH_S = 120.0
"""For how long an alarm shows at least, in event time: two scrapes of the slowest usual interval."""

PUBLISH_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the publish delay histogram's buckets."""

RESPONSES = ("accepted", "silent", "needless", "refused", "over", "failed")
"""What may become of an alarm's response; each shows as 0 from the start."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """What happened to the reader since it started.

    Args:
        late_records: came after their pane had closed, and are in no window.
        foreign_records: could not be decoded, and were skipped.
        offset_resets: how often the broker had dropped records before they were read.
        deletes: said that a row is gone.
        tombstones: had a key and no value.
        redelivered: were read again, and not counted again.
    """

    late_records: int = 0
    foreign_records: int = 0
    offset_resets: int = 0
    deletes: int = 0
    tombstones: int = 0
    redelivered: int = 0


@dataclass
class _Alarm:
    """One latch of one severity as it is exported."""

    opened: int = 0
    is_open: bool = False
    opened_at_s: float = 0.0


@dataclass(frozen=True)
class _Seen:
    """The newest window's numbers."""

    measurements: tuple[Measurement, ...] = ()
    end_s: float = 0.0
    records: int = 0
    window: str = ""


@dataclass
class _Totals:
    """What only grows."""

    windows: int = 0
    records: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    responses: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESPONSES, 0))
    pushes: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "failed": 0})
    reading: Reading = field(default_factory=Reading)


class Exporter(Collector):
    """Exports a monitored stream.

    Args:
        stream: the stream's name.
        subjects: everything an alarm can be about; each shows as 0 from the start, in both severities.
        registry: where to register; a registry of its own by default.
        budgets: what records may be bad.
    """

    def __init__(
        self,
        stream: str,
        subjects: Iterable[Subject] = (),
        registry: CollectorRegistry | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self.stream = stream
        self.registry = CollectorRegistry() if registry is None else registry
        self._metrics = {metric.NAME: metric for metric in metrics()}
        self._alarms = {(subject, severity): _Alarm() for subject in subjects for severity in SEVERITIES}
        self._budgets = Budgets() if budgets is None else budgets
        self._evidence: tuple[float, float] | None = None
        self._seen = _Seen()
        self._longer: dict[str, tuple[Measurement, ...]] = {}
        self._totals = _Totals()
        self._lock = threading.Lock()
        self.registry.register(self)

    def update(self, window: Window, measurements: Sequence[Measurement], events: Sequence[Event] = ()) -> None:
        """Show a window in place of the one before.

        Args:
            window: the next window; its newest pane is added to the totals.
            measurements: what was measured on it.
            events: the alarms it opened, raised or cleared.
        """
        with self._lock:
            shown = self._bounded(measurements, window)
            self._seen = _Seen(shown, window.end_s, window.pane.records, window.name)
            self._budgets.spend(window, shown)
            self._totals.windows += 1
            self._totals.records += window.newest.records
            for rule in window.newest.layout.rule_names:
                before = self._totals.violations.get(rule, 0)
                self._totals.violations[rule] = before + window.newest.violations(rule)
            for event in events:
                self._latch(event)

    def weigh(self, level: float, threshold: float) -> None:
        """Show the evidence against the whole table.

        Args:
            level: as a power of ten.
            threshold: what it must reach for an alarm, alike.
        """
        with self._lock:
            self._evidence = (level, threshold)

    def resume(self, opened: Iterable[Event]) -> None:
        """Show alarms that opened before this monitor started, and are open; that is no second opening.

        Args:
            opened: how each is now.
        """
        with self._lock:
            for event in opened:
                alarm = self._alarms.setdefault((Subject(event.metric, event.column), event.severity), _Alarm())
                alarm.is_open, alarm.opened_at_s = True, event.at_s

    def update_longer(self, window: Window, measurements: Sequence[Measurement]) -> None:
        """Show a window of another length beside the first, in place of the one before.

        Args:
            window: the next window of its length.
            measurements: what was measured on it.
        """
        with self._lock:
            self._longer[window.name] = self._bounded(measurements, window)

    def read(self, reading: Reading) -> None:
        """Show what happened to the reader since it started."""
        with self._lock:
            self._totals.reading = reading

    def responded(self, stage: str) -> None:
        """Count what became of an alarm's response: accepted, silent, needless, refused, over, or failed."""
        with self._lock:
            self._totals.responses[stage] += 1

    def pushed(self, outcome: str) -> None:
        """Count what was told to an Alertmanager: accepted or failed."""
        with self._lock:
            self._totals.pushes[outcome] += 1

    def render(self) -> bytes:
        """Everything registered, in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """What prometheus_client asks for at every scrape."""
        with self._lock:
            families = [*self._measured(), *self._counted(), *self._latched(), *self._weighed()]
            families += self._budgeted()
        yield from families

    def _bounded(self, measurements: Sequence[Measurement], window: Window) -> tuple[Measurement, ...]:
        columns = window.pane.layout.columns
        if len(columns) <= MAX_COLUMNS:
            return tuple(measurements)
        if self._totals.windows == 0:
            log.warning("%s has %d columns: the first %d are exported", self.stream, len(columns), MAX_COLUMNS)
        left_out = {c.name for c in columns[MAX_COLUMNS:]}
        return tuple(
            m for m in measurements if self._metrics[m.metric].SCOPE is not Scope.COLUMN or m.subject not in left_out
        )

    def _latch(self, event: Event) -> None:
        subject = Subject(event.metric, event.column)
        alarm = self._alarms.setdefault((subject, event.severity), _Alarm())
        alarm.is_open = event.kind != "cleared"
        if alarm.is_open:
            alarm.opened += 1
            alarm.opened_at_s = event.at_s
        if event.kind == "raised":
            warning = self._alarms.setdefault((subject, Severity.WARNING), _Alarm())
            warning.is_open, warning.opened_at_s = False, -inf

    def _measured(self) -> Iterator[Family]:
        every = {self._seen.window: self._seen.measurements, **self._longer}
        for metric in self._metrics.values():
            mine = [
                (window, m)
                for window, measurements in every.items()
                for m in measurements
                if m.metric == metric.NAME and not isnan(m.estimate.value)
            ]
            for end, words in ENDS.items():
                names = _labels(metric)
                family = GaugeMetricFamily(metric.series(end), metric.HELP + words, labels=names)
                for window, m in mine:
                    value = {"": m.estimate.value, "low": m.estimate.low, "high": m.estimate.high}[end]
                    family.add_metric([self.stream, *_label_values(metric, m), window], value)
                yield family

    def _counted(self) -> Iterator[Family]:
        totals, reading = self._totals, self._totals.reading
        counted = {
            "monitor_windows": ("Windows evaluated.", totals.windows),
            "monitor_records": ("Records counted in a window.", totals.records),
            "monitor_late_records": ("Records that came after their pane had closed.", reading.late_records),
            "monitor_foreign_records": ("Records that could not be decoded and were skipped.", reading.foreign_records),
            "monitor_offset_resets": (
                "Times the broker had dropped records before they were read.",
                reading.offset_resets,
            ),
            "monitor_deletes": ("Records of a change stream that say a row is gone.", reading.deletes),
            "monitor_tombstones": ("Records of a change stream without a value.", reading.tombstones),
            "monitor_redelivered_records": ("Records read again, and not counted again.", reading.redelivered),
        }
        for name, (words, value) in counted.items():
            yield _counter(name, words, [((self.stream,), value)], ["stream"])
        pushes = [((self.stream, outcome), count) for outcome, count in totals.pushes.items()]
        yield _counter("alert_pushes", "Times an Alertmanager was told of alarms.", pushes, ["stream", "outcome"])
        broken = [((self.stream, rule), count) for rule, count in totals.violations.items()]
        stages = [((self.stream, stage), count) for stage, count in totals.responses.items()]
        yield _counter("alarm_responses", "What became of alarms' responses.", stages, ["stream", "outcome"])
        yield _counter("rule_violations", "Records that broke the rule.", broken, ["stream", "rule"])
        shown = {
            "window_records": ("Records in the newest window.", self._seen.records),
            "monitor_watermark_timestamp_seconds": ("Event time at the newest window's end.", self._seen.end_s),
        }
        for name, (words, gauge) in shown.items():
            family = GaugeMetricFamily(f"synthstream_{name}", words, labels=["stream"])
            family.add_metric([self.stream], gauge)
            yield family

    def _latched(self) -> Iterator[Family]:
        labels = ["stream", "metric", "column", "severity"]
        family = GaugeMetricFamily(
            "synthstream_alarm_open", "Whether an alarm is open; rules by their name.", labels=labels
        )
        for (subject, severity), alarm in self._alarms.items():
            held = alarm.opened > 0 and self._seen.end_s < alarm.opened_at_s + LATCH_S
            of = [self.stream, subject.metric, subject.column, str(severity)]
            family.add_metric(of, float(alarm.is_open or held))
        yield family
        opened = [
            ((self.stream, s.metric, s.column, str(how)), alarm.opened) for (s, how), alarm in self._alarms.items()
        ]
        yield _counter("alarms_opened", "How often an alarm opened, or was raised to a page.", opened, labels)

    def _budgeted(self) -> Iterator[Family]:
        budgets, rules, columns = self._budgets, ["stream", RULE_BUDGET.by], ["stream", FIDELITY_BUDGET.by]
        tolerated = GaugeMetricFamily(RULE_BUDGET.allowed, "Share of records that may break the rule.", labels=rules)
        for rule, share in budgets.tolerated.items():
            tolerated.add_metric([self.stream, rule], share)
        words = "Share of records that may come while a column is far from the training data."
        fidelity = GaugeMetricFamily(FIDELITY_BUDGET.allowed, words, labels=["stream"])
        fidelity.add_metric([self.stream], budgets.fidelity)
        words = "Records in whose window the column was surely far from the training data."
        poor = [((self.stream, column), count) for column, count in budgets.poor.items()]
        name = FIDELITY_BUDGET.spent.removeprefix(PREFIX).removesuffix("_total")
        yield from (tolerated, fidelity, _counter(name, words, poor, columns))

    def _weighed(self) -> Iterator[Family]:
        shown = (
            ("drift_evidence_log10", "Evidence that the table has changed, as a power of ten."),
            ("drift_evidence_threshold_log10", "The power of ten at which evidence raises an alarm."),
        )
        for (name, words), value in zip(shown, self._evidence or (-inf, -inf), strict=True):
            family = GaugeMetricFamily(f"synthstream_{name}", words, labels=["stream"])
            if value > -inf:
                family.add_metric([self.stream], value)
            yield family


class PublisherExporter(Collector):
    """Exports what a publisher does.

    Args:
        stream: the stream's name.
        registry: where to register; a registry of its own by default.
    """

    def __init__(self, stream: str, registry: CollectorRegistry | None = None) -> None:
        self.stream = stream
        self.registry = CollectorRegistry() if registry is None else registry
        self._published: dict[int, int] = {}
        self._publishing: dict[int, bool] = {}
        self._delays = np.zeros(len(PUBLISH_BOUNDS_S) + 1, np.int64)
        self._delay_sum_s = 0.0
        self._lock = threading.Lock()
        self.registry.register(self)

    def sent(self, shard: int, late_s: npt.NDArray[np.float64]) -> None:
        """Count records that were handed over.

        Args:
            shard: their shard.
            late_s: how late each was, in seconds, shape (records,).
        """
        buckets = np.searchsorted(PUBLISH_BOUNDS_S, late_s, side="left")
        with self._lock:
            self._published[shard] = self._published.get(shard, 0) + len(late_s)
            self._delays += np.bincount(buckets, minlength=len(self._delays))
            self._delay_sum_s += float(late_s.sum())

    def publishing(self, shard: int, runs: bool) -> None:
        """Say whether a shard is published here now, or waits."""
        with self._lock:
            self._publishing[shard] = runs

    @property
    def published(self) -> int:
        """How many records were handed over."""
        with self._lock:
            return sum(self._published.values())

    def render(self) -> bytes:
        """Everything registered, in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """What prometheus_client asks for at every scrape."""
        with self._lock:
            states = sorted(self._publishing.items())
            published = [((self.stream, str(shard)), count) for shard, count in sorted(self._published.items())]
            up_to = np.cumsum(self._delays).tolist()
            total_s = self._delay_sum_s
        yield _counter("records_published", "Records handed to the producer.", published, ["stream", "shard"])
        running = GaugeMetricFamily(
            "synthstream_shard_publishing",
            "Whether the shard is published here (1), or waits to be taken again or was let go (0).",
            labels=["stream", "shard"],
        )
        for shard, runs in states:
            running.add_metric([self.stream, str(shard)], float(runs))
        yield running
        family = HistogramMetricFamily(
            "synthstream_publish_delay_seconds",
            "Time from a record's intended publish time until it was handed to the producer.",
            labels=["stream"],
        )
        bounds = [*(str(bound) for bound in PUBLISH_BOUNDS_S), "+Inf"]
        family.add_metric([self.stream], list(zip(bounds, up_to, strict=True)), total_s)
        yield family


@dataclass(frozen=True)
class Series:
    """One name that is exported, with a value for each of its labels' values.

    Args:
        name: without the prefix; words: what it says.
        labels: the labels' names.
        values: the labels' values and the number.
        only_grows: whether it is a counter.
    """

    name: str
    words: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]
    only_grows: bool = False


class AskedExporter(Collector):
    """Exports what it is told when somebody looks.

    Args:
        ask: gives the series; called at every scrape, in a thread of its own.
    """

    def __init__(self, ask: Callable[[], Iterable[Series]]) -> None:
        self._ask = ask
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def render(self) -> bytes:
        """Everything asked for, in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """What prometheus_client asks for at every scrape."""
        for series in self._ask():
            kind = CounterMetricFamily if series.only_grows else GaugeMetricFamily
            family = kind(f"{PREFIX}{series.name}", series.words, labels=series.labels)
            for labels, value in series.values:
                family.add_metric(labels, value)
            yield family


ENDS = {"": "", "low": " Lower end of the 95 % interval.", "high": " Upper end of the 95 % interval."}
"""The three series of a metric and what is added to its help."""


def _labels(metric: Metric) -> list[str]:
    own = {Scope.COLUMN: ["column"], Scope.RULE: ["rule"], Scope.STREAM: []}[metric.SCOPE]
    return ["stream", *own, *(["reference"] if metric.COMPARES else []), "window"]


def _label_values(metric: Metric, measurement: Measurement) -> list[str]:
    own = [] if metric.SCOPE is Scope.STREAM else [measurement.subject]
    return own + ([measurement.reference] if metric.COMPARES else [])


def _counter(
    name: str, words: str, values: Iterable[tuple[tuple[str, ...], int]], labels: Sequence[str]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"synthstream_{name}", words, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
