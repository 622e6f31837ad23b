"""The tables that generators are held against each other on, and how they are split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from connectors.files import READ, read_table
from schemas.errors import InputError
from stream_app.demo import flights as packaged_flights

MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")
"""Cells that say a value is missing, to all contenders and to the judge."""

MISSING_WORD = "?"

TRAINED = 0.8
FLIGHTS = 100_000
LATE_MIN = 15
WIDE_COLUMNS, WIDE_ROWS, WIDE_VALUES = 100, 120_000, 100_000


@dataclass(frozen=True, eq=False)
class Table:
    """Real rows.

    Args:
        name: what it is called in the results.
        rows: all of them; cells of CSV are strings.
        target: the column users will learn to predict; empty for none, and then nothing is scored.
        public: columns whose values may be copied.
    """

    name: str
    rows: pa.Table
    target: str
    public: tuple[str, ...] = ()


def of_file(path: Path, target: str, public: Sequence[str]) -> Table:
    """The table of a file.

    Raises:
        InputError: it can not be read, or has no such columns; all at once.
    """
    rows = cleaned(read_table(path))
    named = {"target": (target,), "public": tuple(public)}
    faults = [
        f"--{flag} {name}: not in {path}, which has {', '.join(rows.column_names)}"
        for flag, names in named.items()
        for name in names
        if name not in rows.column_names
    ]
    if faults:
        raise InputError(*faults)
    return Table(path.name.split(".")[0], rows, target, tuple(public))


def usual(names: Sequence[str], data: Path | None) -> list[Table]:
    """The tables that benchmarks of generators usually take.

    Args:
        names: which of `USUAL`.
        data: the folder that has their files; the flights also come with a package.

    Raises:
        InputError: files that are not there, in one line.
    """
    made: list[Table] = []
    missing: list[str] = []
    for name in names:
        try:
            made.append(USUAL[name](data))
        except FileNotFoundError as error:
            missing.append(str(error))
    if missing:
        where = "--data: name the folder that has them" if data is None else f"--data {data}"
        raise InputError(f"{where}: missing {', '.join(missing)} (as {' or '.join(READ)}, or .gz or .zip of it)")
    return made


def _file(data: Path | None, stem: str) -> Path:
    """The file of a table.

    Raises:
        FileNotFoundError: there is none; its text is the stem.
    """
    endings = [ending + packed for ending in READ for packed in ("", ".gz", ".zip")]
    found = [] if data is None else [data / f"{stem}{e}" for e in endings if (data / f"{stem}{e}").exists()]
    if not found:
        raise FileNotFoundError(stem)
    return found[0]


def _adult(data: Path | None) -> Table:
    return replace(of_file(_file(data, "adult"), "income", ()), name="adult")


def _bank(data: Path | None) -> Table:
    return replace(of_file(_file(data, "bank_marketing"), "y", ()), name="bank")


def _flights(data: Path | None) -> Table:
    try:
        return late_flights(read_table(_file(data, "flights")))
    except FileNotFoundError:
        return late_flights(packaged_flights())


USUAL: dict[str, Callable[[Path | None], Table]] = {"adult": _adult, "bank": _bank, "flights": _flights}
"""By name: how the table is made."""


def late_flights(raw: pa.Table, rows: int = FLIGHTS) -> Table:
    """Flights that arrived, with whether they were late in place of by how much.

    Args:
        raw: the New York flights of 2013.
        rows: how many are drawn.
    """
    table = cleaned(raw)
    table = table.filter(table.column("arr_delay").is_valid())
    table = table.take(np.random.default_rng(0).permutation(table.num_rows)[:rows])
    delays_min: Any = pc.cast(table.column("arr_delay"), pa.float64())
    late = pc.if_else(pc.greater(delays_min, pa.scalar(LATE_MIN)), "yes", "no")
    table = table.drop_columns(["year", "time_hour", "arr_delay"]).append_column("late", late)
    return Table("flights", table, "late", ("tailnum",))


def wide(rows: int = WIDE_ROWS) -> Table:
    """A made-up table of a hundred columns: one has half its cells missing, one 100,000 values.

    Args:
        rows: how many rows.
    """
    rng = np.random.default_rng(0)
    trait = rng.normal(size=rows)
    columns: dict[str, Any] = {}
    for i in range(WIDE_COLUMNS - 2):
        mixed = trait * (i % 5) / 4 + rng.normal(size=rows)
        columns[f"n{i}" if i % 2 else f"c{i}"] = np.round(mixed, 3) if i % 2 else np.round(mixed * 2).astype(int)
    table = pa.table(columns)
    for i in range(0, WIDE_COLUMNS - 2, 2):
        words = [f"kind {value}" for value in table.column(f"c{i}").to_pylist()]
        table = table.set_column(i, f"c{i}", pa.array(words))
    place = [f"place {value}" for value in rng.permutation(np.arange(rows) % WIDE_VALUES).tolist()]
    table = table.append_column("place", pa.array(place))
    half = pa.array(np.round(trait, 2), mask=rng.random(rows) < 0.5)
    return Table("wide", table.append_column("half", half), "", ("place",))


def cleaned(table: pa.Table) -> pa.Table:
    """Without blanks around strings, and with missing cells alike: empty among numbers, a question mark among words.

    pandas takes an empty cell among words for a value that is no string, which a judge may fail to know again in what
    was drawn; then all generators are told apart by it.
    """
    for i, field in enumerate(table.schema):
        column: Any = table.column(i)
        if pa.types.is_dictionary(field.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            column = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.is_in(column, pa.array(MISSING)), None, column)
            column = column if _numeric(column) else column.fill_null(MISSING_WORD)
        table = table.set_column(i, field.name, column)
    return table


def _numeric(column: Any) -> bool:
    try:
        pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def split(table: pa.Table, rows: int | None = None) -> tuple[pa.Table, pa.Table]:
    """Four fifths to train on and the rest to judge by, always the same for the same table.

    Args:
        table: all rows.
        rows: take only so many of them.
    """
    order = np.random.default_rng(0).permutation(table.num_rows)[:rows]
    at = int(TRAINED * len(order))
    return table.take(order[:at]), table.take(order[at:])


def write_csv(table: pa.Table, path: Path) -> None:
    """Write rows as all contenders read them."""
    pacsv.write_csv(table, path)
