"""The raw cells of a column: distinct texts, which of them mean nothing is there, and what the others mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.table import Column, Kind
from schemas.times import ISO_DATE, ISO_TIMESTAMP, parse_times

NULL_TOKENS = ("", "NA", "NaN", "nan", "null", "NULL", "None", "?", "N/A", "n/a", "\\N")
"""Texts that mean a missing value."""

LOOKS_INTEGER = r"^-?[0-9]+$"
LOOKS_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class Cells:
    """A column of text by its distinct values.

    Args:
        values: the distinct texts, without null.
        codes: (rows,) int32 indices into `values`; null where the table has null.
    """

    values: pa.Array[Any]
    codes: pa.Array[Any]

    @classmethod
    def of(cls, column: pa.ChunkedArray[Any]) -> Cells:
        """Encode a column of strings, or of dictionaries of strings."""
        encoded: Any = column.cast(pa.string()).dictionary_encode().combine_chunks()
        return cls(encoded.dictionary, encoded.indices)

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows hold each value, shape (values,)."""
        present = np.asarray(self.codes.drop_null())
        return np.bincount(present, minlength=len(self.values))

    def first(self, among: npt.NDArray[np.bool_]) -> tuple[int, str]:
        """The first row, counted from 1, that holds one of some values, and the value.

        Args:
            among: (values,) which values; some row holds one of them.
        """
        places = np.asarray(self.codes.fill_null(len(self.values)))
        row = int(np.argmax(np.append(among, False)[places]))
        return row + 1, str(self.values[int(places[row])].as_py())

    def shortened(self, blanks: str) -> Cells:
        """The same without the blanks that stand before every cell."""
        if not blanks or not len(self.values):
            return self
        starts = pc.starts_with(self.values, blanks)
        return Cells(pc.if_else(starts, pc.utf8_slice_codeunits(self.values, len(blanks)), self.values), self.codes)

    def spread(self, values: pa.Array[Any]) -> pa.Array[Any]:
        """Something known of each distinct value, for each row; null where the row or the value has none."""
        return values.take(self.codes)


def common_blanks(values: pa.Array[Any]) -> str:
    """The white space before every value, "" unless it is the same before all.

    >>> common_blanks(pa.array([" a", " ?"])), common_blanks(pa.array([" a", "b"]))
    (' ', '')
    """
    if not len(values):
        return ""
    first = values[0].as_py()
    blanks: str = first[: len(first) - len(first.lstrip())]
    texts: Any = values
    widths = pc.subtract(pc.utf8_length(texts), pc.utf8_length(pc.utf8_ltrim_whitespace(texts)))
    same = pc.and_(pc.equal(widths, pa.scalar(len(blanks))), pc.starts_with(values, blanks))
    return blanks if pc.all(same).as_py() else ""


def means_null(values: pa.Array[Any], column: Column) -> pa.Array[Any]:
    """Which texts mean that a value is missing in a column; strings keep the tokens that are not the column's own."""
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        return pc.is_in(values, value_set=pa.array(["", column.spelling.null]))
    return pc.is_in(pc.utf8_trim_whitespace(values), value_set=pa.array([*NULL_TOKENS, column.spelling.null]))


def parse(values: pa.Array[Any], column: Column) -> pa.Array[Any]:
    """What texts mean in a column.

    Args:
        values: distinct texts without the column's blanks; null where a cell is missing.
        column: what they should be.

    Returns:
        As many values of the column's type (strings for a category); null where a text is no such value.
    """
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        return values
    plain = pc.utf8_trim_whitespace(values)
    match column.kind:
        case Kind.INTEGER:
            return parse_integers(plain)
        case Kind.NUMBER:
            return parse_numbers(plain)
        case Kind.BOOLEAN:
            known = pa.array([column.spelling.false.lower(), column.spelling.true.lower()])
            return pc.index_in(pc.utf8_lower(plain), value_set=known).cast(pa.bool_())
        case _:
            return (
                parse_times(plain, time_format(column))
                .cast(pa.int64())
                .cast(pa.timestamp("us"))
                .cast(column.arrow_type, safe=False)
            )


def time_format(column: Column) -> str:
    """The format of a column's dates or timestamps."""
    if column.spelling.time_format is not None:
        return column.spelling.time_format
    if column.kind is Kind.DATE:
        return ISO_DATE
    return ISO_TIMESTAMP if column.timezone is None else f"{ISO_TIMESTAMP}Z"


def parse_integers(values: pa.Array[Any]) -> pa.Array[Any]:
    """Texts as whole numbers of 64 bits; null where they are none."""
    texts: Any = pc.if_else(pc.match_substring_regex(values, LOOKS_INTEGER), values, None)
    if pc.any(pc.greater(pc.binary_length(texts), pa.scalar(18))).as_py():
        limits = np.iinfo(np.int64)
        numbers = [None if text is None else int(text) for text in texts.to_pylist()]
        return pa.array([n if n is not None and limits.min <= n <= limits.max else None for n in numbers], pa.int64())
    whole: pa.Array[Any] = texts.cast(pa.int64())
    return whole


def parse_numbers(values: pa.Array[Any]) -> pa.Array[Any]:
    """Texts as finite doubles; null where they are none."""
    plain = pc.utf8_ltrim(values, characters="+")
    numbers = pc.cast(pc.if_else(pc.match_substring_regex(values, LOOKS_NUMBER), plain, None), pa.float64())
    finite: pa.Array[Any] = pc.if_else(pc.is_finite(numbers), numbers, None)
    return finite
