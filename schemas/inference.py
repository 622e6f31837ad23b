"""From a table as it was read to its schema (`infer`), and to columns of that schema's types (`conform`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.adoption import misfits
from schemas.cells import NULL_TOKENS, Cells
from schemas.conforming import cast_cells, cast_values
from schemas.errors import InputError, noted
from schemas.kinds import Seen, Wish, column_of_cells
from schemas.policies import Wishes, wish_faults, with_meanings
from schemas.rows import Rows
from schemas.table import Column, Kind, Role, TableSchema
from schemas.typed_kinds import column_of_values

KEY_NAME = re.compile(r"^(id|key|uuid|guid|pk)$|[_ .-](id|key|uuid|guid|pk)$", re.IGNORECASE)
KEY_NAME_CAMEL = re.compile(r"[a-z0-9](Id|ID|Key|Uuid|UUID|Guid|GUID)$")

GLANCE = 50
"""So many cells tell of most columns that they are not empty."""


@dataclass(frozen=True)
class Choices:
    """What a user says about the columns of a table.

    Args:
        target: the column others will learn to predict.
        public: columns whose values may be copied as they are.
        event_time: the timestamp that says when a row happened.
        key: the column that identifies rows; found by its name when absent.
        text: columns that are strings, whatever their cells look like.
        wishes: what columns of text mean, and what becomes of their values.
    """

    target: str | None = None
    public: frozenset[str] = frozenset()
    event_time: str | None = None
    key: str | None = None
    text: frozenset[str] = frozenset()
    wishes: Wishes = field(default_factory=Wishes)


def infer(table: pa.Table, name: str, *, choices: Choices = Choices()) -> TableSchema:
    """Find out what the columns of a table are.

    Cells of plain strings are raw, as a CSV file has them: numbers, dates, booleans and missing values are recognised
    in them. Dictionaries of strings are strings on purpose.

    Args:
        table: two rows or more.
        name: the table's name.
        choices: what the user says.

    Raises:
        InputError: every fault of the table and of the choices.

    >>> infer(pa.table({"id": ["7", "8"], "at": ["2020-01-31", "NA"]}), "t")["at"].kind.value
    'date'
    """
    faults = _table_faults(table, name) + _choice_faults(table, choices)
    dropped = tuple(each for each in table.column_names if each in choices.wishes.dropped)
    table = table.select([i for i, each in enumerate(table.column_names) if each not in dropped])
    if dropped and not table.num_columns:
        faults.append(f"policy {dropped[0]}=drop: leaves no column; keep one")
    seen: dict[str, Seen] = {}
    if table.num_rows > 1:
        for i, column in enumerate(table.column_names):
            wish = Wish(column in choices.public, column in choices.text)
            with noted(faults):
                seen[column] = _seen(column, table.column(i), wish)
    faults += _role_faults(seen, choices)
    if faults:
        raise InputError(*faults)
    columns, locales = with_meanings(table, _with_roles(seen, choices), choices.wishes)
    return TableSchema(name, columns, locales=locales, dropped=dropped)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are strings, in a dictionary or not."""
    inner = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)


def empty_columns(table: pa.Table) -> list[str]:
    """The columns in which no row has a value; cells of text may mean that one is missing."""
    return [name for name, values in zip(table.column_names, table.columns, strict=True) if _is_empty(values)]


def _is_empty(values: pa.ChunkedArray[Any]) -> bool:
    if values.null_count == len(values):
        return True
    if not is_text(values.type):
        return False
    first = values.slice(0, GLANCE)  # says no at once of most columns
    return all(
        str(text).strip() in NULL_TOKENS for part in (first, values) for text in Cells.of(part).values.to_pylist()
    )


def _seen(name: str, values: pa.ChunkedArray[Any], wish: Wish) -> Seen:
    kind = values.type
    if is_text(kind):
        return column_of_cells(name, Cells.of(values), wish, raw=not isinstance(kind, pa.DictionaryType))
    if pa.types.is_null(kind):
        values = values.cast(pa.int64())
    if isinstance(kind, pa.DictionaryType):
        values = values.cast(kind.value_type)
    if wish.text or pa.types.is_time(kind):
        return column_of_cells(name, Cells.of(values), wish, raw=False)
    return column_of_values(name, values, wish)


def _table_faults(table: pa.Table, name: str) -> list[str]:
    faults = []
    if table.num_columns == 0 or table.num_rows == 0:
        faults.append(f"table {name!r}: is empty; expected at least two rows")
    elif table.num_rows == 1:
        faults.append(f"table {name!r}: has a single row; expected at least two")
    names = table.column_names
    faults += [f"column {i + 1}: has no name; name it or leave it out" for i, n in enumerate(names) if not n]
    repeated = [n for n in dict.fromkeys(names) if n and names.count(n) > 1]
    faults += [f"column {n!r}: is there {names.count(n)} times; rename or drop the others" for n in repeated]
    return faults


def _choice_faults(table: pa.Table, choices: Choices) -> list[str]:
    named = [("target", choices.target), ("key", choices.key), ("event_time", choices.event_time)]
    named += [("public", name) for name in sorted(choices.public)] + [("text", name) for name in sorted(choices.text)]
    named += [("policy", name) for name in choices.wishes.policies]
    named += [("semantic", name) for name in choices.wishes.meanings]
    faults = []
    for choice, name in named:
        if name is not None and name not in table.column_names:
            near = get_close_matches(name, table.column_names, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(table.column_names)}"
            faults.append(f"{choice}={name}: the table has no such column; {hint}")
    if choices.key is not None and choices.key in choices.public:
        faults.append(f"key={choices.key}: can not be public too, since keys are made afresh; drop one of the two")
    roles = [name for _, name in named[:3] if name is not None]
    faults += [f"column {n!r}: is chosen for two roles; choose one" for n in dict.fromkeys(roles) if roles.count(n) > 1]
    return faults


def _role_faults(seen: dict[str, Seen], choices: Choices) -> list[str]:
    faults = []
    if choices.event_time in seen:
        kind = seen[choices.event_time].column.kind
        if kind is not Kind.TIMESTAMP:
            faults.append(f"event_time={choices.event_time}: holds {kind.value}; expected a column of timestamps")
    if choices.key in seen:
        found = seen[choices.key]
        if not _can_be_key(found):
            has = "repeats or misses values" if not found.unique else f"holds {found.column.kind.value}"
            faults.append(f"key={choices.key}: {has}; expected integers or text, each once")
    roles = {"target": choices.target, "key": choices.key, "event time": choices.event_time}
    columns = {name: found.column for name, found in seen.items()}
    return faults + wish_faults(choices.wishes, columns, {n: role for role, n in roles.items() if n is not None})


def _can_be_key(found: Seen) -> bool:
    return found.unique and found.column.kind in (Kind.INTEGER, Kind.TEXT) and not found.column.public


def _with_roles(seen: dict[str, Seen], choices: Choices) -> tuple[Column, ...]:
    key = choices.key
    if key is None:
        taken = (choices.target, choices.event_time)
        named = (n for n, found in seen.items() if n not in taken and named_like_a_key(n) and _can_be_key(found))
        key = next(named, None)
    roles = {choices.target: Role.TARGET, choices.event_time: Role.EVENT_TIME, key: Role.KEY}
    columns = (found.column for found in seen.values())
    return tuple(replace(column, role=roles.get(column.name, column.role)) for column in columns)


def named_like_a_key(name: str) -> bool:
    """Whether a name says that the column identifies rows.

    >>> [named_like_a_key(name) for name in ("id", "order_id", "customerID", "paid", "monkey")]
    [True, True, True, False, False]
    """
    return bool(KEY_NAME.search(name) or KEY_NAME_CAMEL.search(name))


def conform(table: pa.Table, schema: TableSchema) -> pa.Table:
    """Cast a table to its schema: every column to its type, missing values to null, one dictionary a category.

    Args:
        table: has every column of the schema; others are left out.
        schema: what the columns are.

    Returns:
        A table under `schema.arrow_schema`, in one chunk.

    Raises:
        InputError: missing columns; cells that are no value of their column, with their row, counted from 1; values
            that the schema's own Avro schema can not carry.
    """
    arrays, faults = [], list[str]()
    for column in schema:
        if column.name not in table.column_names:
            near = get_close_matches(column.name, table.column_names, 1)
            hint = f"; did you mean its column {near[0]!r}?" if near else ""
            faults.append(f"column {column.name!r}: the table has no such column{hint}")
            continue
        values = table.column(column.name)
        cast: Callable[[Column, pa.ChunkedArray[Any]], pa.Array[Any]]
        cast = cast_cells if is_text(values.type) else cast_values
        with noted(faults):
            arrays.append(cast(column, values))
    if faults:
        raise InputError(*faults)
    conformed = pa.Table.from_arrays(arrays, schema=schema.arrow_schema)
    if schema.wire is not None:
        faults = misfits(conformed, json.loads(schema.wire))
    if faults:
        raise InputError(*faults)
    return conformed


def infer_rows(rows: Rows, name: str, *, choices: Choices = Choices()) -> TableSchema:
    """`infer` of a table that may be long: by the rows that are drawn of it, and by where values are missing in all.

    Args: as of `infer`.
    """
    if not rows.is_long:
        return infer(rows.table, name, choices=choices)
    try:
        schema = infer(rows.table, name, choices=choices)
    except InputError as error:
        seen = f"seen in {rows.table.num_rows:,} of {rows.count:,} rows"
        raise InputError(*(f"{fault} ({seen})" for fault in error.faults)) from None
    missing = {c.name for piece in rows.pieces() for c in schema if not c.nullable and _misses(piece.column(c.name))}
    if not missing:
        return schema
    columns = (replace(column, nullable=True) if column.name in missing else column for column in schema)
    return replace(schema, columns=tuple(columns))


def _misses(values: pa.ChunkedArray[Any]) -> bool:
    return values.null_count > 0 or (pa.types.is_floating(values.type) and bool(pc.any(pc.is_nan(values)).as_py()))


def conform_rows(rows: Rows, schema: TableSchema) -> Rows:
    """`conform` of a table that may be long; of its pieces, as they come."""

    def pieces() -> Iterator[pa.Table]:
        first = 0
        for piece in rows.pieces():
            last = first + piece.num_rows
            try:
                yield conform(piece, schema)
            except InputError as error:
                raise InputError(*(f"of rows {first + 1:,} to {last:,}: {fault}" for fault in error.faults)) from None
            first = last

    table = conform(rows.table, schema)
    return Rows(table, rows.count, pieces) if rows.is_long else Rows.of(table)
