"""Avro schemas: derived from a TableSchema, read from people's own, and the Confluent frame."""

from __future__ import annotations

import json
import re
import struct
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa

from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema, timestamp_type

FRAME_BYTES = 5
"""Bytes before the Avro body of a Confluent-framed message: a zero and the schema's id."""

SCALARS = ("int", "long", "float", "double", "string", "boolean")
"""The primitive types a flat record may hold, besides enums."""

LOGICAL = {
    "date": "int",
    "timestamp-millis": "long",
    "timestamp-micros": "long",
    "local-timestamp-millis": "long",
    "local-timestamp-micros": "long",
}
"""Logical types that are understood, with the primitive each annotates; others are ignored, as Avro asks."""

LEGAL = "[A-Za-z_][A-Za-z0-9_]*"
"""Names by the Avro specification."""

SUPPORTED = "int, long, float, double, string, boolean, enum, date, timestamps, and unions of null with one of them"


@dataclass(frozen=True)
class Field:
    """One field of a flat Avro record.

    Args:
        name: the Avro name.
        column: the table's column: the custom property "column", or the Avro name.
        type: one of `SCALARS`, or "enum".
        logical: a key of `LOGICAL`, or None.
        null_index: which branch of the union is null (0 or 1); None when the field is not a union.
        symbols: an enum's symbols in order; empty for other types.
        default: the default as JSON has it; read it only when `has_default`.
        has_default: whether the schema gives a default.
    """

    name: str
    column: str
    type: str
    logical: str | None = None
    null_index: int | None = None
    symbols: tuple[str, ...] = ()
    default: Any = None
    has_default: bool = False

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that holds every value of this field."""
        if self.logical == "date":
            return pa.date32()
        if self.logical is not None:
            return timestamp_type(
                "ms" if self.logical.endswith("millis") else "us", None if self.logical.startswith("local") else "UTC"
            )
        match self.type:
            case "int" | "long":
                return pa.int64()
            case "float" | "double":
                return pa.float64()
            case "boolean":
                return pa.bool_()
            case _:
                return pa.string()


def fields(avro: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a flat record.

    Raises:
        InputError: not a record, or fields that are not flat (all of them named).

    >>> fields({"type": "record", "name": "r", "fields": [{"name": "a", "type": ["null", "long"]}]})[0].null_index
    0
    """
    if avro.get("type") != "record":
        raise InputError(f"schema type={avro.get('type')!r}: expected 'record' at the top of the Avro schema")
    named: dict[str, Mapping[str, Any]] = {}
    found, faults = [], []
    for form in avro["fields"]:
        field = _field(form, named)
        if field is None:
            faults.append(f"field {form['name']!r}: type {_brief(form['type'])} is not supported; expected {SUPPORTED}")
        else:
            found.append(field)
    if faults:
        raise InputError(*faults)
    return tuple(found)


def _field(form: Mapping[str, Any], named: dict[str, Mapping[str, Any]]) -> Field | None:
    type_, null_index = form["type"], None
    if isinstance(type_, list):
        if len(type_) != 2 or type_.count("null") != 1:
            return None
        null_index = type_.index("null")
        type_ = type_[1 - null_index]
    flat = _flat_type(type_, named)
    if flat is None:
        return None
    column = form.get("column")
    return Field(
        name=form["name"],
        column=column if isinstance(column, str) else form["name"],
        type=flat[0],
        logical=flat[1],
        null_index=null_index,
        symbols=flat[2],
        default=form.get("default"),
        has_default="default" in form,
    )


def _flat_type(type_: Any, named: dict[str, Mapping[str, Any]]) -> tuple[str, str | None, tuple[str, ...]] | None:
    """Primitive, logical type and symbols; None when the type is not flat. Enums are remembered by name."""
    if isinstance(type_, str):
        if type_ in SCALARS:
            return type_, None, ()
        return _flat_type(named[type_], named) if type_ in named else None
    if not isinstance(type_, Mapping):
        return None
    if type_["type"] == "enum":
        named[type_["name"]] = type_
        named[f"{type_.get('namespace', '')}.{type_['name']}"] = type_
        return "enum", None, tuple(type_["symbols"])
    inner = _flat_type(type_["type"], named)
    if inner is None:
        return None
    logical = type_.get("logicalType")
    return (inner[0], logical, ()) if logical is not None and LOGICAL.get(logical) == inner[0] else inner


def _brief(type_: Any) -> str:
    text = json.dumps(type_)
    return text if len(text) <= 60 else text[:57] + "..."


def avro_schema(schema: TableSchema) -> dict[str, Any]:
    """The Avro schema a table is published under: its own when it has one, else derived from the columns.

    Every field has a default, so that later versions of a table stay compatible in both directions.

    >>> people = TableSchema("people", (Column("birth day", Kind.DATE),))
    >>> avro_schema(people)["fields"][0]["name"], avro_schema(people)["fields"][0]["column"]
    ('birth_day', 'birth day')
    """
    if schema.wire is not None:
        wire: dict[str, Any] = json.loads(schema.wire)
        return wire
    names = avro_names(schema.names)
    derived = [_derived(column, name) for column, name in zip(schema.columns, names, strict=True)]
    return {"type": "record", "name": avro_names([schema.name])[0], "fields": derived}


def avro_names(names: Sequence[str]) -> tuple[str, ...]:
    """Distinct names by the Avro specification, one for each of `names`; legal names stay as they are.

    >>> avro_names(["a-b", "a_b", "1st", "größe", "§"])
    ('a_b_2', 'a_b', '_1st', 'grosse', '_')
    """
    taken = {name for name in names if re.fullmatch(LEGAL, name)}
    given = []
    for name in names:
        if name in taken:
            given.append(name)
            continue
        plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
        legal = re.sub(r"^(?=[0-9]|$)", "_", re.sub(r"[^A-Za-z0-9_]", "_", plain))
        unique, n = legal, 2
        while unique in taken:
            unique, n = f"{legal}_{n}", n + 1
        taken.add(unique)
        given.append(unique)
    return tuple(given)


def _derived(column: Column, name: str) -> dict[str, Any]:
    type_, default = _wire_type(column)
    form: dict[str, Any] = {"name": name, "type": ["null", type_], "default": None}
    if not column.nullable:
        form |= {"type": type_, "default": default}
    if name != column.name:
        form["column"] = column.name
    return form


def _wire_type(column: Column) -> tuple[Any, Any]:
    """The Avro type of a column, and the default of a field that is not nullable."""
    match column.kind:
        case Kind.INTEGER:
            return "long", 0
        case Kind.NUMBER:
            return "double", 0.0
        case Kind.BOOLEAN:
            return "boolean", False
        case Kind.DATE:
            return {"type": "int", "logicalType": "date"}, 0
        case Kind.TIMESTAMP:
            local = "local-" if column.timezone is None else ""
            unit = "millis" if column.time_unit == "ms" else "micros"
            return {"type": "long", "logicalType": f"{local}timestamp-{unit}"}, 0
        case Kind.CATEGORY | Kind.TEXT:
            return "string", ""


def frame(schema_id: int) -> bytes:
    """The five bytes before the body of every message.

    >>> frame(258)
    b'\\x00\\x00\\x00\\x01\\x02'
    """
    return struct.pack(">bI", 0, schema_id)


def schema_id(value: bytes) -> int:
    """The registry's id in a framed message.

    Raises:
        InputError: the bytes are not framed.
    """
    if len(value) < FRAME_BYTES or value[0] != 0:
        raise InputError(
            f"message {value[:8]!r}: expected a zero byte and a schema id; it is not Confluent-framed Avro"
        )
    number: int = struct.unpack(">I", value[1:FRAME_BYTES])[0]
    return number


def schema_file(path: Path) -> dict[str, Any]:
    """The Avro schema in an .avsc file.

    Raises:
        InputError: missing, unreadable, not JSON, or not an Avro record.
    """
    try:
        form = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"schema={path}: {error.strerror}; name an .avsc file that can be read") from None
    except ValueError as error:
        raise InputError(f"schema={path}: not JSON ({error}); expected an Avro record schema") from None
    try:
        fastavro.parse_schema(form)
    except fastavro.schema.UnknownType as error:
        raise InputError(f"schema={path}: not an Avro schema (type {error.name!r} is unknown)") from None
    except (fastavro.schema.SchemaParseException, KeyError, TypeError, ValueError) as error:
        raise InputError(f"schema={path}: not an Avro schema ({type(error).__name__}: {error})") from None
    if not isinstance(form, dict) or form.get("type") != "record":
        raise InputError(f"schema={path}: expected one Avro record at the top")
    faults = _name_faults(form)
    if faults:
        raise InputError(*(f"schema={path}: not an Avro schema ({fault})" for fault in faults))
    return form


def _name_faults(form: Mapping[str, Any]) -> list[str]:
    """What fastavro lets pass in a record: no fields, and names that Avro does not allow or that repeat."""
    names = [field["name"] for field in form.get("fields", [])]
    if not names:
        return ["it has no fields"]
    own = str(form["name"]).rpartition(".")[2]
    faults = [f"name {name!r} is not allowed" for name in (own, *names) if not re.fullmatch(LEGAL, name)]
    return faults + [f"field {name!r} repeats" for name in dict.fromkeys(names) if names.count(name) > 1]
