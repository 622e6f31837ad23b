"""Taking over an Avro schema people already have, so that a synthetic topic can stand in for a real one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.avro_fields import Field, fields
from schemas.errors import InputError
from schemas.table import Column, Kind, Role, TableSchema
from schemas.times import ISO_DATE

ACCEPTED = {
    Kind.INTEGER: (Kind.INTEGER,),
    Kind.NUMBER: (Kind.NUMBER, Kind.INTEGER),
    Kind.BOOLEAN: (Kind.BOOLEAN,),
    Kind.DATE: (Kind.DATE,),
    Kind.TIMESTAMP: (Kind.TIMESTAMP, Kind.DATE),
    Kind.CATEGORY: (Kind.CATEGORY, Kind.TEXT),
}
"""Which kinds of columns in a table can be published as a kind of field."""

KINDS = {
    "int": Kind.INTEGER,
    "long": Kind.INTEGER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
}
"""The kind of column that fills a field, by its label; timestamps beside."""

TEXTUAL = ("string", "enum", "bytes", "uuid")
"""Fields that columns of strings fill; bytes are then their UTF-8."""

UUID_FORMS = tuple(f"{digit}{{8}}(-{digit}{{4}}){{3}}-{digit}{{12}}" for digit in ("[0-9a-f]", "[0-9A-F]"))
"""How UUIDs are spelled; fresh ones are drawn in the spelling of a column's own, if it is one."""


def table_schema(avro: Mapping[str, Any], *, name: str | None = None) -> TableSchema:
    """The table that an Avro schema describes, before any data is seen; strings count as categories.

    Args:
        avro: a record; fields that no column can fill are left out.
        name: the table's name; the record's by default.

    Raises:
        InputError: the record has fields that Arrow can not hold.

    >>> table_schema({"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]})["a"].kind.value
    'integer'
    """
    columns = tuple(filter(None, map(_column, fields(avro))))
    return TableSchema(avro["name"] if name is None else name, columns, json.dumps(avro, ensure_ascii=False))


def text_columns(avro: Mapping[str, Any]) -> frozenset[str]:
    """The columns that a schema publishes as text, whatever their cells look like: `Choices.text` for `infer`."""
    return frozenset(field.column for field in fields(avro) if field.label in TEXTUAL)


def adopt(inferred: TableSchema, avro: Mapping[str, Any]) -> TableSchema:
    """The table's columns under an Avro schema people already have.

    Columns take the order and the types of the fields; columns that no field names are dropped; a field that
    the table lacks is published as its default.

    Args:
        inferred: the table as `infer` saw it, `text_columns(avro)` given as text.
        avro: a record; arrays, maps, records, times of day and fixed that are neither decimal nor UUID are published
            as their defaults.

    Raises:
        InputError: every field without default that the table lacks, and every column that can not be its field.
    """
    columns, faults = [], []
    for field in fields(avro):
        target = _column(field)
        if field.column not in inferred.names:
            faults += [] if field.has_default else [_lacking(field, inferred)]
        elif target is None:
            faults.append(_unfillable(field))
        else:
            column = inferred[field.column]
            faults += _mismatch(field, target, column)
            columns.append(_retyped(column, target, field))
    if faults:
        raise InputError(*faults)
    if not columns:
        raise InputError(f"schema {avro['name']!r}: none of its fields is a column of table {inferred.name!r}")
    return replace(inferred, columns=tuple(columns), wire=json.dumps(avro, ensure_ascii=False))


def misfits(table: pa.Table, avro: Mapping[str, Any]) -> list[str]:
    """What a conformed table holds that its wire schema can not carry: numbers too large, unknown symbols, no UUIDs."""
    faults = []
    for field in fields(avro):
        if field.column not in table.column_names:
            continue
        where = f"column {field.column!r}: holds"
        values = pc.unique(table[field.column]).drop_null().to_pylist()
        if field.type == "enum":
            unknown = sorted(str(v) for v in values if v not in field.symbols)
            if unknown:
                faults.append(
                    f"{where} {_listed(unknown)}; enum field {field.name!r} has only {_listed(field.symbols)}"
                )
        elif field.label == "int":
            limits = np.iinfo(np.int32)
            beyond = [v for v in values if not limits.min <= int(str(v)) <= limits.max]
            if beyond:
                faults.append(f"{where} {beyond[0]}; field {field.name!r} is an int of 32 bits")
        elif field.label == "decimal":
            precision, scale = field.digits
            beyond = [v for v in values if abs(float(str(v))) > 10.0 ** (precision - scale) - 10.0**-scale]
            if beyond:
                faults.append(
                    f"{where} {beyond[0]}; field {field.name!r} has {precision - scale} digits before the point"
                )
        elif field.label == "uuid" and not any(all(re.fullmatch(form, str(v)) for v in values) for form in UUID_FORMS):
            faults.append(f"{where} strings that are no UUIDs in one spelling; field {field.name!r} is uuid")
    return faults


def _listed(values: Sequence[str]) -> str:
    return ", ".join(map(repr, values[:10])) + (", ..." if len(values) > 10 else "")


def _column(field: Field) -> Column | None:
    """The column that fills a field; None when none does."""
    type_, nullable = field.arrow_type, field.null_index is not None
    if isinstance(type_, pa.TimestampType):
        unit = "us" if type_.unit == "ns" else type_.unit
        return Column(field.column, Kind.TIMESTAMP, nullable=nullable, time_unit=unit, timezone=type_.tz)
    kind = Kind.CATEGORY if field.label in TEXTUAL else KINDS.get(field.label)
    return None if kind is None else Column(field.column, kind, nullable=nullable)


def _retyped(column: Column, target: Column, field: Field) -> Column:
    if field.type == "enum":  # no fresh string could be one of its symbols
        role = Role.ATTRIBUTE if column.role in (Role.KEY, Role.IDENTIFIER) else column.role
        return replace(column, kind=Kind.CATEGORY, nullable=target.nullable, role=role, semantic=None)
    if target.kind is Kind.CATEGORY:  # the data decided between category and text
        return replace(column, nullable=target.nullable)
    spelling = column.spelling
    if column.kind is Kind.DATE and target.kind is Kind.TIMESTAMP and spelling.time_format is None:
        spelling = replace(spelling, time_format=ISO_DATE)
    decimals = 0 if column.kind is Kind.INTEGER and target.kind is Kind.NUMBER else column.decimals
    return replace(
        column,
        kind=target.kind,
        nullable=target.nullable,
        decimals=decimals,
        time_unit=target.time_unit,
        timezone=target.timezone,
        spelling=spelling,
    )


def _mismatch(field: Field, target: Column, column: Column) -> list[str]:
    faults = []
    if column.kind not in ACCEPTED[target.kind]:
        faults.append(
            f"column {column.name!r}: holds {column.kind.value}, but field {field.name!r} is "
            f"{field.label}; expected {' or '.join(kind.value for kind in ACCEPTED[target.kind])}"
        )
    elif field.label == "decimal" and column.kind is Kind.NUMBER:
        scale = field.digits[1]
        if column.decimals is None or column.decimals > scale:
            faults.append(
                f"column {column.name!r}: holds numbers of more than {scale} decimals, but field {field.name!r} is "
                f"decimal of scale {scale}; round the column"
            )
    if column.mask and (field.type == "enum" or field.label == "uuid"):
        faults.append(
            f"policy {column.name}=mask: field {field.name!r} is {field.label}: no place for stars; drop it or fake it"
        )
    if column.nullable and not target.nullable:
        faults.append(f"column {column.name!r}: has missing values, but field {field.name!r} does not allow null")
    return faults


def _unfillable(field: Field) -> str:
    return (
        f"column {field.column!r}: no column of a table can be the field {field.name!r}, which is {field.label}; "
        "leave the column out and give the field a default"
    )


def _lacking(field: Field, inferred: TableSchema) -> str:
    near = get_close_matches(field.column, inferred.names, 1, 0.6)
    hint = f"did you mean its column {near[0]!r}? " if near else ""
    return (
        f"field {field.name!r}: table {inferred.name!r} has no such column, and the field has no default; "
        f'{hint}name the column with "column" in the field, or give the field a default'
    )
