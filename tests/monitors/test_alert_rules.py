from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import monitors
from monitors.alert_rules import alert_rules, alerts, expression
from monitors.burn_rates import BUDGETS, recordings
from monitors.metric import Alert, Severity, Worse

NAMES = tuple(alert.name for alert, _ in alerts())


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False)


def test_the_file_is_what_the_metrics_declare(root: Path) -> None:
    written = (root / "deploy/prometheus/alerts.yml").read_text()
    assert written == alert_rules(), "write monitors.alert_rules.alert_rules() to deploy/prometheus/alerts.yml"


def test_every_alert_has_severity_summary_and_a_section_in_the_runbook(root: Path) -> None:
    group = yaml.safe_load(alert_rules())["groups"][-1]
    sections = re.findall(r"^## (\w+)$", (root / "docs/alerts.md").read_text(), re.MULTILINE)
    assert sorted(sections) == sorted(set(NAMES))
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"page", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_every_alert_is_unit_tested_firing_and_quiet(root: Path) -> None:
    groups = yaml.safe_load((root / "deploy/prometheus/alerts_test.yml").read_text())["tests"]
    cases = [case for group in groups for case in group["alert_rule_test"]]
    fired = {(c["alertname"], alert["exp_labels"]["severity"]) for c in cases for alert in c["exp_alerts"]}
    assert fired == {(alert.name, str(alert.severity)) for alert, _ in alerts()}


def test_every_series_an_alert_reads_is_exported() -> None:
    metrics = [monitors.load(name) for name in monitors.names()]
    measured = {metric.series(end) for metric in metrics for end in ("", "low", "high")}
    own = {
        "synthstream_alarm_open",
        *(series for budget in BUDGETS for series in (budget.spent, budget.allowed)),
        "synthstream_alarm_responses_total",
        "synthstream_publish_delay_seconds_bucket",
        *(f"synthstream_monitor_{what}_total" for what in ("windows", "records", "late_records", "foreign_records")),
        "synthstream_monitor_offset_resets_total",
        "synthstream_retrain_advised",
    }
    for _, promql in alerts():
        assert set(re.findall(r"synthstream_\w+", promql)) <= measured | own


@pytest.mark.parametrize(
    ("worse", "on_value", "expected"),
    [
        (Worse.HIGHER, False, "synthstream_drift_ks_low_ratio > 0.5"),
        (Worse.LOWER, False, "synthstream_drift_ks_high_ratio < 0.5"),
        (Worse.LOWER, True, "synthstream_drift_ks_ratio <= 0.5"),
    ],
)
def test_a_threshold_is_passed_by_the_near_end_of_the_interval(
    monkeypatch: pytest.MonkeyPatch, worse: Worse, on_value: bool, expected: str
) -> None:
    metric = monitors.load("drift.ks")
    monkeypatch.setattr(type(metric), "WORSE", worse)
    assert expression(metric, Alert("A", Severity.PAGE, "s", threshold=0.5, on_value=on_value)) == expected


def test_promtool_accepts_the_rules(root: Path) -> None:
    checked = promtool("check", "rules", str(root / "deploy/prometheus/alerts.yml"))
    assert checked.returncode == 0, checked.stderr
    assert f"{len(NAMES) + len(recordings())} rules found" in checked.stdout


def test_the_rules_fire_and_stay_quiet_as_they_should(root: Path) -> None:
    tested = promtool("test", "rules", str(root / "deploy/prometheus/alerts_test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr
