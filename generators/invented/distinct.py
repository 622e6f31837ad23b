"""Columns that never repeat: values written from the number of the record, as keys are."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.invented.strings import alphabet
from schemas.formats import TextFormat
from schemas.table import Column, Kind

ROOM = 10**12
"""A format is widened until it has so many spellings a real value, so that none of these is ever met by chance."""

WORD = ("upper", *["lower"] * 9)
"""The places of a value where the column's format has none."""

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Numbered:
    """A column whose values are a one-to-one function of numbers, in the column's format and none of them real.

    Args:
        column: integers or strings.
        base: where integers start, above every real one.
        places: what each character of a string is drawn from, as in `schemas.formats.Template`.
    """

    column: Column
    base: int = 0
    places: tuple[str, ...] = ()

    def array(self, numbers: Longs) -> pa.Array[Any]:
        """The values of records.

        Args:
            numbers: which records, at least 0, shape (n,).

        >>> Numbered(Column("code", Kind.TEXT), 0, ("A", "digit", "digit")).array(np.arange(3)).to_pylist()
        ['A41', 'A11', 'A81']
        """
        if self.column.kind is Kind.INTEGER:
            return pa.array(self.base + numbers)
        return pa.array(spelled(self.places, numbers), pa.string())


def numbered_of(column: Column, text: TextFormat | None, distinct: int, base: int) -> Numbered:
    """Choose how a column's values are written.

    Args:
        column: integers or strings.
        text: its format; None for integers.
        distinct: how many real values there are.
        base: where integers start.
    """
    if column.kind is Kind.INTEGER:
        return Numbered(column, base)
    templates = [] if text is None else [t.places for t in text.templates]
    places = max(templates, key=_variety, default=WORD)
    while _variety(places) < ROOM * max(distinct, 1):
        places = (*places, "digit")
    return Numbered(column, 0, places)


def _variety(places: tuple[str, ...]) -> int:
    return prod(len(alphabet(place)) for place in places)


def spelled(places: tuple[str, ...], numbers: Longs) -> npt.NDArray[np.str_]:
    """Write numbers in the alphabets of places, each another string, shape (n,).

    The digits of a number are mixed, each with those before it and then with those behind it; both can be undone, so
    no two numbers become the same string.

    Args:
        places: with so many spellings that every number has its own.
        numbers: at least 0, shape (n,).
    """
    letters = [np.array([ord(c) for c in alphabet(place)], np.uint32) for place in places]
    sizes = [len(known) for known in letters]
    digits, rest = [], numbers
    for size in reversed(sizes):
        rest, digit = np.divmod(rest, size)
        digits.append(digit)
    digits.reverse()
    for order in (range(len(sizes) - 1, -1, -1), range(len(sizes))):
        mixed = np.zeros(len(numbers), np.int64)
        for at in order:
            digits[at] = (digits[at] + mixed) % sizes[at]
            mixed = (mixed * 31 + digits[at] * 7 + at + 1) % 1_009
    codes = np.column_stack([known[digit] for known, digit in zip(letters, digits, strict=True)])
    found: npt.NDArray[np.str_] = np.ascontiguousarray(codes).view(f"<U{len(places)}").ravel()
    return found
