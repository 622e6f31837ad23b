"""The verdict: passed, below or withheld, and why, what tells most first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitors.estimate import Estimate
from monitors.intervals import widened
from monitors.metric import Worse
from stream_app.assessment import every
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.limits import Limits
from stream_app.assessment.score import TABLE, Measured, Score

FAR = 0.10
"""A classifier's area is far from the holdout's when their intervals lie so far apart."""


class Outcome(StrEnum):
    """What a verdict says."""

    PASSED = "passed"
    BELOW = "below"
    WITHHELD = "withheld"


class Mark(StrEnum):
    """How one number stands to its bar."""

    MET = "met"
    BELOW = "below"
    OPEN = "open"
    SHOWN = "shown"


EXIT_CODES: Mapping[Outcome, int] = {Outcome.PASSED: 0, Outcome.BELOW: 1, Outcome.WITHHELD: 4}
"""What the command ends with."""


@dataclass(frozen=True, eq=False)
class Judged:
    """One number and what is thought of it.

    Args:
        measured: the number.
        score: what it is.
        bar: what it must reach; None where it is only shown.
        mark: how it stands to that.
    """

    measured: Measured
    score: Score
    bar: float | None
    mark: Mark


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is thought of a table.

    Args:
        outcome: in a word.
        judged: every number, in the scores' order.
        limits: what the table must reach.
    """

    outcome: Outcome
    judged: tuple[Judged, ...]
    limits: Limits

    @property
    def table(self) -> tuple[Judged, ...]:
        """What is thought of the table's own numbers."""
        return tuple(each for each in self.judged if each.measured.subject == TABLE)

    def marked(self, mark: Mark, score: str | None = None) -> tuple[Judged, ...]:
        """The numbers with a mark, of one score or of all; those that miss their bar by most first."""
        fitting = (j for j in self.judged if j.mark is mark and score in (None, j.score.NAME))
        return tuple(sorted(fitting, key=_missed_by, reverse=True))

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many columns, pairs and rules have which mark, by score and mark."""
        return Counter((each.score.NAME, each.mark.value) for each in self.judged if each.measured.subject != TABLE)


def judge(assessed: Assessed, limits: Limits) -> Verdict:
    """Hold every number to its bar.

    A number is below when its whole interval is. Of columns, pairs and rules the intervals are widened as all of them
    together demand (Bonferroni), so that one in many is not named by chance. The verdict is withheld where nothing is
    below and a number of the table, which its score says must be sure, may be.
    """
    scores = {score.NAME: score for score in every()}
    sizes = Counter(each.score for each in assessed.measured if each.subject != TABLE)
    judged = []
    for each in assessed.measured:
        score = scores[each.score]
        if score.LIMIT is None:
            judged.append(Judged(each, score, None, Mark.SHOWN))
            continue
        bar = score.bar(limits, each.holdout)
        together = 1 if each.subject == TABLE else sizes[each.score]
        judged.append(Judged(each, score, bar, _mark(score, each.of, bar, together)))
    return Verdict(_outcome(judged), tuple(judged), limits)


def _mark(score: Score, of: Estimate, bar: float, together: int) -> Mark:
    wider = widened(together)
    low, high = of.value - wider * (of.value - of.low), of.value + wider * (of.high - of.value)
    if score.WORSE is Worse.HIGHER:
        value, low, high, bar, edge = -of.value, -high, -low, -bar, -score.RANGE[0]
    else:
        value, edge = of.value, score.RANGE[1]
    if high < bar or (bar >= edge and value < bar):  # what is at the end of its range once missed is surely missed
        return Mark.BELOW
    if low >= bar or (value >= bar and not score.WITHHOLDS):
        return Mark.MET
    return Mark.OPEN


def _outcome(judged: list[Judged]) -> Outcome:
    if any(each.mark is Mark.BELOW and _decides(each) for each in judged):
        return Outcome.BELOW
    open_ones = (each for each in judged if each.mark is Mark.OPEN and each.measured.subject == TABLE)
    return Outcome.WITHHELD if any(each.score.WITHHOLDS for each in open_ones) else Outcome.PASSED


def _decides(each: Judged) -> bool:
    """Of learners only the best on real rows decides, which is the table's number."""
    return each.score.NAME != "tstr" or each.measured.subject == TABLE


def _missed_by(each: Judged) -> float:
    if each.bar is None:
        return 0.0
    return abs(each.bar - each.measured.of.value)


def told_apart(assessed: Assessed) -> Measured | None:
    """The classifier's number, where it is far from the holdout's (0.5 without one); None where it is not."""
    found = assessed.of("c2st")
    if found is None:
        return None
    own = 0.5 if found.holdout is None else found.holdout.high
    return found if found.of.low > own + FAR else None


def headline(verdict: Verdict, assessed: Assessed) -> list[str]:
    """Why the verdict is what it is, a line each, what tells most first."""
    lines = []
    apart = assessed.of("c2st")
    if apart is not None and apart.holdout is not None and apart.holdout.low > 0.5 + FAR:
        lines.append(
            f"The holdout is unlike the real table: a classifier tells them apart, area {apart.holdout.value:.2f}. "
            "Bars that are taken from it mean little."
        )
    far = told_apart(assessed)
    if far is not None:
        own = "" if far.holdout is None else f"; real rows from real ones: {far.holdout.value:.2f}"
        lines.append(f"A classifier tells synthetic rows from real ones: area under the curve {far.of.value:.2f}{own}.")
    lines += [f"{_told(each)}." for each in verdict.table if each.mark is Mark.BELOW and each.measured is not far]
    named: dict[str, list[str]] = {}
    for each in verdict.marked(Mark.BELOW):
        if each.measured.subject != TABLE and _decides(each):
            named.setdefault(each.score.TITLE, []).append(" and ".join(each.measured.subject))
    for title, subjects in named.items():
        more = f" and {len(subjects) - 4} more" if len(subjects) > 4 else ""
        lines.append(f"{title}, below the bar in {len(subjects)}: {', '.join(subjects[:4])}{more}.")
    if verdict.outcome is Outcome.WITHHELD:
        open_ones = (each for each in verdict.table if each.mark is Mark.OPEN and each.score.WITHHOLDS)
        lines += [f"{_told(each)}: too few rows to tell." for each in open_ones]
    if verdict.outcome is Outcome.PASSED:
        lines.append("No number is surely below its bar, and all that must be sure of it is.")
    return lines


def _told(each: Judged) -> str:
    return f"{each.score.TITLE}: {said(each.score, each.measured.of)}, {needed(each)}"


def digits(score: Score) -> int:
    """Digits behind the point: of shares in percent, of areas as they are."""
    return {"c2st": 3, "copies": 2, "compliance": 2}.get(score.LIMIT or "", 1)


def figure(score: Score, value: float) -> str:
    """A number without its unit, for people."""
    plain = f"{value if score.LIMIT == 'c2st' else 100 * value:.{digits(score)}f}"
    return plain.removeprefix("-") if float(plain) == 0 else plain


def said(score: Score, of: Estimate) -> str:
    """A number with its interval, for people."""
    unit = "" if score.LIMIT == "c2st" else " %"
    return f"{figure(score, of.value)}{unit} [{figure(score, of.low)} to {figure(score, of.high)}{unit}]"


def needed(each: Judged) -> str:
    """What a number must reach, for people."""
    if each.bar is None:
        return "shown only"
    word = "at most" if each.score.WORSE is Worse.HIGHER else "at least"
    unit, bar = ("", each.bar) if each.score.LIMIT == "c2st" else (" %", 100 * each.bar)
    return f"{word} {bar:.2f}".rstrip("0").rstrip(".") + unit
