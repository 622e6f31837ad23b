"""Which generators suit a table, by what they declare: how much they learn, what that takes, what it needs.

No generator is named here: whatever is found in its folder takes part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Any

import generators
from generators.base import Generator
from generators.cost import Learns
from generators.fitting import FEWEST_REFERENCE_ROWS, reference_rows_of
from schemas.errors import InputError

ENOUGH: Mapping[Learns, int] = {Learns.MARGINALS: 0, Learns.PAIRS: 50, Learns.GROUPS: 1_000, Learns.ROWS: 3_000}
"""From how many rows on as much can be learned as generators of a kind can learn: with fewer they learn chance."""

BY_GPU = 5.0
"""A GPU fits so many times as fast, roughly."""

DRAWING = 0.1
"""This part of the time may go into the rows of its own that a generator is measured on."""

PART = 0.25
"""A generator that can be told when to stop is of use from this part of the time it would like."""

MAX_SECONDS = "max_seconds"
"""The setting by which a generator is told when to stop."""

LEARNED: Mapping[Learns, str] = {
    Learns.MARGINALS: "each column by itself",
    Learns.PAIRS: "how pairs of columns go together",
    Learns.GROUPS: "which kinds of rows there are",
    Learns.ROWS: "how whole rows go together",
}


@dataclass(frozen=True)
class Facts:
    """What a choice depends on.

    Args:
        rows: rows of the table.
        columns: columns that are learned.
        many_values: categories of more values than models have cells for.
        missing_share: the share of cells that are missing.
        target: whether learners will predict a column.
        torch: whether torch is installed.
        gpu: whether a GPU may be used, and is there.
        cores: how many there are.
        reference_rows: how many of its own rows a generator is measured on in the end; None for what it draws quickly.
    """

    rows: int
    columns: int
    many_values: int = 0
    missing_share: float = 0.0
    target: bool = False
    torch: bool = True
    gpu: bool = False
    cores: int = 1
    reference_rows: int | None = None


@dataclass(frozen=True)
class Suited:
    """A generator, and how it suits.

    Args:
        name: its name.
        learns: how much it can learn.
        expected_s: about how long all of training takes.
        settings: what it is told of the time there is.
        against: why it is not chosen; "" where nothing speaks against it.
        wanted_s: about how long training would take that nothing ends early.
    """

    name: str
    learns: Learns
    expected_s: float
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    against: str = ""
    wanted_s: float = 0.0


def suited(facts: Facts, budget_s: float) -> tuple[Suited, ...]:
    """All generators, the most suitable first; those that something speaks against stand last.

    What the rows are enough for goes first, and of two that learn as much the quicker one, also where both are ended
    early: it comes farther.

    Args:
        facts: the table and the machine.
        budget_s: how long all of training may take.
    """
    found = [_suited(name, generators.load(name), facts, budget_s) for name in generators.names()]
    able = max(learns for learns, rows in ENOUGH.items() if facts.rows >= rows)
    return tuple(sorted(found, key=lambda each: (each.against != "", abs(able - each.learns), each.wanted_s)))


def _suited(name: str, generator: type[Generator], facts: Facts, budget_s: float) -> Suited:
    overhead = drawing_s(generator, facts, budget_s)
    expected = fitting_s(generator, facts) + overhead
    stops = stops_in_time(generator)
    settings = {MAX_SECONDS: round(max(budget_s - overhead - generator.COST.start_s, 1.0), 1)} if stops else {}
    if stops:
        settings = {MAX_SECONDS: min(settings[MAX_SECONDS], generator.SETTINGS[MAX_SECONDS])}
    against = _against(generator, facts, budget_s)
    within = min(expected, budget_s) if stops else expected
    return Suited(name, generator.LEARNS, within, settings, against, expected)


def stops_in_time(generator: type[Generator]) -> bool:
    """Whether it can be told when all of its training is to end."""
    return MAX_SECONDS in generator.SETTINGS and generator.STOPS


def _against(generator: type[Generator], facts: Facts, budget_s: float) -> str:
    if generator.NEEDS_TORCH and not facts.torch:
        return "needs torch, which is not installed (pip install 'synthstream[nn]')"
    if facts.rows < generator.FEWEST_ROWS:
        return f"needs {generator.FEWEST_ROWS:,} rows"
    least = least_s(generator, facts)
    return f"needs about {ceil(least):,} s at the least" if least > budget_s else ""


def least_s(generator: type[Generator], facts: Facts) -> float:
    """The least time in which fitting is of use, drawing its own rows among it; no start is shorter for a short fit."""
    start, whole = generator.COST.start_s, fitting_s(generator, facts)
    part = PART if stops_in_time(generator) else 1.0
    return start + part * (whole - start) + drawing_s(generator, facts, 0.0)


def fitting_s(generator: type[Generator], facts: Facts) -> float:
    """About how long fitting takes, its start among it; a category of very many values counts for two columns."""
    start, whole = generator.COST.start_s, generator.COST.seconds(facts.rows, facts.columns + facts.many_values)
    return start + (whole - start) / (BY_GPU if facts.gpu and generator.ACCELERATES else 1.0)


def drawing_s(generator: type[Generator], facts: Facts, budget_s: float) -> float:
    """About how long the generator's own rows take, on which it is measured."""
    return generator.COST.drawing_s(drawn_rows(generator, facts, budget_s), facts.columns) / facts.cores


def drawn_rows(generator: type[Generator], facts: Facts, budget_s: float) -> int:
    """How many of its own rows it is measured on: what was asked for, or what takes its part of the time."""
    if facts.reference_rows is not None:
        return facts.reference_rows
    rows = DRAWING * budget_s * facts.cores / generator.COST.drawing_s(1, facts.columns)
    return int(min(max(rows, FEWEST_REFERENCE_ROWS), reference_rows_of(generator, facts.columns)))


def able_to(found: tuple[Suited, ...], facts: Facts, budget_s: float) -> tuple[Suited, ...]:
    """Those that nothing speaks against.

    Raises:
        InputError: there are none; says the smallest budget that works, where one does.
    """
    able = tuple(each for each in found if not each.against)
    if able:
        return able
    usable = (generators.load(each.name) for each in found)
    least = [
        least_s(generator, facts)
        for generator in usable
        if facts.rows >= generator.FEWEST_ROWS and (facts.torch or not generator.NEEDS_TORCH)
    ]
    if not least:
        raise InputError(f"model=auto: no generator suits a table of {facts.rows:,} rows; name one with --model")
    asked = (
        f" with reference_rows={facts.reference_rows:,}; fewer take less" if facts.reference_rows is not None else ""
    )
    raise InputError(
        f"max_seconds={budget_s:g}: too little to train anything on {facts.rows:,} rows of {facts.columns} columns; "
        f"the smallest that works is {ceil(min(least))}{asked}"
    )
