"""Whether a synthetic table is good enough: scores beside what an honest holdout scores, a verdict and what to do.

A score is one file under `scores/` with a `SCORE`; the file's name is its name.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_app.assessment.score import Score


def names() -> tuple[str, ...]:
    """Every score's name, found by path; imports nothing.

    >>> "ks" in names()
    True
    """
    files = sorted((Path(__file__).parent / "scores").glob("*.py"))
    return tuple(file.stem for file in files if file.stem != "__init__")


def every() -> tuple[Score, ...]:
    """All scores, in the order in which they are told."""
    scores: list[Score] = [import_module(f"stream_app.assessment.scores.{name}").SCORE for name in names()]
    return tuple(sorted(scores, key=lambda score: score.PLACE))
