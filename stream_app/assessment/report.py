"""An assessment for people at a terminal, and for programs."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitors.estimate import Estimate
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.causes import Finding
from stream_app.assessment.recommendations import Advice, Source
from stream_app.assessment.score import Score
from stream_app.assessment.verdict import EXIT_CODES, Judged, Mark, Outcome, Verdict, figure, headline, needed

STYLES = {Outcome.PASSED: "bold green", Outcome.BELOW: "bold red", Outcome.WITHHELD: "bold yellow"}
MARKS = {Mark.MET: "green", Mark.BELOW: "red", Mark.OPEN: "yellow", Mark.SHOWN: "dim"}
WIDE = 110
"""Lines of prose are no longer."""

TO = "\N{EN DASH}"


@dataclass(frozen=True, eq=False)
class Report:
    """All that is said of a table.

    Args:
        assessed: the numbers.
        verdict: what is thought of them.
        findings: what is wrong.
        advice: what to do.
        source: what the tables are called.
    """

    assessed: Assessed
    verdict: Verdict
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]
    source: Source

    @property
    def why(self) -> list[str]:
        """Why the verdict is what it is, a line each."""
        return headline(self.verdict, self.assessed)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        tables = self.assessed.tables
        sides = {"real": tables.real, "synthetic": tables.synthetic, "holdout": tables.holdout}
        return {name: side.rows for name, side in sides.items() if side is not None}

    def to_json(self) -> dict[str, Any]:
        """One JSON value with everything."""
        scores = [
            {
                **each.measured.to_json(),
                "bar": None if each.bar is None else round(each.bar, 6),
                "mark": each.mark.value,
            }
            for each in self.verdict.judged
        ]
        return {
            "verdict": self.verdict.outcome.value,
            "exit_code": EXIT_CODES[self.verdict.outcome],
            "why": self.why,
            "rows": self.rows,
            "limits": asdict(self.verdict.limits),
            "scores": scores,
            "findings": [{**asdict(each), "kind": each.kind.value} for each in self.findings],
            "advice": [each.to_json() for each in self.advice],
            "lacking": dict(self.assessed.lacking),
            "notes": list(self.assessed.tables.notes),
        }


def value_said(score: Score, of: Estimate | None) -> str:
    """A number without its interval, for people."""
    return "" if of is None else figure(score, of.value) + ("" if score.LIMIT == "c2st" else " %")


def interval_said(score: Score, of: Estimate) -> str:
    """The ends of a number's interval, for people."""
    return f"{figure(score, of.low)}{TO}{figure(score, of.high)}"


def beside(each: Judged) -> str:
    """What stands beside a number for comparison: the holdout's, or how well real rows teach."""
    facts = each.measured.facts
    return f"real {facts['trtr']:.3f}" if "trtr" in facts else value_said(each.score, each.measured.holdout)


def parts_said(each: Judged, verdict: Verdict) -> str:
    """How many of a score's columns, pairs or rules are below, or can not be told."""
    counts = {mark: verdict.counts[each.score.NAME, mark.value] for mark in Mark}
    whole = sum(counts.values())
    if not whole or each.score.LIMIT is None:
        return ""
    said_open = f", {counts[Mark.OPEN]} open" if counts[Mark.OPEN] else ""
    return f"{counts[Mark.BELOW]} of {whole}{said_open}"


def print_report(report: Report) -> None:
    """Print the verdict and why, the scores, what is wrong and what to do."""
    console, outcome = Console(width=None), report.verdict.outcome
    rows = ", ".join(f"{count:,} {name}" for name, count in report.rows.items())
    console.print(
        Text.assemble((outcome.value.upper(), STYLES[outcome]), f"  {report.source.synthetic}  ({rows} rows)")
    )
    for line in report.why:
        _wrapped(console, line)
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for heading in ("score", "value", "95 % interval", "holdout", "bar", "", "parts below"):
        table.add_column(heading, no_wrap=heading != "parts below")
    for each in report.verdict.table:
        mark = Text(each.mark.value, style=MARKS[each.mark])
        bar = needed(each).replace("at least", "≥").replace("at most", "≤").replace("shown only", "")
        value, ends = value_said(each.score, each.measured.of), interval_said(each.score, each.measured.of)
        table.add_row(each.score.TITLE, value, ends, beside(each), bar, mark, parts_said(each, report.verdict))
    console.print(table)
    _findings(console, report)
    _notes(console, report)


def _findings(console: Console, report: Report) -> None:
    if report.findings:
        console.print(Text("\nWhat is wrong", style="bold"))
        for each in report.findings:
            subject = " and ".join(each.subject)
            _wrapped(console, f"{each.kind.value}{': ' + subject if subject else ''}: {each.text}.")
    if report.advice:
        console.print(Text("\nWhat to do", style="bold"))
        for one in report.advice:
            subject = f"{one.subject} ({one.cause})" if one.subject else one.cause
            _wrapped(console, f"{subject}: {one.action}.")
            console.print(Text(f"    $ {one.command}", style="cyan"), soft_wrap=True)


def _notes(console: Console, report: Report) -> None:
    lacking = [f"Not had: {name}, which {why}." for name, why in report.assessed.lacking.items()]
    if lacking or report.assessed.tables.notes:
        console.print()
    for line in (*report.assessed.tables.notes, *lacking):
        _wrapped(console, line, style="dim")


def _wrapped(console: Console, line: str, style: str = "") -> None:
    wide = min(console.width, WIDE)
    console.print(Text(textwrap.fill(line, wide, initial_indent="  ", subsequent_indent="    "), style=style))
