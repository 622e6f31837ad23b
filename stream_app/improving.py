"""From an artifact that is not good enough to a better one: advice of an assessment is tried, and kept if it helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import hypot
from typing import Any

import generators
from generators.artifact import Artifact
from generators.task import Progress
from monitors.estimate import Estimate
from monitors.intervals import widened
from monitors.metric import Worse
from schemas.errors import InputError
from schemas.inference import Choices
from schemas.rows import Rows
from schemas.rules import Rule
from stream_app.assessment.assessed import Assessed, assess
from stream_app.assessment.causes import Causes
from stream_app.assessment.limits import Limits
from stream_app.assessment.reading import changed, drawn, under
from stream_app.assessment.recommendations import Advice, Change, Deed, Source, advise
from stream_app.assessment.report import Report
from stream_app.assessment.score import TABLE
from stream_app.assessment.tables import Side, Tables
from stream_app.assessment.verdict import Judged, Mark, Outcome, Verdict, judge, said
from stream_app.training import Training, train_like
from stream_app.tuning.search import Budget, OutOfTime

MANY = 4
"""So many numbers are named, and the others counted."""


@dataclass(frozen=True, eq=False)
class Standing:
    """An artifact, and what is thought of what it draws.

    Args:
        artifact: the artifact.
        report: what is thought.
    """

    artifact: Artifact
    report: Report

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        return self.report.verdict


@dataclass(frozen=True)
class Attempt:
    """Advice that was followed.

    Args:
        advice: what was tried.
        kept: whether what came of it was kept.
        why: in words.
        outcome: the verdict on it; None where there is none.
        helped: which numbers that were below got better beyond chance, with both values.
        harmed: which numbers are below now that were not.
        seconds: how long it took.
    """

    advice: Advice
    kept: bool
    why: str
    outcome: str | None = None
    helped: tuple[str, ...] = ()
    harmed: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON form."""
        return {**vars(self), "advice": self.advice.to_json(), "seconds": round(self.seconds, 2)}


@dataclass(eq=False)
class Improving:
    """Follows advice, one piece after the other, until the table passes, nothing is left, or time is up.

    Args:
        raw: the real rows as they were read, that artifacts are trained on.
        tables: what is assessed; what each artifact draws takes the place of the synthetic rows.
        source: what the tables are called.
        limits: what a table must reach.
        rules: what every row should meet.
        budget: how long.
        plan: how artifacts are trained.
        told: told how far it has come.
        now: seconds that pass.
        attempts: what was tried so far.
    """

    raw: Rows
    tables: Tables
    source: Source
    limits: Limits
    rules: tuple[Rule, ...]
    budget: Budget
    plan: Training
    told: Progress
    now: Callable[[], float]
    attempts: list[Attempt] = field(default_factory=list)

    def begin(self, artifact: Artifact) -> Standing:
        """What is thought of the artifact there is.

        Raises:
            InputError: time is too short for anything to be tried.
        """
        self._began = self.now()
        first = self._standing(artifact, self.tables)
        self._judging_s = self.now() - self._began
        if first.verdict.outcome is not Outcome.PASSED:
            self.budget.check(2 * self._judging_s)
        return first

    def improve(self, first: Standing) -> Standing:
        """Follow advice for as long as it helps; Ctrl-C ends it with what is better until then."""
        best, tried = first, set[Change]()
        try:
            while best.verdict.outcome is not Outcome.PASSED and self._left_s() > self._judging_s:
                advice = next((a for a in best.report.advice if a.change not in tried), None)
                if advice is None:
                    break
                tried.add(advice.change)
                best = self._follow(advice, best)
        except KeyboardInterrupt:
            pass
        return best

    def _left_s(self) -> float:
        spent = self.now() - self._began
        return float("inf") if self.budget.seconds is None else self.budget.seconds - spent

    def _follow(self, advice: Advice, best: Standing) -> Standing:
        began = self.now()
        attempt, standing = self._tried(advice, best)
        self.attempts.append(replace(attempt, seconds=self.now() - began))
        return standing if attempt.kept else best

    def _tried(self, advice: Advice, best: Standing) -> tuple[Attempt, Standing]:
        """What came of it, and what it leads to."""
        change, tables = advice.change, best.report.assessed.tables
        if change.deed is Deed.DRAW:
            rows = under(drawn(best.artifact, change.rows or 0, self.plan.seed), tables.ground.schema, self.source.real)
            more = self._standing(best.artifact, replace(tables, synthetic=Side(rows, tables.ground)))
            told = more.verdict.outcome is not Outcome.WITHHELD
            why = f"of {change.rows:,} rows more can be told" if told else f"{change.rows:,} rows tell no more"
            return Attempt(advice, told, why, more.verdict.outcome.value), more
        if change.deed is not Deed.TRAIN:
            return Attempt(advice, False, "only you can do that"), best
        try:
            artifact = self._trained(change, best)
        except InputError as error:
            return Attempt(advice, False, f"can not be tried: {'; '.join(error.faults)}"), best
        except OutOfTime:
            return Attempt(advice, False, "was not over when time was up"), best
        rows = under(drawn(artifact, tables.synthetic.rows, self.plan.seed), tables.ground.schema, self.source.real)
        after = self._standing(artifact, replace(tables, synthetic=Side(rows, tables.ground)))
        helped, harmed = moved(best.verdict, after.verdict, 1 + len(self.attempts))
        kept, why = weighed(helped, harmed)
        better, worse = tuple(map(_said, helped)), tuple(map(_said, harmed))
        return Attempt(advice, kept, why, after.verdict.outcome.value, better, worse), after

    def _trained(self, change: Change, best: Standing) -> Artifact:
        assert change.model is not None
        settings = generators.settings_for(generators.load(change.model), dict(change.settings))
        if "max_seconds" in settings:
            settings["max_seconds"] = min(settings["max_seconds"], max(self._left_s() - 2 * self._judging_s, 1.0))
        rules = self.rules if change.rules else ()
        choices = Choices(target=self.tables.ground.target)
        plan = replace(self.plan, model=change.model, settings=settings, rules=rules, choices=choices)

        def telling(share: float, what: str) -> None:
            if self._left_s() < 0:
                raise OutOfTime
            self.told(share, what)

        return train_like(self.raw, best.artifact, plan, telling)

    def _standing(self, artifact: Artifact, tables: Tables) -> Standing:
        assessed: Assessed = assess(tables, self.told)
        verdict = judge(assessed, self.limits)
        findings = Causes(assessed, verdict).find()
        source = replace(self.source, model=artifact.model, settings=changed(artifact))
        return Standing(
            artifact, Report(assessed, verdict, findings, advise(findings, verdict, assessed, source), source)
        )


Moved = tuple[Judged, Judged]
"""A number before and after."""


def moved(before: Verdict, after: Verdict, attempt: int = 1) -> tuple[list[Moved], list[Moved]]:
    """The numbers that were below and got better beyond chance, and those that are below since they got worse.

    Beyond chance is where the interval of the difference leaves out 0 (Zou and Donner, Statistics in Medicine 2008).
    Both were measured beside the same real rows, which makes that interval wider than it need be. Whoever tries often
    and looks at many numbers sees some get better by luck: for those that were below it is widened as all of them
    together demand, and as attempts do, of which the k-th has 1 / (k (k + 1)) of all the luck that is allowed.

    Args:
        before: what was thought; after: what is thought now.
        attempt: which attempt it is, from 1.
    """
    pairs = list(_paired(before, after))
    below = [(one, two) for one, two in pairs if one.mark is Mark.BELOW]
    wider = widened(max(len(below), 1) * attempt * (attempt + 1))
    helped = [(one, two) for one, two in below if _is_better(one, two, wider)]
    harmed = [(one, two) for one, two in pairs if one.mark is not Mark.BELOW is two.mark and _is_better(two, one)]
    return helped, harmed


def _paired(before: Verdict, after: Verdict) -> Iterator[Moved]:
    then = {(each.score.NAME, each.measured.subject): each for each in before.judged}
    for each in after.judged:
        had = then.get((each.score.NAME, each.measured.subject))
        if had is not None and each.bar is not None:
            yield had, each


def _is_better(one: Judged, two: Judged, wider: float = 1.0) -> bool:
    """Whether the second is better beyond chance, by an interval so many times as wide."""
    low, high = (two, one) if one.score.WORSE is Worse.LOWER else (one, two)
    return _surely_above(low.measured.of, high.measured.of, wider)


def _surely_above(one: Estimate, other: Estimate, wider: float) -> bool:
    return one.value - other.value > wider * hypot(one.value - one.low, other.high - other.value)


def weighed(helped: list[Moved], harmed: list[Moved]) -> tuple[bool, str]:
    """Whether a change is kept, and why: no number of the table may fall below its bar, others less often than rise."""
    if not helped:
        return False, "nothing that was below got better beyond chance"
    fallen = [each for each in harmed if each[1].measured.subject == TABLE]
    if fallen:
        return False, f"but below now: {_listed(fallen)}"
    if len(harmed) >= len(helped):
        return False, f"{len(helped)} numbers got better and {len(harmed)} fell below their bar: {_listed(harmed)}"
    return True, f"better: {_listed(helped)}"


def _listed(numbers: list[Moved]) -> str:
    more = f" and {len(numbers) - MANY} more" if len(numbers) > MANY else ""
    return "; ".join(map(_said, numbers[:MANY])) + more


def _said(moved: Moved) -> str:
    one, two = moved
    subject = " and ".join(one.measured.subject)
    name = f"{one.score.TITLE.lower()}{' of ' + subject if subject else ''}"
    return f"{name} {said(one.score, one.measured.of)} before, {said(two.score, two.measured.of)} after"
