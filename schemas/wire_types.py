"""Which Arrow types write which Avro fields, and the checks that a value fits on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from schemas.arrow_views import Array, frozen, values_of
from schemas.avro_fields import DECIMAL256_DIGITS, Field
from schemas.errors import InputError

INT_LOW, INT_HIGH = -(2**31), 2**31 - 1
"""What an Avro int can hold."""

INTEGER_DIGITS = 20
"""How many digits integers of 64 bits have."""

TEXTS: tuple[Callable[[Any], bool], ...] = (types.is_string, types.is_large_string, types.is_string_view)
BINARIES: tuple[Callable[[Any], bool], ...] = (types.is_binary, types.is_large_binary, types.is_binary_view)

EXACT = Context(prec=DECIMAL256_DIGITS)


class Misfit(InputError):
    """A value that its field can not hold.

    Args:
        field: the field.
        row: the value's row.
        reason: in words.
    """

    def __init__(self, field: Field, row: int, reason: str) -> None:
        super().__init__(f"column {field.column!r}, row {row}: {reason}")
        self.field, self.row, self.reason = field, row, reason

    def at(self, row: int) -> Misfit:
        """The same misfit, of a value that lies within a value of another row."""
        return Misfit(self.field, row, self.reason)


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], ...]] = {
    "date": (types.is_date,),
    "time-millis": (types.is_time,),
    "time-micros": (types.is_time,),
    "decimal": (types.is_decimal, types.is_integer, types.is_floating),
    "int": (types.is_integer,),
    "long": (types.is_integer,),
    "float": (types.is_floating, types.is_integer),
    "double": (types.is_floating, types.is_integer),
    "boolean": (types.is_boolean,),
    "string": TEXTS,
    "enum": TEXTS,
    "bytes": (*BINARIES, *TEXTS),
    "record": (types.is_struct,),
    "array": (types.is_list, types.is_large_list, types.is_fixed_size_list),
    "map": (types.is_map,),
}
"""By a field's label, the Arrow types that can mean what it means; timestamps, fixed and UUIDs need a closer look."""


def check_type(field: Field, kind: pa.DataType) -> None:
    """Refuse a column whose values can not mean what the field means.

    Raises:
        InputError: names the column, its type and what to cast it to.
    """
    checks = _CHECKS.get(field.label)
    if checks is not None:
        suits = any(check(kind) for check in checks)
    elif "timestamp" in field.label:
        suits = types.is_timestamp(kind) and (kind.tz is None) == field.label.startswith("local")
    elif field.label == "uuid" and any(check(kind) for check in TEXTS):
        suits = True
    else:
        suits = kind == pa.binary(field.size)
    if not suits:
        raise InputError(
            f"column {field.column!r}: is {kind}, but the Avro field {field.name!r} is {field.label}; "
            f"cast the column to {field.arrow_type}"
        )


def cast(field: Field, array: Array) -> Array:
    """The array under the field's own Arrow type; floating-point numbers are rounded to a decimal's digits.

    Raises:
        InputError: the type does not suit, or a value would change.
    """
    check_type(field, array.type)
    if array.type == field.arrow_type:
        return array
    try:
        if field.logical == "decimal" and types.is_integer(array.type):
            array = array.cast(pa.decimal256(INTEGER_DIGITS + field.digits[1], field.digits[1]))
        return array.cast(field.arrow_type)
    except pa.ArrowInvalid as error:
        raise InputError(f"column {field.column!r}: {error}; the Avro field is {field.label}") from None


def check_nulls(field: Field, array: Array) -> None:
    """Refuse a null where the field has none.

    Raises:
        Misfit: names the column and the row.
    """
    if field.null_index is None and array.null_count:
        row = pc.index(array.is_null(), True).as_py()
        raise Misfit(field, row, f"is null, but the Avro field {field.name!r} is not nullable")


def check_int(field: Field, array: Array) -> None:
    """Refuse an integer that an Avro int can not hold.

    Raises:
        Misfit: names the column, the row and the value.
    """
    extremes: Any = pc.min_max(array).as_py()
    if extremes["min"] is None or (extremes["min"] >= INT_LOW and extremes["max"] <= INT_HIGH):
        return
    values = values_of(array, np.int64)
    outside = np.flatnonzero((values < INT_LOW) | (values > INT_HIGH)).tolist()
    row = next(row for row in outside if array[row].is_valid)
    raise Misfit(
        field,
        row,
        f"{array[row].as_py()} does not fit the Avro int {field.name!r}; expected {INT_LOW} to {INT_HIGH}",
    )


def float_bits(field: Field, array: Array) -> npt.NDArray[Any]:
    """The bits of a float64 array as the field writes them: uint64 for a double, uint32 for a float, shape (rows,).

    Raises:
        Misfit: a finite value is too large for a float; names the column, the row and the value.
    """
    values = values_of(array, np.float64)
    if field.type == "double":
        return values.view(np.uint64)
    with np.errstate(over="ignore", invalid="ignore"):
        small = values.astype(np.float32)
    for row in np.flatnonzero(np.isinf(small) & np.isfinite(values)).tolist():
        if array[row].is_valid:
            raise Misfit(
                field,
                row,
                f"{values[row]} does not fit the Avro float {field.name!r}; "
                f"expected at most {np.finfo(np.float32).max} in magnitude",
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
    if field.null_index is not None and field.default is None:
        return pa.nulls(rows, kind)
    try:
        return pa.repeat(_default(field, field.default), rows)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"column {field.column!r}: is missing, and the default {field.default!r} of the Avro field {field.name!r} "
            f"is no {field.label} ({error})"
        ) from None


def _default(field: Field, form: Any) -> Any:
    """The Arrow scalar that a default in JSON stands for: bytes are characters up to 255, maps and records objects."""
    kind: Any = field.arrow_type
    if form is None and field.null_index is None:
        raise ValueError(f"{field.name!r} is not nullable")
    if form is None:
        return pa.scalar(None, kind)
    if field.type in ("bytes", "fixed"):
        form = form.encode("latin-1")
    match field.type:
        case "record":
            form = {f.name: _default(f, form.get(f.name, f.default)) for f in field.inner}
        case "array":
            form = [_default(field.inner[0], item) for item in form]
        case "map":
            form = [(key, _default(field.inner[0].inner[1], value)) for key, value in form.items()]
    match field.logical:
        case "decimal":
            form = Decimal(int.from_bytes(form, "big", signed=True)).scaleb(-field.digits[1], EXACT)
        case "uuid":
            form = str(UUID(bytes=form))
        case str():
            stored: Any = pa.int32() if kind.bit_width == 32 else pa.int64()
            return pa.scalar(form, stored).cast(kind)
    return pa.scalar(form, kind)
