"""Tables of the contest: what is missing is named, splits stay the same, cells mean the same to everybody."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.contest.tables import cleaned, late_flights, of_file, split, usual, wide, write_csv
from connectors.files import read_table
from schemas.errors import InputError


def test_cells_lose_their_blanks_and_missing_ones_are_alike() -> None:
    raw = pa.table({"a": [" x", "?", "NA", ""], "b": [1, None, 3, 4], "n": [" 1", "2.5", "NA", "?"]})
    assert cleaned(raw).to_pydict() == {"a": ["x", "?", "?", "?"], "b": [1, None, 3, 4], "n": ["1", "2.5", None, None]}


def test_strings_in_dictionaries_are_cleaned_too() -> None:
    raw = pa.table({"a": pa.array([" x", None]).dictionary_encode()})
    assert cleaned(raw).column("a").to_pylist() == ["x", "?"]


@pytest.mark.parametrize(("rows", "cut", "trained"), [(32_561, None, 26_048), (10, None, 8), (1_000, 100, 80)])
def test_a_split_is_four_fifths_and_loses_no_row(rows: int, cut: int | None, trained: int) -> None:
    table = pa.table({"i": range(rows)})
    first, second = split(table, cut)
    both = first.column("i").to_pylist() + second.column("i").to_pylist()
    assert (first.num_rows, len(set(both))) == (trained, cut or rows)
    assert split(table, cut)[0].equals(first)
    assert first.column("i").to_pylist() != list(range(trained))


def test_what_is_written_is_read_alike(tmp_path: Path) -> None:
    table = pa.table({"a": ['say "hi", you', "?", "x"], "n": ["1", "2", None]})
    write_csv(table, tmp_path / "t.csv")
    assert cleaned(read_table(tmp_path / "t.csv")).equals(table)


def test_missing_files_are_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "adult.csv").write_text("age,income\n39, <=50K\n")
    with pytest.raises(InputError) as caught:
        usual(["adult", "bank"], tmp_path)
    assert caught.value.faults == (
        f"--data {tmp_path}: missing bank_marketing (as .csv or .tsv or .jsonl or .ndjson or .json or .parquet,"
        " or .gz or .zip of it)",
    )
    assert [(t.name, t.target) for t in usual(["adult"], tmp_path)] == [("adult", "income")]


def test_without_a_folder_what_is_missing_says_so() -> None:
    with pytest.raises(InputError, match="--data: name the folder that has them: missing adult, bank_marketing"):
        usual(["adult", "bank"], None)


def test_columns_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError) as caught:
        of_file(tmp_path / "t.csv", "c", ["d", "a"])
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["--target c", "--public d"]


def test_flights_that_arrived_are_late_or_not_and_do_not_say_by_how_much() -> None:
    raw = pa.table(
        {"year": ["2013"] * 4, "time_hour": ["x"] * 4, "arr_delay": ["15", "16", "NA", "-3"], "dest": list("abcd")}
    )
    table = late_flights(raw)
    assert table.rows.column_names == ["dest", "late"]
    assert sorted(table.rows.to_pylist(), key=str) == [
        {"dest": "a", "late": "no"},
        {"dest": "b", "late": "yes"},
        {"dest": "d", "late": "no"},
    ]
    assert late_flights(raw, 2).rows.equals(table.rows.slice(0, 2))


def test_the_wide_table_has_what_it_is_made_for() -> None:
    table = wide(2_000)
    assert (table.rows.num_columns, table.target, table.public) == (100, "", ("place",))
    assert len(table.rows.column("place").unique()) == 2_000
    assert 0.45 < table.rows.column("half").null_count / 2_000 < 0.55
    assert [c.null_count for c in table.rows.drop_columns(["half"]).columns] == [0] * 99
