"""The safe marginals of a table: what each column holds, without any value that fewer than five rows share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError
from schemas.formats import TextFormat, format_of
from schemas.knots import Marginal, marginal_of
from schemas.numeric import NUMERIC_KINDS, as_numbers
from schemas.rows import Rows
from schemas.table import MIN_SHARED_ROWS, Column, Kind, Role, TableSchema

PROFILE_FORMAT = 1
"""Version of the JSON form written by `Profile.to_json`."""

OTHER = "other"
"""What a category column says when no value at all is shared by five rows."""

LARGEST_KEY = 10**17
"""Real keys from here on leave no room above them; surrogate keys then start at `LOWEST_KEY`."""

LOWEST_KEY = -9 * 10**18


@dataclass(frozen=True)
class ColumnProfile:
    """The marginal of one column.

    Numbers, dates (days) and timestamps (integers of their unit) have knots: a draw is a knot with probability
    `atoms`, or lies strictly between two neighbouring knots with probability `inside`, spread evenly over the
    multiples of `step` there. Categories and booleans have values; surrogate columns have a format.
    All probabilities are those of a value that is present.

    Args:
        name: the column.
        rows: how many rows were profiled.
        nulls: how many of them have no value.
        distinct: how many distinct values the others hold.
        knots: strictly increasing, at most 1,000.
        atoms: the probability of each knot, shape (knots,).
        inside: the probability strictly between neighbouring knots, shape (knots - 1,).
        step: the distance between neighbouring values; 0 when every double may occur.
        values: the values shared by five rows or more (all when public), the most frequent first.
        shares: their probabilities, summing to 1.
        rest: the share of the values that were pooled away before `shares` were renormalised; never drawn.
        text: the format of a surrogate column.
        key_base: where surrogate keys start: above every real key.
    """

    name: str
    rows: int
    nulls: int
    distinct: int
    knots: tuple[float, ...] = ()
    atoms: tuple[float, ...] = ()
    inside: tuple[float, ...] = ()
    step: float = 0.0
    values: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    rest: float = 0.0
    text: TextFormat | None = None
    key_base: int | None = None

    @property
    def null_share(self) -> float:
        """The share of rows without a value."""
        return self.nulls / self.rows if self.rows else 0.0

    @cached_property
    def interior(self) -> npt.NDArray[np.float64]:
        """How many values lie strictly between neighbouring knots, shape (knots - 1,); needs a step."""
        return np.rint(np.diff(self.knots) / self.step) - 1

    def mass_below(self, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The probability of a value below each edge, shape (edges,).

        >>> die = ColumnProfile("die", 60, 0, 6, (1.0, 6.0), (1 / 6, 1 / 6), (4 / 6,), step=1.0)
        >>> die.mass_below(np.array([1.0, 1.5, 4.0, 7.0])).round(4).tolist()
        [0.0, 0.1667, 0.5, 1.0]
        """
        knots, atoms, inside = np.array(self.knots), np.array(self.atoms), np.array(self.inside)
        below = np.concatenate([[0.0], np.cumsum(atoms + np.append(inside, 0.0))])  # (knots + 1,)
        j = np.searchsorted(knots, edges, side="left") - 1  # the last knot below the edge
        at = np.clip(j, 0, len(knots) - 1)
        into = edges - knots[at]
        if len(inside) == 0:
            part = np.zeros(len(edges))
        else:
            gap = np.minimum(at, len(inside) - 1)
            if self.step > 0:
                passed = np.ceil(into / self.step - 1e-6) - 1
                part = np.clip(passed / np.maximum(self.interior[gap], 1.0), 0, 1) * inside[gap]
            else:
                part = np.clip(into / np.diff(knots)[gap], 0, 1) * inside[gap]
        inner = np.where(at < len(inside), part, 0.0)
        return np.clip(np.where(j < 0, 0.0, below[at] + atoms[at] + inner), 0.0, 1.0)

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> ColumnProfile:
        """Read one column of what `Profile.to_json` wrote."""
        listed = {k: tuple(form[k]) for k in ("knots", "atoms", "inside", "values", "shares")}
        text = None if form["text"] is None else TextFormat.from_json(form["text"])
        return cls(**{**form, **listed, "text": text})


@dataclass(frozen=True)
class Profile:
    """The marginals of a whole table.

    Args:
        rows: how many rows were profiled.
        columns: one profile a column, in the table's order.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]

    def __iter__(self) -> Iterator[ColumnProfile]:
        return iter(self.columns)

    @cached_property
    def _by_name(self) -> dict[str, ColumnProfile]:
        return {column.name: column for column in self.columns}

    def __getitem__(self, name: str) -> ColumnProfile:
        try:
            return self._by_name[name]
        except KeyError:
            raise InputError(f"column={name!r}: not in the profile; it has {', '.join(self._by_name)}") from None

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back to an equal value."""
        return {"format": PROFILE_FORMAT, **json.loads(json.dumps(asdict(self)))}

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Profile:
        """Read what `to_json` wrote.

        Raises:
            InputError: a newer format than this program knows.
        """
        if form["format"] > PROFILE_FORMAT:
            raise InputError(f"profile format={form['format']}: this program reads up to {PROFILE_FORMAT}; upgrade it")
        return cls(form["rows"], tuple(ColumnProfile.from_json(column) for column in form["columns"]))


def profile_table(table: pa.Table, schema: TableSchema) -> Profile:
    """Profile every column of a table that is in memory; see `profile_rows`."""
    return profile_rows(Rows.of(table), schema)


def profile_rows(rows: Rows, schema: TableSchema) -> Profile:
    """Profile every column.

    Of a long table, values are counted in the rows that are drawn of it: what five of these share, five rows of the
    table share. Columns whose values are invented are read whole, since no value that is there may be drawn.

    Args:
        rows: the real rows, cast to `schema.arrow_schema`.
        schema: what the columns are.

    Raises:
        InputError: a key or identifier that is neither integer nor string.
    """
    whole = rows.whole(schema.surrogates)
    columns = ((whole if c.is_surrogate else rows.table).column(c.name) for c in schema)
    return Profile(rows.table.num_rows, tuple(map(_profile_column, columns, schema)))


def _profile_column(array: pa.ChunkedArray[Any], column: Column) -> ColumnProfile:
    if column.is_surrogate:
        return _profile_surrogate(array, column)
    if column.kind in NUMERIC_KINDS:
        values, present = as_numbers(column, array)
        marginal: Marginal = marginal_of(values[present], column)
        return ColumnProfile(
            column.name,
            len(values),
            int(len(values) - present.sum()),
            marginal.distinct,
            marginal.knots,
            marginal.atoms,
            marginal.inside,
            marginal.step,
        )
    return _profile_values(array, column)


def value_counts(array: pa.ChunkedArray[Any]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct present values as text and how many rows hold each, the most frequent first, ties by value."""
    counted = pc.value_counts(array.cast(pa.string()).combine_chunks().drop_null())
    table = pa.table({"value": counted.field("values"), "rows": counted.field("counts")})
    ranked = table.sort_by([("rows", "descending"), ("value", "ascending")])
    return [str(v) for v in ranked["value"].to_pylist()], ranked["rows"].to_numpy().astype(np.int64)


def _profile_values(array: pa.ChunkedArray[Any], column: Column) -> ColumnProfile:
    values, counts = value_counts(array)
    kept = int((counts >= (1 if column.public else MIN_SHARED_ROWS)).sum())
    total, drawn = int(counts.sum()), int(counts[:kept].sum())
    neutral = "false" if column.kind is Kind.BOOLEAN else OTHER
    return ColumnProfile(
        column.name,
        len(array),
        array.null_count,
        len(values),
        values=tuple(values[:kept]) if kept else (neutral,),
        shares=tuple((counts[:kept] / drawn).tolist()) if kept else (1.0,),
        rest=1.0 - drawn / total if total else 1.0,
    )


def _profile_surrogate(array: pa.ChunkedArray[Any], column: Column) -> ColumnProfile:
    if column.kind not in (Kind.INTEGER, Kind.TEXT, Kind.CATEGORY):
        raise InputError(f"{column.name}.role={column.role}: must be on an integer or string column, not {column.kind}")
    values, counts = value_counts(array)
    return ColumnProfile(
        column.name,
        len(array),
        array.null_count,
        len(values),
        text=None if column.role is Role.KEY else format_of(values, counts.tolist()),
        key_base=_key_base(values) if column.role is Role.KEY else None,
    )


def _key_base(values: list[str]) -> int:
    numbers = [abs(int(v)) for v in values if len(v) < 20 and v.lstrip("-").isdecimal()]
    digits = len(str(max(numbers, default=0)))
    return LOWEST_KEY if digits > len(str(LARGEST_KEY)) - 1 else 10**digits
