"""One column cast to what its schema says it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells import Cells, means_null, parse, time_format
from schemas.errors import InputError
from schemas.table import Column, Kind


def cast_cells(column: Column, values: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """Read cells of text.

    Args:
        column: what they are.
        values: strings as a file has them, or dictionaries of strings on purpose.

    Raises:
        InputError: a cell is no such value, or is missing where none may be.
    """
    texts, parsed, cells = _read(column, values)
    misfit = np.asarray(pc.and_(texts.is_valid(), parsed.is_null()).to_numpy(zero_copy_only=False))
    if misfit.any():
        row, text = cells.first(misfit)
        others = int(cells.counts[misfit].sum()) - 1
        raise InputError(
            f"column {column.name!r}, row {row}: {text!r} is no "
            f"{_expected(column)}{f' ({others:,} more like it)' if others else ''}"
        )
    if column.kind is Kind.CATEGORY:
        return _checked(column, _category(parsed, cells))
    return _checked(column, cells.spread(parsed))


def _read(column: Column, values: pa.ChunkedArray[Any]) -> tuple[Any, pa.Array[Any], Cells]:
    """The distinct texts with null where they mean that nothing is there, what they mean, and where they stand."""
    cells = Cells.of(values)
    on_purpose = isinstance(values.type, pa.DictionaryType)
    strings = column.kind in (Kind.CATEGORY, Kind.TEXT)
    if not (on_purpose and strings):
        cells = cells.shortened(column.spelling.blanks)
        missing = means_null(cells.values, column)
        texts: Any = pc.if_else(missing, pa.scalar(None, pa.string()), cells.values)
    else:
        texts = cells.values
    return texts, parse(texts, column), cells


def _expected(column: Column) -> str:
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        return f"{column.kind.value} like {time_format(column)}"
    if column.kind is Kind.BOOLEAN:
        return f"boolean ({column.spelling.true} or {column.spelling.false})"
    return column.kind.value


def _category(values: pa.Array[Any], cells: Cells) -> pa.Array[Any]:
    """Codes into the sorted values, so that the order of rows does not matter."""
    known: Any = pc.unique(values.filter(pa.array(cells.counts > 0))).drop_null()
    known = known.take(pc.sort_indices(known))
    codes = cells.spread(pc.index_in(values, value_set=known))
    return pa.DictionaryArray.from_arrays(codes, known)


def cast_values(column: Column, values: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """Cast typed values.

    Raises:
        InputError: a value changes under the cast, or is missing where none may be.
    """
    kind = values.type
    if isinstance(kind, pa.DictionaryType):
        values = values.cast(kind.value_type)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(_any(values)), pa.scalar(None, values.type), values)
    try:
        if column.kind in (Kind.CATEGORY, Kind.TEXT):
            return cast_cells(column, values.cast(pa.string()).dictionary_encode())
        cast = _timestamps(column, values) if column.kind is Kind.TIMESTAMP else values.cast(column.arrow_type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"column {column.name!r}: holds {kind}, expected {column.kind.value} ({error})") from None
    if column.kind is Kind.NUMBER:
        row = pc.index(pc.is_inf(_any(cast)), pa.scalar(True)).as_py()
        if row >= 0:
            raise InputError(f"column {column.name!r}, row {row + 1}: is infinite; expected finite numbers")
    return _checked(column, _one_chunk(cast))


def cast_if_possible(column: Column, values: pa.Array[Any]) -> pa.Array[Any]:
    """Cast values of a feed that is not ours: what is no value of the column is missing, and so is what is infinite.

    Args:
        column: what they should be.
        values: of any type whose values can be read as the column's; numbers lose digits that the column has not.
    """
    if isinstance(values.type, pa.DictionaryType) or pa.types.is_string(values.type):
        _, parsed, cells = _read(column, pa.chunked_array([values]))
        spread = cells.spread(parsed)
        return spread.cast(column.arrow_type) if column.kind in (Kind.CATEGORY, Kind.TEXT) else spread
    values = pc.if_else(_fits(column, values), values, pa.scalar(None, values.type))
    try:
        if column.kind in (Kind.CATEGORY, Kind.TEXT):
            return values.cast(pa.string()).cast(column.arrow_type)
        if column.kind is Kind.TIMESTAMP:
            return _one_chunk(_timestamps(column, pa.chunked_array([values])))
        return values.cast(column.arrow_type, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return missing(column, len(values))


def _fits(column: Column, values: pa.Array[Any]) -> pa.Array[Any]:
    """Which values a column can hold, as far as their size goes: a cast would make other values of the others."""
    floating, decimal = pa.types.is_floating(values.type), pa.types.is_decimal(values.type)
    if column.kind is Kind.INTEGER and (floating or decimal):
        sizes, steps = values.cast(pa.float64(), safe=False), 1.0
    elif column.kind is Kind.TIMESTAMP and pa.types.is_timestamp(values.type):
        unit: Any = column.time_unit
        sizes, steps = values.cast(pa.int64()).cast(pa.float64(), safe=False), PER_S[unit] / PER_S[values.type.unit]
    elif floating:
        fit: pa.Array[Any] = pc.is_finite(_any(values))
        return fit
    else:
        return pc.is_valid(values)
    within: pa.Array[Any] = pc.less(pc.multiply(pc.abs(_any(sizes)), steps), _any(2.0**63))
    return within


PER_S = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Steps of a time unit in a second."""


def missing(column: Column, rows: int) -> pa.Array[Any]:
    """As many cells of a column as there are rows, all missing."""
    none: Any = pa.nulls(rows)
    cells: pa.Array[Any] = none.cast(column.arrow_type)
    return cells


def _timestamps(column: Column, values: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Wall-clock times are taken for UTC and the other way round; digits beyond the unit are cut off."""
    unit: Any = column.time_unit
    plain = values.cast(pa.timestamp(unit, getattr(values.type, "tz", None)), safe=False)
    return plain.cast(pa.int64()).cast(column.arrow_type)


def _any(values: Any) -> Any:
    return values


def _one_chunk(values: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    whole: Any = values.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    array: pa.Array[Any] = whole
    return array


def _checked(column: Column, array: pa.Array[Any]) -> pa.Array[Any]:
    if array.null_count and not column.nullable:
        row = pc.index(array.is_null(), pa.scalar(True)).as_py() + 1
        raise InputError(f"column {column.name!r}, row {row}: is missing, but no value of the column may be")
    return array
