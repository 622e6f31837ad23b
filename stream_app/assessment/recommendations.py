"""What to do about what is wrong: the column, the cause, and the command to run next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from stream_app.assessment.assessed import Assessed
from stream_app.assessment.causes import Finding, Kind
from stream_app.assessment.verdict import Mark, Outcome, Verdict

MOST_DRAWN = 1_000_000
"""More synthetic rows than this make no interval narrower that the real ones do not."""

WORTH = 1.25
"""Fewer times as many synthetic rows are not worth drawing: intervals hardly become narrower."""

LEARNS_MOST, KEEPS_NO_ROWS = "tabular.nade", "tabular.copula"
"""The model that learns most of how columns go together, and one that can not copy."""

WIDEST = 512
"""A network is not made wider than this."""


@dataclass(frozen=True)
class Source:
    """What the tables were called, and how the synthetic one came to be, so that commands can say so.

    Args:
        real: the real table's file.
        synthetic: the synthetic table's file, or the artifact's folder.
        model: the model that drew it; None where that is not known.
        rules: the rules' file.
        holdout: the holdout's file.
        settings: the model's, by name.
        seed: seeds which rows learners see.
    """

    real: Path
    synthetic: Path
    model: str | None = None
    rules: Path | None = None
    holdout: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


class Deed(StrEnum):
    """What can be done about a table."""

    TRAIN = "train"
    DRAW = "draw"
    GATHER = "gather"
    LOOK = "look again"


@dataclass(frozen=True)
class Change:
    """What is to be done, for programs.

    Args:
        deed: train an artifact, draw more rows of the one there is, gather real rows, or look at others of both tables.
        model: what is trained.
        settings: of the model, those to be set, by name.
        rules: whether it is trained with the rules.
        rows: how many rows are drawn.
    """

    deed: Deed
    model: str | None = None
    settings: tuple[tuple[str, Any], ...] = ()
    rules: bool = False
    rows: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON form."""
        form = {"deed": self.deed.value, "model": self.model, "settings": dict(self.settings)}
        return {**form, "rules": self.rules, "rows": self.rows}


@dataclass(frozen=True)
class Advice:
    """What to do.

    Args:
        subject: of which columns or rules, or "the table".
        cause: why.
        action: what it does.
        command: what to run.
        change: the same for programs.
    """

    subject: str
    cause: str
    action: str
    command: str
    change: Change

    def to_json(self) -> dict[str, Any]:
        """A JSON form."""
        return {**vars(self), "change": self.change.to_json()}


def advise(findings: Sequence[Finding], verdict: Verdict, assessed: Assessed, source: Source) -> tuple[Advice, ...]:
    """One piece of advice for each thing that is wrong, the same change once; and for a verdict that is withheld."""
    advice: dict[Change, Advice] = {}
    target = assessed.tables.ground.target
    for finding in findings:
        action, change = _of(finding, source)
        subject = " and ".join(finding.subject) or "the table"
        if change in advice:
            had = advice[change]
            names = [*had.subject.split(", "), subject]
            causes = dict.fromkeys([*had.cause.split(", "), finding.kind.value])
            advice[change] = replace(had, subject=", ".join(dict.fromkeys(names)), cause=", ".join(causes))
        else:
            command = command_of(change, source, target)
            advice[change] = Advice(subject, finding.kind.value, action, command, change)
    if verdict.outcome is Outcome.WITHHELD:
        more = _more_rows(verdict, assessed, source)
        advice[more.change] = more
    return tuple(advice.values())


def _of(finding: Finding, source: Source) -> tuple[str, Change]:
    match finding.kind:
        case Kind.RULE:
            return "train with the rules: every row then keeps them", _training(source, _own(source), with_rules=True)
        case Kind.COPIES | Kind.NEAR:
            return (
                "train a generator that keeps no rows, and assess what it draws; rows that were copied by other means "
                "are not safe to hand on",
                _training(source, KEEPS_NO_ROWS),
            )
        case Kind.EVEN | Kind.NUMBERS | Kind.SHARES | Kind.DROPPED | Kind.MISSING:
            return f"train on all rows: marginals are kept to a thousandth{_or_wider(source)}", _most(source)
        case _:
            return f"train the model that learns most of how columns go together{_or_wider(source)}", _most(source)


def _most(source: Source) -> Change:
    return _training(source, LEARNS_MOST)


def _or_wider(source: Source) -> str:
    """What to do where that may be the model there is: a file does not say what drew it."""
    return (
        ""
        if source.model is not None
        else "; where it drew this file, assess its artifact: a wider one is then advised"
    )


def _own(source: Source) -> str:
    """The model that drew the table; where that is not known, the one that learns most."""
    return LEARNS_MOST if source.model is None else source.model


def _training(source: Source, model: str, *, with_rules: bool = False) -> Change:
    """To train a model: with the rules its own, as it was, and else, where it is the one there was, a wider one."""
    settings = source.settings if model == source.model else {}
    if model == source.model == LEARNS_MOST and not with_rules:
        settings = {**settings, "width": min(2 * settings.get("width", 64), WIDEST)}
    return Change(Deed.TRAIN, model, tuple(settings.items()), source.rules is not None)


def command_of(change: Change, source: Source, target: str | None) -> str:
    """The command that makes a change.

    Args:
        change: what is to be done.
        source: what the tables are called.
        target: the column that learners predict.
    """
    name = source.real.name.split(".")[0]
    match change.deed:
        case Deed.TRAIN:
            words = ["train", str(source.real), "--out", f"{name}-2", "--model", str(change.model)]
        case Deed.DRAW:
            folder = str(source.synthetic) if source.model is not None else "ARTIFACT"
            words = ["sample", folder, "--rows", str(change.rows), "--out", f"{name}-more.csv"]
        case _:
            real = "MORE_REAL_ROWS" if change.deed is Deed.GATHER else str(source.real)
            words = ["assess", real, str(source.synthetic)]
            words += [] if source.holdout is None else ["--holdout", str(source.holdout)]
    if target is not None and change.deed is not Deed.DRAW:
        words += ["--target", target]
    if change.rules:
        words += ["--rules", str(source.rules)]
    for setting, value in change.settings:
        words += ["--set", f"{setting}={value if isinstance(value, str) else json.dumps(value)}"]
    if change.deed is Deed.LOOK:
        words += ["--seed", str(source.seed + 1)]
    return shlex.join(["synthstream", *words])


def _more_rows(verdict: Verdict, assessed: Assessed, source: Source) -> Advice:
    """Draw more, as far as that helps: intervals shrink with the smaller table, which may be the real one."""
    tables = assessed.tables
    open_ones = [each for each in verdict.marked(Mark.OPEN) if each.score.WITHHOLDS and not each.measured.subject]
    names = ", ".join(each.score.TITLE.lower() for each in open_ones)
    enough = max(each.score.rows_that_help(tables) for each in open_ones)
    cause = f"too few rows to tell: {names}"
    if WORTH * tables.synthetic.rows <= min(enough, MOST_DRAWN):
        change = Change(Deed.DRAW, rows=min(max(enough, 10_000), MOST_DRAWN))
        action = "draw more synthetic rows and assess those"
    elif any(each.score.helped_by_real_rows(tables) for each in open_ones):
        change, action = Change(Deed.GATHER), "gather more real rows: synthetic ones are enough already"
    else:
        cause = f"can not be told: {names}"
        change, action = Change(Deed.LOOK), "learners see no more rows than they did: let them see others"
    return Advice("the table", cause, action, command_of(change, source, tables.ground.target), change)
