"""JSON lines: an object a line."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from connectors.text_files import BLOCK_BYTES, checked_text, lines
from schemas.errors import InputError
from schemas.spelling import spell_json
from schemas.table import TableSchema

FAMILIES: dict[type, str] = {
    bool: "booleans",
    int: "numbers",
    float: "numbers",
    str: "strings",
    list: "lists",
    dict: "objects",
}


def read_json_lines(data: bytes, name: str) -> pa.Table:
    """Read an object a line; a key that a line lacks is null there.

    Args:
        data: the whole file.
        name: the file, for people.

    Returns:
        Typed columns. Times, which JSON writes as strings, come as plain strings; other strings in dictionaries.

    Raises:
        InputError: not UTF-8, not JSON lines, or a column of mixed types.

    >>> read_json_lines(b'{"a": 1}\\n{"a": 2.5, "b": "x"}\\n', "t.jsonl").to_pydict()
    {'a': [1.0, 2.5], 'b': [None, 'x']}
    """
    data = checked_text(data, name)
    try:
        table = _read(data, [])
        times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
        if times:
            table = _read(data, times)
    except pa.ArrowInvalid as error:
        faults = _faults(data, name) or [f"{name}: can not be read as JSON lines ({error})"]
        raise InputError(*faults) from None
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type) and field.name not in times:
            table = table.set_column(i, field.name, table.column(i).dictionary_encode())
    return table


def _read(data: bytes, strings: list[str]) -> pa.Table:
    explicit = pa.schema([(name, pa.string()) for name in strings]) if strings else None
    return pajson.read_json(
        io.BytesIO(data),
        read_options=pajson.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        parse_options=pajson.ParseOptions(explicit_schema=explicit, newlines_in_values=False),
    )


def _faults(data: bytes, name: str) -> list[str]:
    """What is wrong, line by line: only asked of files that could not be read."""
    first: dict[str, tuple[str, int]] = {}
    mixed: dict[str, str] = {}
    for number, line in enumerate(data.decode().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            hint = "; a list over several lines is not JSON lines" if line.lstrip().startswith("[") else ""
            return [f"{name}: line {number} is not JSON ({error}){hint}"]
        if not isinstance(row, dict):
            return [f"{name}: line {number} holds {FAMILIES.get(type(row), 'null')}; expected an object a line"]
        for key, value in row.items():
            if value is None:
                continue
            family, line_of_first = first.setdefault(key, (FAMILIES[type(value)], number))
            if FAMILIES[type(value)] != family:
                mixed.setdefault(
                    key,
                    f"{name}: column {key!r}: mixed types: {family} in line {line_of_first}, "
                    f"{FAMILIES[type(value)]} in line {number}; expected one type",
                )
    return list(mixed.values())


def json_rows(batch: pa.RecordBatch, schema: TableSchema) -> bytes:
    """The lines of a batch.

    Args:
        batch: has the columns of the schema.
        schema: what they are.
    """
    parts: list[Any] = []
    for i, column in enumerate(schema):
        parts.append(pa.scalar(("{" if i == 0 else ",") + json.dumps(column.name, ensure_ascii=False) + ":"))
        parts.append(spell_json(batch.column(column.name), column))
    return lines([*parts, pa.scalar("}")], "")
