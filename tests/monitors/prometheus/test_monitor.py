from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from monitors.alarms import Event, Happening
from monitors.budgets import Budgets
from monitors.estimate import Estimate
from monitors.evidence import Subject
from monitors.measure import measure
from monitors.metric import Severity
from monitors.pane import PaneLayout
from monitors.prometheus import LATCH_S, MAX_COLUMNS, Exporter, PublisherExporter, Reading
from monitors.reference import fidelity_reference
from monitors.window import Window
from schemas.profile import ColumnProfile, Profile
from schemas.table import Column, Kind, TableSchema
from tests.monitors import scene
from tests.monitors.scrape import labels, samples

LAYOUT = scene.layout()
KS = Subject("drift_ks", "weight")


def window(end_s: float = 10.0, drift: scene.Drift | None = None) -> Window:
    pane, newest = scene.pane(LAYOUT, 2_000, drift), scene.pane(LAYOUT, 200, drift)
    return Window(end_s - 10, end_s, pane, newest, 1.0)


def event(kind: Happening, at_s: float, severity: Severity = Severity.PAGE) -> Event:
    return Event(kind, severity, "weight", "drift_ks", at_s, Estimate(0.2, 0.1, 0.3, 9), at_s - 1, at_s, ())


def full() -> Exporter:
    exporter = Exporter("parcels", [KS])
    references = (
        scene.reference_of(LAYOUT, scene.pane(LAYOUT, 9_000, seed=1)),
        fidelity_reference(LAYOUT, scene.profile()),
    )
    shown = window(drift=scene.Drift(pieces=7))
    exporter.update(shown, measure(shown, references), [event("opened", 10)])
    exporter.weigh(5.5, 4.0)
    exporter.read(Reading(late_records=3, foreign_records=2, offset_resets=1, deletes=5, tombstones=4))
    return exporter


def test_an_estimate_is_three_series() -> None:
    seen = samples(full().render())
    of = labels(column="weight", reference="change", window="10s")
    low, value, high = (seen[f"synthstream_drift_ks_{end}ratio", of] for end in ("low_", "", "high_"))
    assert 0 <= low < value < high < 1
    assert seen["synthstream_quality_null_ratio", labels(column="size", window="10s")] < 0.05
    assert seen["synthstream_quality_violation_ratio", labels(rule="range:pieces", window="10s")] == 0.001
    assert seen["synthstream_flow_throughput_records_per_second", labels(window="10s")] == 200


def test_longer_windows_show_beside_the_first() -> None:
    exporter = full()
    hour = Window(0, 3_600, scene.pane(LAYOUT, 7_200), scene.pane(LAYOUT, 100), 60, 3_600)
    exporter.update_longer(hour, measure(hour, (scene.reference_of(LAYOUT, hour.pane),)))
    seen = samples(exporter.render())
    assert seen["synthstream_flow_throughput_records_per_second", labels(window="10s")] == 200
    assert seen["synthstream_flow_throughput_records_per_second", labels(window="3600s")] == 2
    assert seen["synthstream_window_records", labels()] == 2_000


def test_budgets_show_with_what_was_spent_of_them() -> None:
    exporter = Exporter("parcels", budgets=Budgets({"range:pieces": 1e-3}, fidelity=0.02))
    shown = window(drift=scene.Drift(shift=2))
    exporter.update(shown, measure(shown, (fidelity_reference(LAYOUT, scene.profile()),)))
    seen = samples(exporter.render())
    assert seen["synthstream_fidelity_poor_records_total", labels(column="weight")] == 200
    assert seen["synthstream_fidelity_poor_records_total", labels(column="size")] == 0
    assert seen["synthstream_fidelity_budget_ratio", labels()] == 0.02
    assert seen["synthstream_rule_tolerated_ratio", labels(rule="range:pieces")] == 1e-3


def test_what_was_not_measured_is_not_exported() -> None:
    assert not [name for name, _ in samples(full().render()) if "publish_delay" in name]


def test_totals_grow_by_the_newest_pane() -> None:
    exporter = full()
    exporter.update(window(11.0, scene.Drift(pieces=7)), [])
    seen = samples(exporter.render())
    assert seen["synthstream_monitor_records_total", labels()] == 400
    assert seen["synthstream_monitor_windows_total", labels()] == 2
    assert seen["synthstream_rule_violations_total", labels(rule="range:pieces")] == 4
    assert seen["synthstream_monitor_late_records_total", labels()] == 3
    assert seen["synthstream_monitor_foreign_records_total", labels()] == 2
    assert seen["synthstream_monitor_offset_resets_total", labels()] == 1
    assert seen["synthstream_monitor_deletes_total", labels()] == 5
    assert seen["synthstream_monitor_tombstones_total", labels()] == 4
    assert seen["synthstream_monitor_watermark_timestamp_seconds", labels()] == 11
    assert seen["synthstream_window_records", labels()] == 2_000


def test_an_alarm_shows_from_the_start_and_long_enough_for_any_scrape() -> None:
    exporter, of = Exporter("parcels", [KS]), labels(metric="drift_ks", column="weight", severity="page")

    def is_open() -> float:
        return samples(exporter.render())["synthstream_alarm_open", of]

    assert is_open() == 0
    exporter.update(window(100), [], [event("opened", 100)])
    assert is_open() == 1
    exporter.update(window(101), [], [event("cleared", 101)])
    assert is_open() == 1
    exporter.update(window(99 + LATCH_S), [])
    assert is_open() == 1
    exporter.update(window(100 + LATCH_S), [])
    assert is_open() == 0
    assert samples(exporter.render())["synthstream_alarms_opened_total", of] == 1


def test_an_alarm_that_goes_on_stays_open_after_the_latch() -> None:
    exporter = Exporter("parcels", [KS])
    exporter.update(window(100), [], [event("opened", 100)])
    exporter.update(window(100 + 10 * LATCH_S), [])
    of = labels(metric="drift_ks", column="weight", severity="page")
    assert samples(exporter.render())["synthstream_alarm_open", of] == 1


def test_a_warning_that_is_raised_is_a_page_and_no_warning_any_more() -> None:
    exporter = Exporter("parcels", [KS])

    def is_open() -> list[float]:
        seen = samples(exporter.render())
        ends = ("warning", "page")
        return [seen["synthstream_alarm_open", labels(metric="drift_ks", column="weight", severity=s)] for s in ends]

    assert is_open() == [0, 0]
    exporter.update(window(100), [], [event("opened", 100, Severity.WARNING)])
    assert is_open() == [1, 0]
    exporter.update(window(101), [], [event("raised", 101)])
    assert is_open() == [0, 1]
    exporter.update(window(101 + LATCH_S), [], [event("cleared", 101 + LATCH_S)])
    assert is_open() == [0, 0]


def test_the_evidence_is_shown_beside_what_it_must_reach() -> None:
    seen = samples(full().render())
    assert seen["synthstream_drift_evidence_log10", labels()] == 5.5
    assert seen["synthstream_drift_evidence_threshold_log10", labels()] == 4


def test_evidence_that_is_none_at_all_is_not_shown() -> None:
    exporter = Exporter("parcels")
    assert ("synthstream_drift_evidence_log10", labels()) not in samples(exporter.render())
    exporter.weigh(-np.inf, 4.0)
    assert ("synthstream_drift_evidence_log10", labels()) not in samples(exporter.render())


def test_a_wide_table_exports_a_bounded_number_of_columns(caplog: pytest.LogCaptureFixture) -> None:
    names = [f"c{i:03}" for i in range(MAX_COLUMNS + 20)]
    schema = TableSchema("wide", tuple(Column(name, Kind.BOOLEAN) for name in names))
    one = {"rows": 10, "nulls": 0, "distinct": 2, "values": ("true", "false"), "shares": (0.5, 0.5)}
    layout = PaneLayout(schema, Profile(10, tuple(ColumnProfile(name, **one) for name in names)))  # type: ignore[arg-type]
    reference = fidelity_reference(layout, Profile(10, ()))
    pane = scene.drawn(np.random.default_rng(0), layout, {n: b.expected for n, b in layout.bins.items()}, 1_000)
    exporter = Exporter("wide")
    exporter.update(scene.window_of(pane), measure(scene.window_of(pane), [reference]))
    columns = {dict(given).get("column") for _, given in samples(exporter.render())} - {None}
    assert columns == set(names[:MAX_COLUMNS])
    assert "120 columns: the first 100 are exported" in caplog.text


def test_monitor_and_publisher_share_a_registry() -> None:
    registry = CollectorRegistry()
    Exporter("parcels", [KS], registry)
    publisher = PublisherExporter("parcels", registry)
    publisher.sent(0, np.zeros(1))
    names = {name for name, _ in samples(publisher.render())}
    assert {"synthstream_alarm_open", "synthstream_records_published_total"} <= names


def test_promtool_finds_nothing_wrong_with_the_names() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    exporter = full()
    PublisherExporter("parcels", exporter.registry).sent(0, np.zeros(1))
    checked = subprocess.run([promtool, "check", "metrics"], input=exporter.render(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
