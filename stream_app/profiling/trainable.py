"""Which of a table's candidate rules training would take, and how to ask for them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generators.constraints.rows import check_rules
from schemas.errors import InputError
from schemas.profiling.candidates import Candidate
from schemas.profiling.survey import Survey
from schemas.rules import Rule


@dataclass(frozen=True, eq=False)
class Profiled:
    """A survey, with what training would do by it.

    Args:
        survey: what was found.
        table: the file, as the user named it.
        refused: by name of a rule that training would not take, alone or beside those before it, why.
        flags: what the user said of the columns, as flags of `train`.
    """

    survey: Survey
    table: Path
    refused: Mapping[str, str]
    flags: tuple[str, ...] = ()

    @property
    def trainable(self) -> tuple[Candidate, ...]:
        """The rules that training takes together."""
        return tuple(each for each in self.survey.candidates if each.rule.name not in self.refused)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.survey.study.schema.name

    def command(self, rules: Path | None) -> str:
        """The command that trains by what was found.

        Args:
            rules: the file that the rules were written to, if they were.
        """
        name = self.name
        asked = () if rules is None else ("--rules", str(rules))
        dropped = [word for each in self.survey.empty for word in ("--policy", f"{each}=drop")]
        return shlex.join(["synthstream", "train", str(self.table), "--out", name, *self.flags, *dropped, *asked])


def profiled(survey: Survey, table: Path, flags: Sequence[str] = ()) -> Profiled:
    """Find out which candidate rules training takes together, going through them in their order.

    Args:
        survey: the table.
        table: its file.
        flags: what the user said of the columns.
    """
    kept: list[Rule] = []
    refused: dict[str, str] = {}
    for each in survey.candidates:
        try:
            check_rules([*kept, each.rule], survey.study.schema)
        except InputError as error:
            refused[each.rule.name] = error.faults[0]
        else:
            kept.append(each.rule)
    return Profiled(survey, table, refused, tuple(flags))


def line_of(form: Mapping[str, Any]) -> str:
    """A rule as a line of a rules' file.

    >>> line_of({"rule": "ordered", "columns": ["placed", "shipped"]})
    '- {rule: ordered, columns: [placed, shipped]}'
    """
    text = yaml.safe_dump(dict(form), default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return f"- {text.strip()}"


def rules_file(report: Profiled) -> str:
    """The rules that training takes together, as a file for `--rules`."""
    head = [
        f"# Rules that rows of {report.table.name} keep; drop those that hold by accident.",
        f"# {report.command(Path('THIS FILE'))}",
    ]
    lines = []
    for each in report.trainable:
        lines.append(f"# kept by {share_said(each)} of the rows: {' '.join(each.rule.text.split())}")
        lines.append(line_of(each.form))
    return "\n".join([*head, *lines]) + "\n"


def share_said(each: Candidate) -> str:
    """The share of rows that keep a rule; all only where not one breaks it."""
    return "all" if not each.broken else f"{min(each.kept, 0.9999):.2%}"
