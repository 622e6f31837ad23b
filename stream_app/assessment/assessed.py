"""All scores of a table, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitors.estimate import Estimate
from stream_app.assessment import every
from stream_app.assessment.score import TABLE, Measured, Needs, Score, Subject
from stream_app.assessment.tables import Side, Tables

Told = Callable[[float, str], object]
"""Told how far the work has come, and what is done next."""

WANTED: Mapping[Needs, str] = {
    Needs.HOLDOUT: "real rows that training did not see: --holdout TABLE, or --split",
    Needs.TARGET: "a column to learn: --target COLUMN",
    Needs.RULES: "rules: --rules FILE (synthstream profile REAL --rules FILE writes those that real rows keep)",
}
"""What a score can not be had without, and how to give it."""


@dataclass(frozen=True, eq=False)
class Assessed:
    """What was measured.

    Args:
        tables: of what.
        measured: all numbers, in the scores' order.
        lacking: why each score that could not be had could not, by name.
    """

    tables: Tables
    measured: tuple[Measured, ...]
    lacking: Mapping[str, str]

    def of(self, score: str, subject: Subject = TABLE) -> Measured | None:
        """The number of a score of a table, a column, a pair or a rule; None where it could not be had."""
        return next((each for each in self.measured if (each.score, each.subject) == (score, subject)), None)

    def parts(self, score: str) -> list[Measured]:
        """The numbers of a score of columns, pairs or rules."""
        return [each for each in self.measured if each.score == score and each.subject != TABLE]

    def value(self, score: str, subject: Subject = TABLE) -> Estimate | None:
        """The estimate of such a number."""
        found = self.of(score, subject)
        return None if found is None else found.of


def assess(tables: Tables, told: Told, scores: Sequence[Score] | None = None) -> Assessed:
    """Measure everything that can be.

    Args:
        tables: what is assessed.
        told: told how far it has come.
        scores: which scores; all when None.
    """
    chosen = every() if scores is None else scores
    measured: list[Measured] = []
    lacking: dict[str, str] = {}
    for place, score in enumerate(chosen):
        told(place / len(chosen), score.TITLE.lower())
        wanting = [WANTED[need] for need in sorted(score.NEEDS) if not _has(tables, need)]
        if wanting:
            lacking[score.NAME] = f"needs {' and '.join(wanting)}"
            continue
        found = score.measure(tables)
        measured += found
        if not found:
            lacking[score.NAME] = _nothing(score, tables)
    return Assessed(tables, tuple(measured), lacking)


def _has(tables: Tables, need: Needs) -> bool:
    return {
        Needs.HOLDOUT: tables.holdout is not None,
        Needs.TARGET: tables.ground.target is not None,
        Needs.RULES: bool(tables.ground.rules),
    }[need]


def _nothing(score: Score, tables: Tables) -> str:
    rows = min(each.rows for each in _sides(tables))
    return f"has nothing to measure here ({rows:,} rows in the smallest table)"


def _sides(tables: Tables) -> Iterable[Side]:
    return [each for each in (tables.real, tables.synthetic, tables.holdout) if each is not None]
