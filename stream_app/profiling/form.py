"""What was found of a table, for programs: `docs/profile.md` describes every key."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from schemas.profiling.survey import Survey
from schemas.table import Column
from stream_app.profiling.trainable import Profiled

PROFILE_FORMAT = 1
"""Version of the form; it rises when a key changes its meaning or goes."""


def to_json(report: Profiled, rules: Path | None = None) -> dict[str, Any]:
    """One JSON value with everything.

    Args:
        report: what was found.
        rules: the file that the rules were written to, if they were.
    """
    survey = report.survey
    study = survey.study
    return {
        "format": PROFILE_FORMAT,
        "table": {
            "name": study.schema.name,
            "file": str(report.table),
            "rows": study.rows.count,
            "rows_profiled": study.rows.table.num_rows,
            "rows_searched": study.count,
            "columns": len(study.schema.columns) + len(survey.empty),
            "locales": list(study.schema.locales),
            "empty": list(survey.empty),
        },
        "columns": [_column(survey, column) for column in study.schema],
        "missing": _missing(survey),
        "ties": [
            {"columns": list(tie.columns), "strength": _round(tie.strength), "nats": _round(tie.nats),
             "rank_correlation": _round(tie.rank)}
            for tie in survey.ties
        ],
        "dependencies": [
            {"given": list(each.given), "column": each.column, "kept": _round(each.kept),
             "by_chance": _round(each.by_chance)}
            for each in survey.dependencies
        ],
        "keys": [list(key.columns) for key in survey.keys],
        "rules": [
            {"name": each.rule.name, "text": each.rule.text, "form": each.form, "kept": _round(each.kept),
             "broken": each.broken, "why": each.why, "trains": each.rule.name not in report.refused,
             "refused": report.refused.get(each.rule.name)}
            for each in survey.candidates
        ],
        "target": _target(survey),
        "warnings": [
            {"matter": each.matter.value, "columns": list(each.columns), "text": each.text, "action": each.action}
            for each in survey.cautions
        ],
        "train": report.command(rules),
    }  # fmt: skip


def _column(survey: Survey, column: Column) -> dict[str, Any]:
    known, spread = survey.study.profile[column.name], survey.spreads[column.name]
    treated = next(each for each in survey.fates if each.column == column.name)
    return {
        "name": column.name,
        "kind": column.kind.value,
        "role": column.role.value,
        "meaning": column.semantic,
        "unit": survey.units.get(column.name),
        "missing": known.nulls,
        "missing_share": _round(known.null_share),
        "distinct": known.distinct,
        "shape": spread.shape or None,
        "mean": _round(spread.mean),
        "deviation": _round(spread.deviation),
        "quantiles": dict(spread.quantiles),
        "histogram": {"edges": list(spread.edges), "rows": list(spread.counts)} if spread.edges else None,
        "values": [{"value": value, "rows": count} for value, count in spread.values],
        "other_values_rows": spread.others,
        "fate": treated.fate.value,
        "why": treated.why,
        "change": treated.change or None,
        "delicate": None if treated.delicate is None else treated.delicate.value,
    }


def _missing(survey: Survey) -> dict[str, Any]:
    gaps = survey.gaps
    return {
        "columns": [{"column": name, "share": _round(share)} for name, share in gaps.shares],
        "patterns": [{**asdict(each), "columns": list(each.columns), "share": _round(each.share)}
                     for each in gaps.patterns],
        "other_patterns_share": _round(gaps.others),
        "always_together": [list(group) for group in gaps.alike],
        "told_by": [{**asdict(each), "strength": _round(each.strength)} for each in gaps.told],
    }  # fmt: skip


def _target(survey: Survey) -> dict[str, Any] | None:
    found = survey.target
    if found is None:
        return None
    return {
        "column": found.column,
        "classes": [{"value": value, "share": _round(share)} for value, share in found.shares]
        if found.classes
        else None,
        "rarest_share": _round(found.rarest),
        "predictors": [{"column": name, "told": _round(told)} for name, told in found.predictors],
        "leaks": [name for name, _ in found.leaks],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
