"""Which Arrow types write which Avro fields, and the checks that a value fits on the wire."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow_views import Array, frozen, values_of
from schemas.avro import Field
from schemas.errors import InputError

INT_LOW, INT_HIGH = -(2**31), 2**31 - 1
"""What an Avro int can hold."""


def where(field: Field, row: int) -> str:
    """How a fault names a cell."""
    return f"column {field.column!r}, row {row}"


def check_type(field: Field, kind: pa.DataType) -> None:
    """Refuse a column whose values can not mean what the field means.

    Raises:
        InputError: names the column, its type and what to cast it to.
    """
    types = pa.types
    if field.logical == "date":
        suits = types.is_date(kind)
    elif field.logical is not None:
        suits = types.is_timestamp(kind) and (kind.tz is None) == field.logical.startswith("local")
    elif field.type in ("int", "long"):
        suits = types.is_integer(kind)
    elif field.type in ("float", "double"):
        suits = types.is_floating(kind) or types.is_integer(kind)
    elif field.type == "boolean":
        suits = types.is_boolean(kind)
    else:
        suits = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    if not suits:
        raise InputError(
            f"column {field.column!r}: is {kind}, but the Avro field {field.name!r} is "
            f"{field.logical or field.type}; cast the column to {field.arrow_type}"
        )


def cast(field: Field, array: Array) -> Array:
    """The array under the field's own Arrow type.

    Raises:
        InputError: the type does not suit, or a value would change.
    """
    check_type(field, array.type)
    if array.type == field.arrow_type:
        return array
    try:
        return array.cast(field.arrow_type)
    except pa.ArrowInvalid as error:
        raise InputError(f"column {field.column!r}: {error}; the Avro field is {field.logical or field.type}") from None


def check_nulls(field: Field, array: Array) -> None:
    """Refuse a null where the field has none.

    Raises:
        InputError: names the column and the row.
    """
    if field.null_index is None and array.null_count:
        row = pc.index(array.is_null(), True).as_py()
        raise InputError(f"{where(field, row)}: is null, but the Avro field {field.name!r} is not nullable")


def check_int(field: Field, array: Array) -> None:
    """Refuse an integer that an Avro int can not hold.

    Raises:
        InputError: names the column, the row and the value.
    """
    extremes: Any = pc.min_max(array).as_py()
    if extremes["min"] is None or (extremes["min"] >= INT_LOW and extremes["max"] <= INT_HIGH):
        return
    values = values_of(array, np.int64)
    outside = np.flatnonzero((values < INT_LOW) | (values > INT_HIGH)).tolist()
    row = next(row for row in outside if array[row].is_valid)
    raise InputError(
        f"{where(field, row)}: {array[row].as_py()} does not fit the Avro int {field.name!r}; "
        f"expected {INT_LOW} to {INT_HIGH}"
    )


def float_bits(field: Field, array: Array) -> npt.NDArray[Any]:
    """The bits of a float64 array as the field writes them: uint64 for a double, uint32 for a float, shape (rows,).

    Raises:
        InputError: a finite value is too large for a float; names the column, the row and the value.
    """
    values = values_of(array, np.float64)
    if field.type == "double":
        return values.view(np.uint64)
    with np.errstate(over="ignore", invalid="ignore"):
        small = values.astype(np.float32)
    for row in np.flatnonzero(np.isinf(small) & np.isfinite(values)).tolist():
        if array[row].is_valid:
            raise InputError(
                f"{where(field, row)}: {values[row]} does not fit the Avro float {field.name!r}; "
                f"expected at most {np.finfo(np.float32).max} in magnitude"
            )
    return frozen(small.view(np.uint32))


def default_array(field: Field, rows: int) -> Array:
    """A column of the field's default, for batches that lack the column.

    Raises:
        InputError: the field has no default.
    """
    if not field.has_default:
        raise InputError(f"column {field.column!r}: is missing, and the Avro field {field.name!r} has no default")
    kind: Any = field.arrow_type
    if field.default is None:
        return pa.nulls(rows, kind)
    stored: Any = pa.int32() if field.logical == "date" else pa.int64() if field.logical else kind
    value: Any = pa.scalar(field.default, stored)
    return pa.repeat(value, rows).cast(kind)
