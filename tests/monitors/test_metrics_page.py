from __future__ import annotations

from pathlib import Path

import monitors
from monitors.metrics_page import FAMILY_WORDS, metrics_page


def test_the_page_is_what_the_metrics_declare(root: Path) -> None:
    written = (root / "docs/metrics.md").read_text()
    assert written == metrics_page(), "write monitors.metrics_page.metrics_page() to docs/metrics.md"


def test_every_metric_has_a_row_with_its_help_and_alert() -> None:
    rows = metrics_page().splitlines()
    for metric in map(monitors.load, monitors.names()):
        (row,) = [row for row in rows if row.startswith(f"| `{metric.series()}` |")]
        assert metric.HELP in row
        assert metric.SOURCE in row
        assert metric.ALERT is None or metric.ALERT.name in row


def test_every_family_says_what_it_is_about() -> None:
    assert set(FAMILY_WORDS) == set(monitors.FAMILIES)
