"""Avro schemas: derived from a TableSchema, and read from people's own."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fastavro

from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema

LEGAL = "[A-Za-z_][A-Za-z0-9_]*"
"""Names by the Avro specification."""


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
