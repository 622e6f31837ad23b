"""Tables in files: CSV, TSV, JSON lines and Parquet, read, and written batch by batch."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa

from connectors.csv_files import csv_header, csv_rows, read_csv
from connectors.json_lines import json_rows, read_json_lines
from connectors.parquet_files import parquet_rows, parquet_writer, read_parquet
from schemas.errors import InputError, ServiceError
from schemas.rows import Rows
from schemas.table import TableSchema

READ = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
"""Endings that are read; all but Parquet also with .gz or .zip behind them."""

WRITTEN = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".parquet")
"""Endings that are written."""

ROWS_AT_ONCE = 65_536
"""Rows gathered before they are written; a row group of Parquet."""


def read_table(path: Path) -> pa.Table:
    """Read a table as it is.

    Cells of CSV and TSV come as raw strings, blanks kept; strings of JSON lines and Parquet come in dictionaries,
    which says that they are strings on purpose, save times in JSON, which has no other way to write them.

    Args:
        path: a file with one of the endings in `READ`, or with .gz or .zip behind it.

    Raises:
        InputError: missing, unreadable, of another form, not UTF-8, names that repeat, rows of unequal length, or
            mixed types.
    """
    kind = _ending(path)
    with _readable(path):
        if kind == ".parquet":
            return read_parquet(path)
        data = _content(path)
    if kind in (".csv", ".tsv"):
        return read_csv(data, str(path), "\t" if kind == ".tsv" else ",")
    return read_json_lines(data, str(path))


def read_rows(path: Path) -> Rows:
    """The rows of a table as `read_table` has them; those of a long Parquet file are not all in memory."""
    if _ending(path) != ".parquet":
        return Rows.of(read_table(path))
    with _readable(path):
        return parquet_rows(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a file that can be read") from None


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz").removesuffix(".zip")
    kind = next((kind for kind in READ if name.endswith(kind)), None)
    if kind is None or (kind == ".parquet" and not path.name.lower().endswith(kind)):
        raise InputError(
            f"{path}: not a known kind of table; expected {' '.join(READ)}, all but Parquet also .gz or .zip"
        )
    return kind


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    packed = path.suffix.lower()
    try:
        if packed == ".zip":
            return _member(path)
        data = path.read_bytes()
        return gzip.decompress(data) if packed == ".gz" else data
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: can not be unpacked ({error}); is it cut short?") from None


def _member(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX/")]
        if len(members) != 1:
            raise InputError(f"{path}: holds {len(members)} files; expected one table")
        return archive.read(members[0])


def write_table(batches: Iterable[pa.RecordBatch], schema: TableSchema, path: Path) -> None:
    """Write batches as they come; the file appears under its name only when all are written.

    CSV spells cells as the training file did; JSON has times as ISO 8601.

    Args:
        batches: each with the columns of the schema.
        schema: what the columns are.
        path: ends in one of `WRITTEN`; a file there is replaced.

    Raises:
        InputError: an ending that is not written, or no such folder.
        ServiceError: the file can not be written, disk full above all.
    """
    kind = writable(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with _opened(partial, kind, schema) as write:
            for batch in _gathered(batches):
                write(batch)
        partial.replace(path)
    except OSError as error:
        raise ServiceError(f"{path}: can not be written ({error.strerror or error}); nothing was left there") from None
    finally:
        partial.unlink(missing_ok=True)


def writable(path: Path) -> str:
    """Which of `WRITTEN` a path ends in.

    Raises:
        InputError: none, or its folder is not there.
    """
    kind = next((kind for kind in sorted(WRITTEN, key=len, reverse=True) if path.name.lower().endswith(kind)), None)
    if kind is None:
        raise InputError(f"{path}: not a kind of file that is written; expected {' '.join(WRITTEN)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    return kind


def write_text(key: str, path: Path, text: str) -> None:
    """Write a file of text, a page or a picture.

    Args:
        key: what the user calls the file.
        path: the file.
        text: what it is to hold.

    Raises:
        ServiceError: it can not be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ServiceError(f"{key}={path}: can not be written ({error.strerror or error})") from None


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about `ROWS_AT_ONCE`, none of them empty."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            held.append(batch)
        if sum(b.num_rows for b in held) >= ROWS_AT_ONCE:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    return table.to_batches()[0]


@contextmanager
def _opened(path: Path, kind: str, schema: TableSchema) -> Iterator[Callable[[pa.RecordBatch], object]]:
    """Open a file of a kind, write what stands before the rows, and hand out what writes a batch."""
    if kind == ".parquet":
        with path.open("wb") as file, parquet_writer(file, schema) as write:
            yield write
        return
    with ExitStack() as stack:
        put: Callable[[bytes], object]
        if kind.endswith(".gz"):
            put = stack.enter_context(gzip.open(path, "wb", compresslevel=6)).write
        else:
            put = stack.enter_context(path.open("wb")).write
        if kind.startswith(".jsonl"):
            yield lambda batch: put(json_rows(batch, schema))
            return
        delimiter = "\t" if kind.startswith(".tsv") else ","
        put(csv_header(schema, delimiter))
        yield lambda batch: put(csv_rows(batch, schema, delimiter))
