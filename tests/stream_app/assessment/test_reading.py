"""Tables are read under the real one's schema, and what does not fit is refused whole, a line a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.files import write_table
from schemas.errors import InputError
from schemas.inference import conform
from stream_app.assessment.reading import Asked, read
from stream_app.assessment.tables import Tables
from tests.stream_app.assessment.planted import people, put, schema_of


def written(table: pa.Table, path: Path) -> Path:
    schema = schema_of(people(200, 1))
    write_table(conform(table, schema).to_batches(), schema, path)
    return path


def read_quietly(asked: Asked) -> Tables:
    return read(asked, lambda done, doing: None)[0]


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return written(people(200, 1), tmp_path / "real.csv")


def test_tables_agree_in_types_and_every_column_may_be_empty(real: Path, tmp_path: Path) -> None:
    holed = put(people(150, 2), "size", pa.array([None] * 150, pa.float64()))
    tables = read_quietly(Asked(real, written(holed, tmp_path / "s.csv"), real, target="left"))
    assert tables.real.table.schema == tables.synthetic.table.schema
    assert [side.rows for side in (tables.real, tables.synthetic)] == [200, 150]
    assert tables.synthetic.table.column("size").null_count == 150


def test_every_difference_of_columns_and_types_is_listed(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("size,pay,city,plan,visits,more\nx,1.5,Roma,gold,2,1\n")
    with pytest.raises(InputError) as caught:
        read_quietly(Asked(real, path))
    assert [fault.removeprefix(f"{path}: column ") for fault in caught.value.faults] == [
        "'more': the real table has no such column; drop it",
        "'size', row 1: 'x' is no number",
        "'left': is in the real table and missing here",
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": "colour"}, "target=colour: the table has no such column"),
        ({"synthetic": Path("gone.csv")}, "gone.csv: No such file"),
        ({"holdout": Path("h.csv"), "split": True}, "--split and --holdout h.csv: give one of them"),
    ],
)
def test_bad_input_is_refused(real: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_quietly(Asked(**{"real": real, "synthetic": real, **asked}))


def test_a_target_of_one_value_is_refused_and_missing_ones_are_told(tmp_path: Path) -> None:
    one = put(people(200, 1), "left", pa.array([True] * 200))
    path = written(one, tmp_path / "one.csv")
    with pytest.raises(InputError, match="target=left: has fewer than two values"):
        read_quietly(Asked(path, path, target="left"))
    holed = put(people(200, 1), "left", pa.array([True, False, None, None] * 50))
    path = written(holed, tmp_path / "holed.csv")
    assert "100 real rows have no left" in " ".join(read_quietly(Asked(path, path, target="left")).notes)


def test_a_split_parts_the_real_rows_and_says_that_training_saw_them(real: Path) -> None:
    tables = read_quietly(Asked(real, real, split=True))
    assert tables.holdout is not None
    assert (tables.real.rows, tables.holdout.rows) == (160, 40)
    assert "trained on" in tables.notes[0]
    again = read_quietly(Asked(real, real, split=True))
    assert again.real.table == tables.real.table


def test_constant_and_empty_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "dull.csv"
    numbers = np.arange(60).tolist()
    path.write_text("a,b,c\n" + "".join(f"{n},7,\n" for n in numbers))
    assert read_quietly(Asked(path, path)).real.rows == 60


def test_a_table_of_keys_and_text_has_nothing_to_compare(tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_text("id\n" + "".join(f"k-{n}-{n * n}\n" for n in range(2_000)))
    with pytest.raises(InputError, match="every column is a key or text"):
        read_quietly(Asked(path, path))
