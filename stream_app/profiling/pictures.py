"""What the pictures of a table show: counts by bin, and no value that fewer than five rows share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from schemas.profiling.spread import Spread
from schemas.profiling.survey import Survey
from schemas.table import Column, Role
from stream_app.standing.document import Picture
from stream_app.standing.plots import bars, heatmap, histograms, patterns

VALUES = 8
MOST_COLUMNS = 200
"""So many columns are drawn: the page stays small."""

HEATED = 36
"""So many columns are in the picture of pairs: those of the strongest."""


def column_pictures(survey: Survey) -> Iterator[Picture]:
    """A picture a column that has a distribution, with what it is, in the table's order."""
    for column in survey.study.schema.columns[:MOST_COLUMNS]:
        spread = survey.spreads[column.name]
        drawn = _drawn(column, spread)
        if drawn is not None:
            grave = any(column.name in each.columns for each in survey.cautions)
            yield Picture(column.name, _note(survey, column, spread), drawn, grave)


def _drawn(column: Column, spread: Spread) -> str | None:
    whole = max(sum(spread.counts) or sum(rows for _, rows in spread.values) + spread.others, 1)
    if spread.edges:
        return histograms(np.array(spread.counts) / whole, None, spread.ends, f"Distribution of {column.name}")
    if not spread.values:
        return None
    rows = [(value, count / whole) for value, count in spread.values[:VALUES]]
    others = 1 - sum(share for _, share in rows)
    if others > 0.0005:
        rows.append(("all others", others))
    return bars(rows, max(share for _, share in rows), f"Shares of the values of {column.name}")


def _note(survey: Survey, column: Column, spread: Spread) -> str:
    known, unit = survey.study.profile[column.name], survey.units.get(column.name)
    said = [column.semantic or column.kind.value]
    said += [unit] if unit else []
    said += [] if column.role is Role.ATTRIBUTE else [column.role.value.replace("_", " ")]
    said += [f"{known.distinct:,} distinct", spread.shape]
    said += [f"{known.null_share:.1%} missing"] if known.nulls else []
    return " · ".join(filter(None, said))


def tie_picture(survey: Survey) -> Picture | None:
    """How strongly columns go together, a square a pair."""
    if not survey.ties:
        return None
    names = list(dict.fromkeys(name for tie in survey.ties for name in tie.columns))[:HEATED]
    order = [name for name in survey.study.schema.names if name in set(names)]
    place = {name: i for i, name in enumerate(order)}
    strengths = np.full((len(order), len(order)), np.nan)
    for tie in survey.ties:
        if tie.columns[0] in place and tie.columns[1] in place:
            i, j = place[tie.columns[0]], place[tie.columns[1]]
            strengths[i, j] = strengths[j, i] = tie.strength
    first = survey.ties[0]
    named = " and ".join(first.columns)
    note = f"Strongest: {named}, {first.strength:.2f}. Full colour is 1; empty is what chance explains."
    drawn = heatmap(order, strengths, "Strength of ties, by pair", "strength {:.2f}", 1.0, "tie")
    return Picture("What columns say of each other", note, drawn)


def missing_pictures(survey: Survey) -> Iterator[Picture]:
    """Which columns miss values, and which together."""
    gaps = survey.gaps
    if not gaps.shares:
        return
    shares = gaps.shares[: 2 * VALUES]
    yield Picture(
        "Missing values",
        "Share of rows without a value",
        bars(shares, max(share for _, share in shares), "Missing values, by column"),
    )
    seen = list(dict.fromkeys(name for each in gaps.patterns for name in each.columns))
    order = [name for name in survey.study.schema.names if name in set(seen)]
    if order:
        rows = [([name in each.columns for name in order], each.share) for each in gaps.patterns]
        note = "A line a pattern, the most frequent first; a full square is a missing value"
        yield Picture("Missing together", note, patterns(order, rows, "Patterns of missing values"))


def target_picture(survey: Survey) -> Picture | None:
    """Which columns tell of the target, and how much of what there is to know."""
    target = survey.target
    if target is None or not target.predictors:
        return None
    rows = target.predictors[: 2 * VALUES]
    note = "Share of what there is to know that each column tells alone"
    bad = bool(target.leaks)
    return Picture(f"What tells of {target.column}", note, bars(rows, max(told for _, told in rows), note), bad)
