"""Parquet: read whole, or piece by piece where a table is long; and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.rows import MOST_ROWS, PIECE_ROWS, Rows
from schemas.table import TableSchema


def read_parquet(path: Path) -> pa.Table:
    """The whole table; strings come in dictionaries, which says that they are strings on purpose.

    Raises:
        InputError: not a Parquet file that can be read.
        OSError: no file that can be read.
    """
    with _opened(path) as file:
        return _plain(file.read())


def parquet_rows(path: Path, most: int = MOST_ROWS, seed: int = 0) -> Rows:
    """The rows of a file, as `read_parquet` has them; of a long table some in memory, and all piece by piece.

    Args:
        path: the file.
        most: a table of more rows is long; so many are then in memory, drawn without replacement.
        seed: seeds which.

    Raises: as `read_parquet`, also in the midst of the pieces.
    """
    with _opened(path) as file:
        count = file.metadata.num_rows
    if count <= most:
        return Rows.of(read_parquet(path))

    def pieces() -> Iterator[pa.Table]:
        with _opened(path) as file:
            yield from (_plain(pa.Table.from_batches([batch])) for batch in file.iter_batches(PIECE_ROWS))

    chosen = np.sort(np.random.default_rng(seed).choice(count, most, replace=False, shuffle=False))
    return Rows(pa.concat_tables(_taken(pieces(), chosen)).unify_dictionaries().combine_chunks(), count, pieces)


def _taken(pieces: Iterator[pa.Table], chosen: npt.NDArray[np.int64]) -> Iterator[pa.Table]:
    """Of each piece the rows that are among the chosen ones, which rise."""
    first = 0
    for piece in pieces:
        low, high = np.searchsorted(chosen, (first, first + piece.num_rows))
        yield piece.take(chosen[low:high] - first)
        first += piece.num_rows


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    with path.open("rb") as file:
        try:
            yield pq.ParquetFile(file)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise InputError(f"{path}: not a Parquet file that can be read ({' '.join(str(error).split())})") from None


def _plain(table: pa.Table) -> pa.Table:
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()).dictionary_encode())
    return table.replace_schema_metadata(None)


@contextmanager
def parquet_writer(file: IO[bytes], schema: TableSchema) -> Iterator[Callable[[pa.RecordBatch], object]]:
    """What writes batches of a table's columns to a file, a row group each."""
    kinds = schema.arrow_schema
    with pq.ParquetWriter(file, kinds) as writer:
        yield lambda batch: writer.write_batch(batch.select(schema.names).cast(kinds))
