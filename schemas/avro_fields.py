"""The fields of an Avro record as a tree, and the Arrow types that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pyarrow as pa

from schemas.errors import InputError

SCALARS = ("int", "long", "float", "double", "string", "boolean", "bytes")
"""The primitive types of a field, besides null, which stands in unions only."""

NESTED = ("array", "map", "record")
"""The types that hold other fields."""

LOGICAL: Mapping[str, tuple[str, ...]] = {
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",),
    "decimal": ("bytes", "fixed"),
    "uuid": ("fixed",),
}
"""Logical types that are understood, with what each may annotate; others are ignored, as Avro asks. A UUID that is a
string is any string."""

FLAT: Mapping[str, pa.DataType] = {
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "enum": pa.string(),
    "uuid": pa.string(),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "timestamp-nanos": pa.timestamp("ns", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "local-timestamp-nanos": pa.timestamp("ns"),
}
"""The Arrow types that hold every value of a logical type, or else of a primitive one."""

SUPPORTED = (
    "int, long, float, double, string, boolean, bytes, fixed, enum, array, map, record, and unions of null with one "
    "of them"
)

DECIMAL128_DIGITS, DECIMAL256_DIGITS = 38, 76
"""How many digits Arrow's decimals hold."""

UUID_BYTES = 16


@dataclass(frozen=True)
class Field:
    """One field of an Avro record, or what an array or a map holds.

    Args:
        name: the Avro name; "item" in an array, "key" and "value" in a map.
        column: the table's column: the custom property "column", or the Avro name; the path to it when it lies within
            another field, as in "order.price".
        type: one of `SCALARS` and `NESTED`, "enum" or "fixed".
        logical: a key of `LOGICAL`, or None.
        null_index: which branch of the union is null (0 or 1); None when the field is not a union.
        symbols: an enum's symbols in order.
        size: a fixed's bytes.
        digits: a decimal's precision and scale.
        inner: a record's fields; or the one item of an array or a map, a map's being a record of key and value.
        default: the default as JSON has it; read it only when `has_default`.
        has_default: whether the schema gives a default.
    """

    name: str
    column: str
    type: str
    logical: str | None = None
    null_index: int | None = None
    symbols: tuple[str, ...] = ()
    size: int = 0
    digits: tuple[int, int] = (0, 0)
    inner: tuple[Field, ...] = ()
    default: Any = None
    has_default: bool = False

    @property
    def label(self) -> str:
        """The type in a word, as messages name it."""
        return self.logical or self.type

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that holds every value of this field."""
        flat = FLAT.get(self.label)
        if flat is not None:
            return flat
        match self.label:
            case "decimal":
                precision, scale = self.digits
                return (
                    pa.decimal128(precision, scale) if precision <= DECIMAL128_DIGITS else pa.decimal256(*self.digits)
                )
            case "record":
                return pa.struct([field.arrow_field for field in self.inner])
            case "array":
                return pa.list_(self.inner[0].arrow_field)
            case "map":
                return cast(pa.DataType, pa.map_(pa.string(), self.inner[0].inner[1].arrow_field))
            case _:
                return cast(pa.DataType, pa.binary(self.size))

    @property
    def arrow_field(self) -> Any:
        """The Arrow field within a list or a struct."""
        return pa.field(self.name, self.arrow_type, self.null_index is not None)


def fields(avro: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a record.

    Raises:
        InputError: not a record with fields, or fields that Arrow can not hold (all of them named).

    >>> fields({"type": "record", "name": "r", "fields": [{"name": "a", "type": ["null", "long"]}]})[0].null_index
    0
    """
    if avro.get("type") != "record":
        raise InputError(f"schema type={avro.get('type')!r}: expected 'record' at the top of the Avro schema")
    if not avro.get("fields"):
        raise InputError("schema fields=[]: the Avro record has no fields; expected at least one")
    top = _Reader().inside(avro)
    found, faults = [], []
    for form in avro["fields"]:
        try:
            column = form.get("column")
            found.append(_placed(top.field(form), column if isinstance(column, str) else form["name"]))
        except _Unsupported as error:
            faults.append(f"field {form['name']!r}: {error}")
    if faults:
        raise InputError(*faults)
    return tuple(found)


def _placed(field: Field, column: str) -> Field:
    """The field, knowing its column, and so all within it."""
    return replace(field, column=column, inner=tuple(_placed(f, f"{column}.{f.name}") for f in field.inner))


class _Unsupported(Exception):
    """A type that no Arrow type stands for."""

    def __init__(self, type_: Any) -> None:
        text = json.dumps(type_)
        brief = text if len(text) <= 60 else text[:57] + "..."
        super().__init__(f"type {brief} is not supported; expected {SUPPORTED}")


@dataclass(frozen=True)
class _Reader:
    """Reads types, knowing the named ones met so far by full name: None while one is read, since none may hold itself.

    Source: Apache Avro 1.12 specification, "Names".
    """

    namespace: str = ""
    known: dict[str, Field | None] = field(default_factory=dict)

    def inside(self, form: Mapping[str, Any]) -> _Reader:
        """The reader for what a record holds."""
        name = self._full_name(form)
        self.known[name] = None
        return replace(self, namespace=name.rpartition(".")[0])

    def _full_name(self, form: Mapping[str, Any]) -> str:
        name: str = form["name"]
        namespace = form.get("namespace", self.namespace)
        return name if "." in name or not namespace else f"{namespace}.{name}"

    def field(self, form: Mapping[str, Any]) -> Field:
        """A field of a record."""
        found = self._union(form["name"], form["type"])
        return replace(found, default=form.get("default"), has_default="default" in form)

    def _union(self, name: str, type_: Any) -> Field:
        if not isinstance(type_, list):
            return replace(self._type(type_), name=name)
        if len(type_) != 2 or type_.count("null") != 1:
            raise _Unsupported(type_)
        null_index = type_.index("null")
        return replace(self._type(type_[1 - null_index]), name=name, null_index=null_index)

    def _type(self, type_: Any) -> Field:
        if isinstance(type_, str):
            return self._by_name(type_)
        if isinstance(type_, Mapping):
            return self._form(type_)
        raise _Unsupported(type_)

    def _form(self, type_: Mapping[str, Any]) -> Field:
        match type_["type"]:
            case "enum" if type_["symbols"]:
                return self._learnt(type_, Field("", "", "enum", symbols=tuple(type_["symbols"])))
            case "fixed" if type_["size"] > 0:
                return self._learnt(type_, _annotated(Field("", "", "fixed", size=type_["size"]), type_))
            case "record" if type_["fields"]:
                inside = self.inside(type_)
                return self._learnt(type_, Field("", "", "record", inner=tuple(map(inside.field, type_["fields"]))))
            case "array":
                return Field("", "", "array", inner=(self._union("item", type_["items"]),))
            case "map":
                entry = (Field("key", "", "string"), self._union("value", type_["values"]))
                return Field("", "", "map", inner=(Field("entry", "", "record", inner=entry),))
            case "enum" | "fixed" | "record":
                raise _Unsupported(type_)
            case inner:
                return _annotated(self._type(inner), type_)

    def _by_name(self, name: str) -> Field:
        if name in SCALARS:
            return Field("", "", name)
        full = f"{self.namespace}.{name}"
        found = self.known.get(full if "." not in name and full in self.known else name)
        if found is None:
            raise _Unsupported(name)
        return found

    def _learnt(self, form: Mapping[str, Any], found: Field) -> Field:
        self.known[self._full_name(form)] = found
        return found


def _annotated(plain: Field, form: Mapping[str, Any]) -> Field:
    """A type under its logical type, where that is understood and valid."""
    logical = form.get("logicalType")
    if logical is None or plain.logical is not None or plain.type not in LOGICAL.get(logical, ()):
        return plain
    if logical == "uuid":
        return replace(plain, logical=logical) if plain.size == UUID_BYTES else plain
    if logical != "decimal":
        return replace(plain, logical=logical)
    precision, scale = form.get("precision", 0), form.get("scale", 0)
    most = _digits(plain.size) if plain.type == "fixed" else DECIMAL256_DIGITS
    valid = 0 < precision <= min(most, DECIMAL256_DIGITS) and 0 <= scale <= precision
    return replace(plain, logical=logical, digits=(precision, scale)) if valid else plain


def _digits(size: int) -> int:
    """How many decimal digits fit into a signed integer of some bytes, whatever the digits."""
    return len(str(2 ** (8 * size - 1) - 1)) - 1
