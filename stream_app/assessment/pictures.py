"""What the pictures of an assessment show: counts by bin, never rows, and no value that fewer than five rows share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from schemas.table import MIN_SHARED_ROWS
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.report import Report
from stream_app.assessment.tables import Floats, Longs, Side
from stream_app.assessment.verdict import Mark, Verdict
from stream_app.standing.document import Picture
from stream_app.standing.plots import bars, curves, heatmap, histograms

WORST = 8
"""So many columns are drawn."""

BINS = 32
VALUES = 8
HEATED = 30
"""So many columns are in the picture of pairs at the most: those of the pairs that are farthest apart."""


def worst_columns(assessed: Assessed, verdict: Verdict) -> list[tuple[str, float, bool]]:
    """The columns whose distributions are least alike: name, similarity, and whether that is below its bar."""
    below = {
        each.measured.subject[0]
        for name in ("ks", "tv", "overlap", "coverage")
        for each in verdict.marked(Mark.BELOW, name)
        if each.measured.subject
    }
    found: dict[str, float] = {}
    for name in ("ks", "overlap", "tv"):
        for each in assessed.parts(name):
            column = each.subject[0]
            found[column] = min(found.get(column, 1.0), each.of.value)
    ranked = sorted(found, key=lambda column: (column not in below, found[column]))
    return [(column, found[column], column in below) for column in ranked[:WORST]]


def column_pictures(report: Report) -> Iterator[Picture]:
    """Overlaid distributions of the columns that are least alike."""
    tables = report.assessed.tables
    for name, similarity, bad in worst_columns(report.assessed, report.verdict):
        note = f"{100 * similarity:.1f} % alike"
        draw = _numbers if name in tables.ground.numbers else _values
        yield Picture(name, note, draw(report.assessed, name), bad)


def kept(counts: Longs) -> Longs:
    """Counts of real rows, without those of fewer than five rows."""
    return np.where(counts >= MIN_SHARED_ROWS, counts, 0)


def _numbers(assessed: Assessed, name: str) -> str:
    tables = assessed.tables
    bins = tables.ground.layout.bins[name]
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    real, here = (
        np.histogram(side.rising[name], edges)[0].astype(np.int64) for side in (tables.real, tables.synthetic)
    )
    said = [
        label.removeprefix("under ").removeprefix("over ") for label in (bins.labels[0], bins.labels[bins.null - 1])
    ]
    return histograms(
        kept(real) / max(int(real.sum()), 1),
        np.where(real >= MIN_SHARED_ROWS, here, 0) / max(int(here.sum()), 1),
        (said[0], said[1]),
        f"Distribution of {name}",
    )


def _values(assessed: Assessed, name: str) -> str:
    tables = assessed.tables
    bins = tables.ground.layout.bins[name]
    known = len(bins.values)
    real, here = (side.counts.columns[name][: bins.null] for side in (tables.real, tables.synthetic))
    shares = kept(real) / max(int(real.sum()), 1), here / max(int(here.sum()), 1)
    apart = np.abs(shares[0] - shares[1])[:known]
    frequent = np.flatnonzero(real[:known] >= MIN_SHARED_ROWS)
    chosen = frequent[np.argsort(-np.maximum(apart, shares[0][:known] / 4)[frequent], kind="stable")][:VALUES]
    chosen = chosen[np.argsort(-shares[0][chosen], kind="stable")]
    rows = [(bins.labels[cell], float(shares[0][cell]), float(shares[1][cell])) for cell in chosen]
    return bars(rows, max((max(row[1:]) for row in rows), default=1.0), f"Shares of the values of {name}")


def pair_picture(report: Report) -> Picture | None:
    """How far apart what columns say of each other is, a square a pair."""
    parts = sorted(report.assessed.parts("association"), key=lambda each: each.of.value)
    if not parts:
        return None
    names = list(dict.fromkeys(name for each in parts for name in each.subject))[:HEATED]
    order = [column.name for column in report.assessed.tables.ground.columns if column.name in names]
    place = {name: i for i, name in enumerate(order)}
    gaps: Floats = np.full((len(order), len(order)), np.nan)
    for each in parts:
        if each.subject[0] in place and each.subject[1] in place:
            i, j = place[each.subject[0]], place[each.subject[1]]
            gaps[i, j] = gaps[j, i] = 1 - each.of.value
    worst = parts[0]
    note = f"Farthest apart: {' and '.join(worst.subject)}, {1 - worst.of.value:.2f}. Full colour is 0.4 or more."
    bad = bool(report.verdict.marked(Mark.BELOW, "association"))
    return Picture(
        "What columns say of each other", note, heatmap(order, gaps, "Difference of association, by pair"), bad
    )


def learning_picture(report: Report) -> Picture | None:
    """How well learners do that real and synthetic rows taught."""
    parts = report.assessed.parts("tstr")
    if not parts:
        return None
    rows = [(each.subject[0], float(each.facts["trtr"]), float(each.facts["tstr"])) for each in parts]
    target, measure = report.assessed.tables.ground.target, parts[0].facts["measure"]
    note = f"{measure} on the holdout, by learners of real rows and of as many synthetic ones"
    bad = any(not each.measured.subject for each in report.verdict.marked(Mark.BELOW, "tstr"))
    return Picture(f"Learning {target}", note, bars(rows, 1.0, note, "{:.3f}"), bad)


def distance_picture(report: Report) -> Picture | None:
    """How far rows are from the closest real row."""
    found = report.assessed.of("dcr")
    if found is None:
        return None
    lines, share = found.facts["curves"], 100 * found.of.value
    note = f"Share of rows up to a distance. {share:.1f} % are nearer than 95 % of the holdout; 5 % is honest."
    bad = bool(report.verdict.marked(Mark.BELOW, "dcr") or report.verdict.marked(Mark.BELOW, "copies"))
    return Picture("Distance to the closest real row", note, curves(lines["holdout"], lines["synthetic"], note), bad)


def missing_picture(report: Report) -> Picture | None:
    """Where values are missing."""
    tables = report.assessed.tables
    parts = sorted(report.assessed.parts("missing"), key=lambda each: each.of.value)[:VALUES]
    if not parts:
        return None
    rows = [(each.subject[0], _missing(tables.real, each.subject[0]), _missing(tables.synthetic, each.subject[0]))
            for each in parts]  # fmt: skip
    most = max(max(row[1:]) for row in rows)
    bad = bool(report.verdict.marked(Mark.BELOW, "missing"))
    return Picture(
        "Missing values", "Share of rows without a value", bars(rows, most, "Missing values, by column"), bad
    )


def _missing(side: Side, name: str) -> float:
    count = side.table.column(name).null_count
    return (count if count >= MIN_SHARED_ROWS else 0) / side.rows
