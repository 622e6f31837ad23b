"""The alert rules for Prometheus, generated from what the metrics declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from monitors.burn_rates import RULE_BUDGET, recordings
from monitors.measure import metrics
from monitors.metric import PREFIX, Alert, Metric, Severity, Worse

RUNBOOK = "docs/alerts.md"
"""The page with a section for every alert."""

TEMPLATE = re.compile(r"\{\{ \$labels\.(?P<label>\w+) \}\}")
"""How Prometheus has a label stand in a text."""

KEEP_FIRING = "2m"
"""For how long an alert goes on after its condition ended, so that it does not flap."""

RULE_BURNS = Alert(
    "SynthstreamRuleBurns",
    Severity.PAGE,
    "Records of {{ $labels.stream }} break the rule {{ $labels.rule }} more often than it tolerates",
    budget=RULE_BUDGET,
)
"""The alert about rules that some records may break; what breaks others is an alarm of the monitor's."""

OWN_ALERTS: tuple[tuple[Alert, str], ...] = (
    (
        Alert(
            "SynthstreamMonitorStalled",
            Severity.PAGE,
            "The monitor of {{ $labels.stream }} has evaluated no window for two minutes",
            for_s=60,
        ),
        "increase(synthstream_monitor_windows_total[2m]) == 0",
    ),
    (
        Alert(
            "SynthstreamRecordsMissed",
            Severity.WARNING,
            "Records of {{ $labels.stream }} were gone before the monitor could read them",
        ),
        "increase(synthstream_monitor_offset_resets_total[5m]) > 0",
    ),
    (
        Alert(
            "SynthstreamForeignRecords",
            Severity.WARNING,
            "Somebody else writes to the topic of {{ $labels.stream }}: records could not be decoded",
        ),
        "increase(synthstream_monitor_foreign_records_total[5m]) > 0",
    ),
    (
        Alert(
            "SynthstreamPublishesLate",
            Severity.WARNING,
            "One record of {{ $labels.stream }} in a hundred is published more than a second late",
            for_s=120,
        ),
        "histogram_quantile(0.99, sum by (stream, le) (rate(synthstream_publish_delay_seconds_bucket[2m]))) > 1",
    ),
    (
        Alert(
            "SynthstreamRecordsLate",
            Severity.WARNING,
            "More than one record of {{ $labels.stream }} in a hundred came too late for its window",
            for_s=300,
        ),
        "rate(synthstream_monitor_late_records_total[5m]) > 0.01 * rate(synthstream_monitor_records_total[5m])",
    ),
    (
        Alert(
            "SynthstreamRetrain",
            Severity.WARNING,
            "{{ $labels.stream }} no longer represents the real topic it stands for; train its generator anew",
        ),
        "synthstream_retrain_advised == 1",
    ),
    (
        Alert(
            "SynthstreamResponseFailed",
            Severity.WARNING,
            "An alarm of {{ $labels.stream }} was to act on the stream, and that was refused or could not be told",
        ),
        'sum by (stream) (increase(synthstream_alarm_responses_total{outcome=~"refused|failed"}[5m])) > 0',
    ),
)
"""Alerts about monitor, publisher and comparison themselves, with their expressions."""


def expression(metric: Metric, alert: Alert) -> str:
    """The PromQL of a declared alert.

    >>> import monitors
    >>> ks = monitors.load("drift.ks")
    >>> expression(ks, ks.ALERT)
    'synthstream_alarm_open{metric="drift_ks",severity="page"} == 1'
    """
    if alert.budget is not None:
        return alert.budget.burns(pages=alert.severity is Severity.PAGE)
    if alert.threshold is None:
        return f'{PREFIX}alarm_open{{metric="{metric.NAME}",severity="{alert.severity}"}} == 1'
    near, operator = ("low", ">") if metric.WORSE is Worse.HIGHER else ("high", "<")
    where = "" if alert.reference is None else f'{{reference="{alert.reference}"}}'
    if alert.on_value:
        return f"{metric.series()}{where} {operator}= {alert.threshold:g}"
    return f"{metric.series(near)}{where} {operator} {alert.threshold:g}"


def alerts() -> tuple[tuple[Alert, str], ...]:
    """Every alert with its expression: the metrics', then the monitor's and the publisher's own.

    Where an alert follows the monitor's alarm or a budget there are two of its name, one for each severity.
    """
    declared = ((m, alert) for m in metrics() if m.ALERT is not None for alert in _by_severity(m.ALERT))
    burns = ((each, RULE_BUDGET.burns(pages=each.severity is Severity.PAGE)) for each in _by_severity(RULE_BURNS))
    return (*((alert, expression(m, alert)) for m, alert in declared), *burns, *OWN_ALERTS)


def alarm_alert(metric: str) -> Alert:
    """The alert that follows the monitor's own alarm about a metric.

    Args:
        metric: the metric's NAME.

    >>> alarm_alert("drift_ks").name
    'SynthstreamNumberDrift'
    """
    return next(m.ALERT for m in metrics() if m.ALERT is not None and metric == m.NAME and m.ALERT.threshold is None)


def said_of(alert: Alert, runbook: str = RUNBOOK) -> dict[str, str]:
    """What an alert says to people, with Prometheus's label templates.

    Args:
        alert: the alert.
        runbook: where the page with a section for every alert lies.
    """
    return {"summary": alert.summary, "runbook_url": f"{runbook}#{alert.name.lower()}"}


def rendered(text: str, labels: Mapping[str, str]) -> str:
    """A text with Prometheus's label templates filled in.

    >>> rendered("{{ $labels.column }} of {{ $labels.stream }}", {"column": "price", "stream": "orders"})
    'price of orders'
    """
    return TEMPLATE.sub(lambda found: labels.get(found["label"], ""), text)


def _by_severity(alert: Alert) -> tuple[Alert, ...]:
    if (alert.threshold is not None and alert.budget is None) or not alert.warns:
        return (alert,)
    return (alert, replace(alert, severity=Severity.WARNING))


def alert_rules(runbook: str = RUNBOOK) -> str:
    """The text of `deploy/prometheus/alerts.yml`.

    Args:
        runbook: where the page with a section for every alert lies.
    """
    groups = [
        {"name": "synthstream-budgets", "rules": recordings()},
        {"name": "synthstream", "rules": list(_rules(runbook))},
    ]
    head = "# Generated by monitors.alert_rules.alert_rules(); edit the metrics' declarations, not this file.\n"
    return head + yaml.safe_dump({"groups": groups}, sort_keys=False, width=1_000)


def _rules(runbook: str) -> Iterator[dict[str, Any]]:
    for alert, promql in alerts():
        yield {
            "alert": alert.name,
            "expr": promql,
            "for": f"{alert.for_s}s",
            "keep_firing_for": KEEP_FIRING,
            "labels": {"severity": str(alert.severity)},
            "annotations": said_of(alert, runbook),
        }
