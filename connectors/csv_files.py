"""CSV and TSV: raw cells in, cells spelled as the training file had them out."""

from __future__ import annotations

import csv
import io
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from connectors.text_files import BLOCK_BYTES, checked_text, lines
from schemas.errors import InputError
from schemas.spelling import spell
from schemas.table import TableSchema

SHOWN = 3
"""How many faulty rows a message names."""


def read_csv(data: bytes, name: str, delimiter: str) -> pa.Table:
    """Read cells as raw strings.

    Args:
        data: the whole file; the first line has the names.
        name: the file, for people.
        delimiter: what stands between cells.

    Raises:
        InputError: not UTF-8, names that repeat, rows of another length, or a quote that is never closed.

    >>> read_csv(b"a,b\\n 1,NA\\n", "t.csv", ",").to_pydict()
    {'a': [' 1'], 'b': ['NA']}
    """
    data = checked_text(data, name)
    if not data.endswith((b"\n", b"\r")):
        data += b"\n"
    names = _header(data, name, delimiter)
    ragged: list[pacsv.InvalidRow] = []

    def remember(row: pacsv.InvalidRow) -> Literal["skip"]:
        ragged.append(row)
        return "skip"

    try:
        table = pacsv.read_csv(
            io.BytesIO(data),
            # One thread, for rows have no numbers otherwise.
            read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
                invalid_row_handler=remember,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{name}: can not be read as CSV ({error})") from None
    if ragged:
        raise InputError(_ragged(ragged, name))
    _check_quotes(data, table, name)
    return table


def _header(data: bytes, name: str, delimiter: str) -> list[str]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    try:
        names = next((row for row in csv.reader(text, delimiter=delimiter) if row), [])
    except csv.Error as error:
        raise InputError(f"{name}: its first line can not be read as CSV ({error})") from None
    faults = [f"{name}: column {i + 1} has no name; name it or leave it out" for i, n in enumerate(names) if not n]
    repeated = dict.fromkeys(n for n in names if n and names.count(n) > 1)
    faults += [f"{name}: column {n!r} is there {names.count(n)} times; rename or drop the others" for n in repeated]
    if faults:
        raise InputError(*faults)
    return names


def _ragged(rows: list[pacsv.InvalidRow], name: str) -> str:
    shown = ", ".join(f"row {r.number - 1} has {r.actual_columns}" for r in rows[:SHOWN] if r.number is not None)
    more = f" ({len(rows) - SHOWN:,} more rows like it)" if len(rows) > SHOWN else ""
    return f"{name}: expected {rows[0].expected_columns} cells in every row, but {shown}{more}; mend or drop them"


def _check_quotes(data: bytes, table: pa.Table, name: str) -> None:
    """A quote that is never closed swallows the rest of the file into the last cell."""
    if data.count(b'"') % 2 == 0 or not table.num_rows:
        return
    last = table.column(table.num_columns - 1)[-1].as_py()
    if isinstance(last, str) and "\n" in last:
        raise InputError(f"{name}: the quote opened in row {table.num_rows} is never closed")


def csv_header(schema: TableSchema, delimiter: str) -> bytes:
    """The first line of a CSV file."""
    return lines([_escaped(pa.array([name]), delimiter) for name in schema.names], delimiter)


def csv_rows(batch: pa.RecordBatch, schema: TableSchema, delimiter: str) -> bytes:
    """The lines of a batch, each cell as its column's spelling has it.

    Args:
        batch: has the columns of the schema.
        schema: what they are.
        delimiter: what stands between cells.
    """
    cells = [_escaped(spell(batch.column(c.name), c), delimiter) for c in schema]
    if len(cells) == 1:  # readers skip an empty line
        cells = [pc.if_else(pc.equal(cells[0], pa.scalar("")), pa.scalar('""'), cells[0])]
    return lines(cells, delimiter)


def _escaped(cells: Any, delimiter: str) -> Any:
    """Quote the cells that need it."""
    needs = pc.match_substring_regex(cells, f'[{delimiter}"\\r\\n]')
    if not pc.any(needs).as_py():
        return cells
    doubled = pc.replace_substring(cells, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise(pa.scalar('"'), doubled, pa.scalar('"'), pa.scalar("")), cells)
