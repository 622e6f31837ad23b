"""What was found of a table, for people at a terminal."""

from __future__ import annotations

import textwrap
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.profiling.cautions import Matter
from schemas.profiling.fates import Fate
from schemas.profiling.spread import Spread
from schemas.profiling.survey import Survey
from schemas.table import Column, Role
from stream_app.profiling.trainable import Profiled, share_said

WIDE = 110
"""Lines of prose are no longer."""

ROOMY = 110
"""Terminals that are narrower are told less of each column."""

MOST_COLUMNS = 60
MOST_TIES = 8
MOST_DEPENDENCIES = 8
MOST_RULES = 15

BLOCKS = " ▁▂▃▄▅▆▇█"
GRAVE = frozenset({Matter.EMPTY, Matter.LEAK})
FATES = {
    Fate.MODELLED: "",
    Fate.FAKED: "cyan",
    Fate.INVENTED: "cyan",
    Fate.MASKED: "cyan",
    Fate.COPIED: "red",
    Fate.DROPPED: "dim",
}


def print_profile(report: Profiled, rules: Path | None, console: Console | None = None) -> None:
    """Print what was found.

    Args:
        report: what was found.
        rules: the file that the rules were written to, if they were.
        console: where to.
    """
    console = Console() if console is None else console
    survey = report.survey
    study = survey.study
    searched = f"; searched in {study.count:,}" if study.count < study.rows.count else ""
    rows = f"{study.rows.count:,} rows, {len(study.schema.columns) + len(survey.empty)} columns{searched}"
    console.print(Text.assemble((study.schema.name, "bold"), f"  {rows}"))
    _cautions(console, survey)
    _columns(console, survey)
    _missing(console, survey)
    _together(console, survey)
    _target(console, survey)
    _rules(console, report)
    _delicate(console, survey)
    console.print(Text("\nWhat to run", style="bold"))
    console.print(Text(f"    $ {report.command(rules)}", style="cyan"), soft_wrap=True)


def _cautions(console: Console, survey: Survey) -> None:
    if not survey.cautions:
        return
    _heading(console, "Look at this first")
    for each in survey.cautions:
        named = ", ".join(each.columns)
        style = "red" if each.matter in GRAVE else "yellow"
        _wrapped(console, f"{each.matter.value}{': ' + named if named else ''}: {each.text}.", style)
        _wrapped(console, f"  {each.action}", "dim")


def _columns(console: Console, survey: Survey) -> None:
    _heading(console, "Columns")
    narrow = console.width < ROOMY
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("")
    longest = max((len(name) for name in survey.study.schema.names[:MOST_COLUMNS]), default=0)
    most, blocks = (18, 8) if narrow else (28, 16)
    table.add_column("column", no_wrap=True, min_width=min(longest, most), max_width=most)
    kinds = max((len(_kind(survey, column)) for column in survey.study.schema.columns[:MOST_COLUMNS]), default=0)
    table.add_column("kind", no_wrap=True, min_width=min(kinds, 13), max_width=14 if narrow else 24)
    table.add_column("missing", justify="right", no_wrap=True, min_width=7)
    table.add_column("distinct", justify="right", no_wrap=True, min_width=8)
    table.add_column("spread", no_wrap=True, min_width=blocks)
    table.add_column("typical", no_wrap=True)
    fates = {each.column: each for each in survey.fates}
    for column in survey.study.schema.columns[:MOST_COLUMNS]:
        known, spread, treated = survey.study.profile[column.name], survey.spreads[column.name], fates[column.name]
        modelled = treated.fate is Fate.MODELLED
        typical = Text("" if modelled else f"{treated.fate.value} ", style=FATES[treated.fate])
        table.add_row(
            Text("" if treated.delicate is None else "!", style="yellow"),
            Text(column.name),
            _kind(survey, column),
            f"{known.null_share:.1%}" if known.nulls else "",
            f"{known.distinct:,}",
            sparkline(spread, blocks),
            typical.append(_typical(spread, narrow), style=""),
        )
    console.print(table)
    more = len(survey.study.schema.columns) - MOST_COLUMNS
    if more > 0:
        _wrapped(console, f"and {more} more columns: --json and --page have them all", "dim")


def _kind(survey: Survey, column: Column) -> str:
    unit = survey.units.get(column.name)
    said = column.semantic or (f"{column.kind.value}, {unit}" if unit else column.kind.value)
    return said if column.role is Role.ATTRIBUTE else f"{said} ({column.role.value.replace('_', ' ')})"


def sparkline(spread: Spread, most: int = 16) -> str:
    """Bins or values as blocks of so many heights.

    >>> sparkline(Spread({}, edges=(0, 1, 2), counts=(5, 40)))
    '▁█'
    """
    counts = list(spread.counts) if spread.edges else [rows for _, rows in spread.values]
    if len(counts) > most:
        step = -(-len(counts) // most) if spread.edges else 1
        counts = [sum(counts[i : i + step]) for i in range(0, len(counts), step)][:most]
    highest = max(counts, default=0)
    if not highest:
        return ""
    return "".join(BLOCKS[0 if not c else max(1, round(8 * c / highest))] for c in counts)


def _typical(spread: Spread, narrow: bool) -> str:
    if spread.quantiles:
        low, middle, high = (_short(spread.quantiles[level]) for level in ("5", "50", "95"))
        around = f"{middle} ({low} to {high})"
        return around if narrow else f"{around}, {spread.shape}"
    whole = max(sum(rows for _, rows in spread.values) + spread.others, 1)
    listed = [f"{_short(value, 14)} {rows / whole:.0%}" for value, rows in spread.values[: 1 if narrow else 3]]
    return ", ".join(listed) or spread.shape


def _short(text: str, most: int = 16) -> str:
    return text if len(text) <= most else text[:10] if text[:4].isdigit() else f"{text[: most - 1]}…"


def _missing(console: Console, survey: Survey) -> None:
    gaps = survey.gaps
    if not gaps.shares:
        return
    _heading(console, "Where values are missing")
    for pattern in gaps.patterns[:6]:
        named = ", ".join(pattern.columns) or "nothing"
        share = min(max(pattern.share, 0.001), 0.999)  # neither none nor all: others look otherwise
        _wrapped(console, f"{share:6.1%}  {named}")
    for told in gaps.told[:4]:
        _wrapped(console, f"{told.by} tells where {told.column} is missing (strength {told.strength:.2f})", "dim")


def _together(console: Console, survey: Survey) -> None:
    if survey.ties:
        _heading(console, "What goes together")
        for tie in survey.ties[:MOST_TIES]:
            rank = "" if tie.rank is None else f", {'rising' if tie.rank > 0 else 'falling'} {abs(tie.rank):.2f}"
            bar = "█" * max(1, round(10 * tie.strength))
            _wrapped(console, f"{bar:10} {tie.strength:.2f}  {tie.columns[0]} and {tie.columns[1]}{rank}")
        more = len(survey.ties) - MOST_TIES
        if more > 0:
            _wrapped(console, f"and {more} weaker pairs", "dim")
    if survey.dependencies or survey.keys:
        _heading(console, "What settles what")
    for key in survey.keys[:4]:
        _wrapped(console, f"{' + '.join(key.columns)} identifies rows")
    for each in survey.dependencies[:MOST_DEPENDENCIES]:
        _wrapped(console, f"{' + '.join(each.given)} settles {each.column} ({each.kept:.2%})")
    more = len(survey.dependencies) - MOST_DEPENDENCIES
    if more > 0:
        _wrapped(console, f"and {more} more", "dim")


def _target(console: Console, survey: Survey) -> None:
    target = survey.target
    if target is None:
        return
    _heading(console, f"What tells of {target.column}")
    if target.shares:
        _wrapped(console, "classes: " + ", ".join(f"{value} {share:.1%}" for value, share in target.shares))
    for name, told in target.predictors[:6]:
        _wrapped(console, f"{told:6.1%}  {name}")


def _rules(console: Console, report: Profiled) -> None:
    if not report.survey.candidates:
        return
    _heading(console, "Rules that rows keep (candidates for --rules)")
    for each in report.survey.candidates[:MOST_RULES]:
        refused = " (training would not take it)" if each.rule.name in report.refused else ""
        _wrapped(
            console, f"{share_said(each):>6}  {' '.join(each.rule.text.split())}{refused}", "dim" if refused else ""
        )
    more = len(report.survey.candidates) - MOST_RULES
    if more > 0:
        _wrapped(console, f"and {more} more: --rules FILE writes them all, ready for training", "dim")


def _delicate(console: Console, survey: Survey) -> None:
    found = [each for each in survey.fates if each.delicate is not None]
    if not found:
        return
    _heading(console, "Delicate columns")
    for each in found:
        assert each.delicate is not None
        _wrapped(console, f"{each.column}: {each.delicate.value}; {each.fate.value}: {each.why}")
        if each.change:
            _wrapped(console, f"  otherwise: {each.change}", "dim")


def _heading(console: Console, words: str) -> None:
    console.print(Text(f"\n{words}", style="bold"))


def _wrapped(console: Console, line: str, style: str = "") -> None:
    wide = min(console.width, WIDE)
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    filled = textwrap.fill(line.strip(), wide, initial_indent=indent, subsequent_indent=f"{indent}  ")
    console.print(Text(filled, style=style))
