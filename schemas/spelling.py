"""Cells as text: the way the training file wrote them, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells import time_format
from schemas.table import Column, Kind
from schemas.times import ISO_DATE, ISO_TIMESTAMP, format_times

if TYPE_CHECKING:
    Values = pa.Array[Any]


def spell(array: Values, column: Column) -> Values:
    """Write cells as the column's spelling has them.

    Args:
        array: (rows,) values of the column's type.
        column: what they are, and how they are written.

    Returns:
        (rows,) strings without null.

    >>> from schemas.table import Spelling
    >>> price = Column("price", Kind.NUMBER, decimals=2, spelling=Spelling(null="NA", fixed_decimals=True))
    >>> spell(pa.array([1.5, None]), price).to_pylist()
    ['1.50', 'NA']
    """
    blanks, null = column.spelling.blanks, column.spelling.null
    texts: Any = _by_distinct(array, lambda values: _texts(values, column))
    if blanks:
        texts = pc.binary_join_element_wise(pa.scalar(blanks), texts, pa.scalar(""))
    cells: Values = texts.fill_null(blanks + null)
    return cells


def spell_json(array: Values, column: Column) -> Values:
    """Write cells as JSON: numbers bare, times as ISO 8601 strings.

    Args:
        array: (rows,) values of the column's type.
        column: what they are.

    Returns:
        (rows,) strings without null.

    >>> spell_json(pa.array(['say "hi"', None]), Column("x", Kind.TEXT, nullable=True)).to_pylist()
    ['"say \\\\"hi\\\\""', 'null']
    """
    texts: Any = _by_distinct(array, lambda values: _json_texts(values, column))
    cells: Values = texts.fill_null("null")
    return cells


def _by_distinct(array: Any, write: Callable[[Values], Values]) -> Values:
    """Write every distinct value once."""
    if pa.types.is_boolean(array.type):
        return write(array)
    encoded: Any = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    return write(encoded.dictionary).take(encoded.indices)


def _texts(values: Values, column: Column) -> Values:
    match column.kind:
        case Kind.NUMBER:
            return pa.array(_numbers(values, column), pa.string())
        case Kind.BOOLEAN:
            spelling = column.spelling
            words: Values = pc.if_else(_any(values), pa.scalar(spelling.true), pa.scalar(spelling.false))
            return words
        case Kind.DATE | Kind.TIMESTAMP:
            return _times(values, time_format(column), column.time_unit)
        case _:
            return values.cast(pa.string())


def _json_texts(values: Values, column: Column) -> Values:
    match column.kind:
        case Kind.NUMBER:
            numbers = _rounded(values, column)
            return pa.array([repr(n) if np.isfinite(n) else "null" for n in numbers], pa.string())
        case Kind.BOOLEAN:
            words: Values = pc.if_else(_any(values), pa.scalar("true"), pa.scalar("false"))
            return words
        case Kind.DATE:
            return _quoted(_times(values, ISO_DATE, "ms"))
        case Kind.TIMESTAMP:
            zone = "" if column.timezone is None else "Z"
            return _quoted(_times(values, ISO_TIMESTAMP + zone, column.time_unit))
        case Kind.INTEGER:
            return values.cast(pa.string())
        case _:
            return _quoted(values)


def _numbers(values: Values, column: Column) -> list[str]:
    numbers = _rounded(values, column)
    if column.spelling.fixed_decimals and column.decimals is not None:
        return [f"{number:.{column.decimals}f}" for number in numbers]
    texts = map(repr, numbers)
    return list(texts) if column.spelling.point else [text.removesuffix(".0") for text in texts]


def _rounded(values: Values, column: Column) -> list[float]:
    numbers = np.asarray(values, np.float64)
    if column.decimals is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.round(numbers, column.decimals)
        numbers = np.where(np.isfinite(rounded), rounded, numbers)
    listed: list[float] = numbers.tolist()
    return listed


def _times(values: Values, written: str, unit: str) -> Values:
    micros = np.asarray(values.cast(pa.timestamp("us", getattr(values.type, "tz", None))).cast(pa.int64()))
    return pa.array(format_times(micros, written, unit), pa.string())


def _quoted(values: Values) -> Values:
    return pa.array([json.dumps(text, ensure_ascii=False) for text in values.to_pylist()], pa.string())


def _any(values: Any) -> Any:
    return values
