"""Avro types of any depth as Arrow types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pyarrow as pa

from schemas.avro import LOGICAL
from schemas.errors import InputError

PRIMITIVES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "string": pa.string(),
    "bytes": pa.binary(),
}


def understood(form: Any) -> Any:
    """The schema without logical types that are not understood: their values are what they annotate, as Avro asks."""
    if isinstance(form, list):
        return [understood(branch) for branch in form]
    if not isinstance(form, Mapping):
        return form
    kept = {
        key: understood(value) if key in ("type", "items", "values", "fields") else value for key, value in form.items()
    }
    if kept.get("logicalType") not in (*LOGICAL, "decimal"):
        kept.pop("logicalType", None)
    return kept


def arrow_schema(avro: Mapping[str, Any]) -> pa.Schema:
    """The Arrow schema of a record of any shape; strings and enums at the top are dictionaries.

    Raises:
        InputError: not a record, or a type that Arrow can not hold.
    """
    if avro.get("type") != "record" or not avro.get("fields"):
        raise InputError(
            f"schema type={avro.get('type')!r}: expected a 'record' with fields at the top of the Avro schema"
        )
    types = ArrowTypes()
    fields = types.of_fields(avro)
    top = [f.with_type(pa.dictionary(pa.int32(), f.type)) if f.type == pa.string() else f for f in fields]
    return pa.schema([f.with_name(form.get("column", f.name)) for f, form in zip(top, avro["fields"], strict=True)])


class ArrowTypes:
    """Arrow types of Avro types, with the named types met so far: None while one is read, for none may hold itself."""

    def __init__(self) -> None:
        self._named: dict[str, pa.DataType | None] = {}

    def of_fields(self, record: Mapping[str, Any]) -> list[Any]:
        """The Arrow fields of a record."""
        self._learn(record, None)
        if not record["fields"]:
            raise InputError(f"record {record['name']!r}: has no fields; expected at least one")
        return [self._field(form["name"], form["type"]) for form in record["fields"]]

    def _field(self, name: str, form: Any) -> Any:
        nullable = isinstance(form, list) and "null" in form
        if isinstance(form, list):
            branches = [branch for branch in form if branch != "null"]
            if len(branches) != 1:
                raise InputError(f"field {name!r}: a union of {len(branches)} types; expected one, besides null")
            form = branches[0]
        kind = self._known(name, form) if isinstance(form, str) else self._type(name, form)
        return pa.field(name, kind, nullable)

    def _known(self, name: str, form: str) -> pa.DataType:
        kind = PRIMITIVES.get(form, self._named.get(form))
        if kind is None:
            raise InputError(f"field {name!r}: type {form!r} is unknown, null alone, or holds itself")
        return kind

    def _type(self, name: str, form: Mapping[str, Any]) -> pa.DataType:
        logical, inner = form.get("logicalType"), form["type"]
        kind: Any
        if logical == "decimal":
            kind = pa.decimal256(form["precision"], form.get("scale", 0))
        elif logical is not None and LOGICAL.get(logical) == inner:
            kind = _logical(logical)
        elif inner == "array":
            kind = pa.list_(self._field("item", form["items"]))
        elif inner == "map":
            kind = pa.map_(pa.string(), self._field("value", form["values"]))
        elif inner == "record":
            kind = pa.struct(self.of_fields(form))
        elif inner == "enum":
            kind = pa.string()
        elif inner == "fixed":
            kind = pa.binary(form["size"])
        else:
            kind = self._field(name, inner).type
        if "name" in form:
            self._learn(form, kind)
        return cast(pa.DataType, kind)

    def _learn(self, form: Mapping[str, Any], kind: pa.DataType | None) -> None:
        self._named[form["name"]] = kind
        self._named[f"{form.get('namespace', '')}.{form['name']}"] = kind


def _logical(name: str) -> pa.DataType:
    if name == "date":
        return pa.date32()
    unit: Any = "ms" if name.endswith("millis") else "us"
    zone: Any = None if name.startswith("local") else "UTC"
    kind: pa.DataType = pa.timestamp(unit, zone)
    return kind
