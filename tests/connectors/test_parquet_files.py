"""Long Parquet files are looked at piece by piece; which rows are in memory is chance, and the same every time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.parquet_files import parquet_rows, read_parquet
from schemas.errors import InputError

ROWS = 200_000
TABLE = pa.table(
    {
        "n": range(ROWS),
        "word": pa.array([None if n % 1_000 == 7 else f"w{n // 1_000}" for n in range(ROWS)]),
        "x": pa.array([n / 7 for n in range(ROWS)]),
    }
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pq.write_table(TABLE, tmp_path / "t.parquet", row_group_size=70_000)
    return tmp_path / "t.parquet"


def test_the_pieces_are_the_table_each_time(file: Path) -> None:
    rows = parquet_rows(file, 5_000)
    for _ in range(2):
        pieces = list(rows.pieces())
        assert len(pieces) > 2
        assert pa.concat_tables(pieces).to_pydict() == TABLE.to_pydict()
    assert pieces[0].schema == rows.table.schema == read_parquet(file).schema


def test_the_rows_in_memory_are_drawn_evenly_each_once(file: Path) -> None:
    rows = parquet_rows(file, 5_000)
    assert (rows.count, rows.table.num_rows) == (ROWS, 5_000)
    chosen = rows.table["n"].to_numpy()
    assert np.array_equal(chosen, np.unique(chosen))
    assert chosen.mean() == pytest.approx(ROWS / 2, rel=0.05)
    assert rows.table["word"].to_pylist() == TABLE["word"].take(pa.array(chosen)).to_pylist()
    assert parquet_rows(file, 5_000).table == rows.table
    assert parquet_rows(file, 5_000, seed=1).table != rows.table


def test_a_table_that_is_not_long_is_in_memory(file: Path) -> None:
    rows = parquet_rows(file, ROWS)
    assert not rows.is_long
    assert rows.table == read_parquet(file)


def test_a_file_cut_short_is_refused(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"t\.parquet: not a Parquet file that can be read"):
        parquet_rows(file, 10)
    file.write_bytes(data[:8] + bytes(200_000) + data[200_008:])
    with pytest.raises(InputError, match=r"t\.parquet: not a Parquet file that can be read"):
        list(parquet_rows(file, 10).pieces())
