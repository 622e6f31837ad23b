"""What a monitor measured and judged, as Prometheus scrapes it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isnan

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from monitors.alarms import SEVERITIES, Event
from monitors.budgets import Budgets
from monitors.burn_rates import FIDELITY_BUDGET, RULE_BUDGET
from monitors.evidence import Subject
from monitors.measure import Measurement, metrics
from monitors.metric import PREFIX, Metric, Scope, Severity
from monitors.prometheus.series import Series
from monitors.window import Window

MAX_COLUMNS = 100
"""How many columns are exported; a wider table's further columns show in alarms alone, so the series stay bounded."""

LATCH_S = 120.0
"""For how long an alarm shows at least, in event time: two scrapes of the slowest usual interval."""

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
            yield Series.counted(name, words, [((self.stream,), value)], ["stream"]).family
        parts = (
            ("alert_pushes", "Times an Alertmanager was told of alarms.", "outcome", totals.pushes),
            ("alarm_responses", "What became of alarms' responses.", "outcome", totals.responses),
            ("rule_violations", "Records that broke the rule.", "rule", totals.violations),
        )
        for name, words, by, counts in parts:
            values = [((self.stream, what), count) for what, count in counts.items()]
            yield Series.counted(name, words, values, ["stream", by]).family
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
        words = "How often an alarm opened, or was raised to a page."
        yield Series.counted("alarms_opened", words, opened, labels).family

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
        yield from (tolerated, fidelity, Series.counted(name, words, poor, columns).family)

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


ENDS = {"": "", "low": " Lower end of the 95 % interval.", "high": " Upper end of the 95 % interval."}
"""The three series of a metric and what is added to its help."""


def _labels(metric: Metric) -> list[str]:
    own = {Scope.COLUMN: ["column"], Scope.RULE: ["rule"], Scope.STREAM: []}[metric.SCOPE]
    return ["stream", *own, *(["reference"] if metric.COMPARES else []), "window"]


def _label_values(metric: Metric, measurement: Measurement) -> list[str]:
    own = [] if metric.SCOPE is Scope.STREAM else [measurement.subject]
    return own + ([measurement.reference] if metric.COMPARES else [])
