"""What to do about what is wrong: the column, the cause, and the command to run next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream_app.assessment.assessed import Assessed
from stream_app.assessment.causes import Finding, Kind
from stream_app.assessment.verdict import Mark, Outcome, Verdict

MOST_DRAWN = 1_000_000
"""More synthetic rows than this make no interval narrower that the real ones do not."""


@dataclass(frozen=True)
class Source:
    """What the tables were called, so that commands can name them.

    Args:
        real: the real table's file.
        synthetic: the synthetic table's file, or the artifact's folder.
        model: the model that drew it; None where that is not known.
        rules: the rules' file.
        holdout: the holdout's file.
    """

    real: Path
    synthetic: Path
    model: str | None = None
    rules: Path | None = None
    holdout: Path | None = None


@dataclass(frozen=True)
class Advice:
    """What to do.

    Args:
        subject: of which columns or rules, or "the table".
        cause: why.
        action: what it does.
        command: what to run.
    """

    subject: str
    cause: str
    action: str
    command: str


def advise(findings: Sequence[Finding], verdict: Verdict, assessed: Assessed, source: Source) -> tuple[Advice, ...]:
    """One piece of advice for each thing that is wrong, the same command once; and for a verdict that is withheld."""
    advice: dict[str, Advice] = {}
    for finding in findings:
        action, command = _of(finding, assessed, source)
        subject = " and ".join(finding.subject) or "the table"
        if command in advice:
            had = advice[command]
            names = [*had.subject.split(", "), subject]
            causes = dict.fromkeys([*had.cause.split(", "), finding.kind.value])
            advice[command] = Advice(", ".join(dict.fromkeys(names)), ", ".join(causes), had.action, command)
        else:
            advice[command] = Advice(subject, finding.kind.value, action, command)
    if verdict.outcome is Outcome.WITHHELD:
        more = _more_rows(verdict, assessed, source)
        advice[more.command] = more
    return tuple(advice.values())


def _of(finding: Finding, assessed: Assessed, source: Source) -> tuple[str, str]:
    match finding.kind:
        case Kind.RULE:
            return "train with the rules: every row then keeps them", _train(assessed, source, rules=True)
        case Kind.COPIES | Kind.NEAR:
            return (
                "train a generator that keeps no rows, and assess what it draws; rows that were copied by other means "
                "are not safe to hand on",
                _train(assessed, source, model="tabular.copula"),
            )
        case Kind.EVEN | Kind.NUMBERS | Kind.SHARES | Kind.DROPPED | Kind.MISSING:
            return "train on all rows: marginals are kept to a thousandth", _train(assessed, source)
        case _:
            return "train the model that learns most of how columns go together", _train(assessed, source)


def _train(assessed: Assessed, source: Source, *, model: str = "tabular.nade", rules: bool = False) -> str:
    if rules and source.model is not None:
        model = source.model
    words = ["synthstream", "train", str(source.real), "--out", f"{_plain(source)}-2", "--model", model]
    if assessed.tables.ground.target is not None:
        words += ["--target", assessed.tables.ground.target]
    if source.rules is not None:
        words += ["--rules", str(source.rules)]
    if model == source.model == "tabular.nade" and not rules:
        words += ["--set", "width=128"]
    return shlex.join(words)


def _plain(source: Source) -> str:
    return source.real.name.split(".")[0]


def _more_rows(verdict: Verdict, assessed: Assessed, source: Source) -> Advice:
    """Draw more, as far as that helps: intervals shrink with the smaller table, which may be the real one."""
    tables = assessed.tables
    open_ones = [each for each in verdict.marked(Mark.OPEN) if each.score.WITHHOLDS and not each.measured.subject]
    names = ", ".join(each.score.TITLE.lower() for each in open_ones)
    real = min(side.rows for side in (tables.real, tables.holdout) if side is not None)
    cause = f"too few rows to tell: {names}"
    if tables.synthetic.rows < min(4 * real, MOST_DRAWN):
        rows = min(max(4 * real, 10_000), MOST_DRAWN)
        folder = str(source.synthetic) if source.model is not None else "ARTIFACT"
        out = f"{_plain(source)}-more.csv"
        words = ["synthstream", "sample", folder, "--rows", str(rows), "--out", out]
        return Advice("the table", cause, "draw more synthetic rows and assess those", shlex.join(words))
    words = ["synthstream", "assess", "MORE_REAL_ROWS", str(source.synthetic)]
    if source.holdout is not None:
        words += ["--holdout", str(source.holdout)]
    if tables.ground.target is not None:
        words += ["--target", tables.ground.target]
    return Advice("the table", cause, "gather more real rows: synthetic ones are enough already", shlex.join(words))
