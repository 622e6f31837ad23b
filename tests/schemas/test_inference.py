"""From tables as they were read to schemas, and to typed columns."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.inference import Choices, conform, conform_rows, infer, infer_rows
from schemas.rows import Rows
from schemas.spelling import spell
from schemas.table import Kind, Role, TableSchema

PEOPLE = pa.table(
    {
        "person_id": [str(i) for i in range(20)],
        "name": [f"Name {i}" for i in range(20)],
        "at": ["2020-01-01 10:00:00", "NA"] * 10,
        "sex": ["f", "m"] * 10,
        "age": ["1", "2", "3", "NA"] * 5,
    }
)


def test_kinds_and_roles() -> None:
    schema = infer(PEOPLE, "people")
    assert [c.kind.value for c in schema] == ["integer", "text", "timestamp", "category", "integer"]
    assert [c.role.value for c in schema] == ["key", "identifier", "attribute", "attribute", "attribute"]
    assert TableSchema.from_json(schema.to_json()) == schema


def test_choices_give_roles() -> None:
    schema = infer(
        PEOPLE, "people", choices=Choices(target="sex", public=frozenset({"name"}), event_time="at", key="person_id")
    )
    assert [c.role for c in schema] == [Role.KEY, Role.ATTRIBUTE, Role.EVENT_TIME, Role.TARGET, Role.ATTRIBUTE]
    assert not schema["name"].is_surrogate
    assert infer(PEOPLE, "people", choices=Choices(key="name"))["name"].role is Role.KEY
    assert infer(PEOPLE, "people", choices=Choices(target="person_id"))["person_id"].role is Role.TARGET


def test_at_most_one_key_and_only_by_its_name() -> None:
    table = pa.table({"x": ["1", "2"], "a_id": ["1", "2"], "b_id": ["1", "2"], "c_id": ["1", "1"]})
    assert [c.role.value for c in infer(table, "t")] == ["attribute", "key", "attribute", "attribute"]


def test_every_fault_is_listed_at_once() -> None:
    columns: list[list[Any]] = [["1", "2"], [[1], [2]], ["", ""], ["1", "2"]]
    table = pa.table([pa.array(values) for values in columns], names=["a", "list", "none", "a"])
    with pytest.raises(InputError) as error:
        infer(table, "t", choices=Choices(target="lisst", key="zzz", public=frozenset({"b"}), text=frozenset({"q"})))
    text = str(error.value)
    for part in ("'a': is there 2 times", "'list': holds list", "'none': every cell", "did you mean 'list'"):
        assert part in text
    for choice in ("target=lisst", "key=zzz", "public=b", "text=q"):
        assert choice in text


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pa.table({}), "is empty"),
        (pa.table({"a": pa.array([], pa.string())}), "is empty"),
        (pa.table({"a": ["1"]}), "has a single row"),
        (pa.table({"": ["1", "2"]}), "column 1: has no name"),
        (pa.table({"a": pa.nulls(2)}), "every cell is missing"),
    ],
)
def test_tables_that_can_not_be_learnt_are_refused(table: pa.Table, says: str) -> None:
    with pytest.raises(InputError, match=says):
        infer(table, "t")


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (Choices(key="sex"), "key=sex: repeats or misses values"),
        (Choices(event_time="age"), "event_time=age: holds integer"),
        (Choices(target="sex", key="sex"), "chosen for two roles"),
        (Choices(key="person_id", public=frozenset({"person_id"})), "can not be public too"),
    ],
)
def test_choices_that_do_not_fit_are_refused(choices: Choices, says: str) -> None:
    with pytest.raises(InputError, match=says):
        infer(PEOPLE, "people", choices=choices)


def test_typed_tables() -> None:
    frame = pd.DataFrame(
        {"i": [1, 2], "f": [0.5, None], "s": ["7", "8"], "b": [True, False], "d": [date(2020, 1, 1)] * 2}
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.set_column(2, "s", table["s"].cast(pa.large_string()).cast(pa.string()).dictionary_encode())
    schema = infer(table, "t")
    assert [c.kind for c in schema] == [Kind.INTEGER, Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN, Kind.DATE]
    assert conform(table, schema)["f"].to_pylist() == [0.5, None]
    other = pa.table(
        {
            "codes": pa.array([1, 2] * 5).dictionary_encode(),
            "t": pa.array([1, 2] * 5, pa.time32("s")),
            "l": pa.array(["x"] * 10, pa.large_string()),
        }
    )
    assert [c.kind.value for c in infer(other, "t")] == ["integer", "category", "category"]
    assert conform(other, infer(other, "t")).schema == infer(other, "t").arrow_schema


def test_conform_gives_the_types_of_the_schema() -> None:
    schema = infer(PEOPLE, "people")
    table = conform(PEOPLE, schema)
    assert table.schema == schema.arrow_schema
    assert table["age"].to_pylist()[:4] == [1, 2, 3, None]
    assert len(table.to_batches()) == 1
    assert conform(PEOPLE.select(["age", "sex", "at", "name", "person_id"]), schema) == table


def test_a_long_table_is_seen_by_some_of_its_rows_and_by_what_is_missing_in_all() -> None:
    table = pa.table({"n": [1, 2, 3, None], "x": [0.5, 1.5, 2.5, float("nan")], "w": ["a", "b", "a", "b"]})
    long = Rows(table.slice(0, 3), 4, lambda: iter((table.slice(0, 3), table.slice(3))))
    schema = infer_rows(long, "t")
    assert [column.nullable for column in schema] == [True, True, False]
    assert schema == infer(table, "t")
    whole = conform_rows(long, schema).whole(schema.names)
    assert whole.to_pydict() == conform(table, schema).to_pydict()
    assert infer_rows(Rows.of(table), "t") == schema


def test_a_row_of_a_long_table_that_is_refused_is_found() -> None:
    table = pa.table({"n": [1.0, 2.0, 0.5]})
    schema = infer(pa.table({"n": [1, 2]}), "t")
    long = Rows(table.slice(0, 2), 3, lambda: iter((table.slice(0, 2), table.slice(2))))
    with pytest.raises(InputError, match=r"column 'n', row 2: is infinite; .* \(seen in 2 of 3 rows\)"):
        infer_rows(Rows(pa.table({"n": [1.0, float("inf")]}), 3, long.pieces), "t")
    with pytest.raises(InputError, match="of rows 3 to 3: column 'n': holds double, expected integer"):
        list(conform_rows(long, schema).pieces())


def test_categories_do_not_depend_on_the_order_of_rows() -> None:
    table = pa.concat_tables([pa.table({"c": ["b"] * 5}), pa.table({"c": ["a", None] * 5})])
    schema = infer(table, "t")
    forth: Any = conform(table, schema)["c"].chunk(0)
    back: Any = conform(table.take(list(range(14, -1, -1))), schema)["c"].chunk(0)
    assert forth.dictionary.to_pylist() == back.dictionary.to_pylist() == ["a", "b"]


def test_conform_lists_every_fault() -> None:
    schema = infer(PEOPLE, "people")
    bad = PEOPLE.drop_columns(["sex"]).append_column("sexx", PEOPLE["sex"])
    bad = bad.set_column(0, "person_id", pa.array(["x", *[""] * 19])).set_column(2, "at", pa.array(["soon"] * 20))
    with pytest.raises(InputError) as error:
        conform(bad, schema)
    text = str(error.value)
    assert "'person_id', row 1: 'x' is no integer" in text
    assert "'at', row 1: 'soon' is no timestamp like %Y-%m-%d %H:%M:%S (19 more like it)" in text
    assert "'sex': the table has no such column; did you mean its column 'sexx'?" in text


CELL = st.sampled_from(
    ["", "NA", "?", "a", "b", "1", "2.5", "007", " x", "true", "2020-01-31", "1e5", "é", "None", "-0.10"]
)


@given(st.lists(st.tuples(CELL, CELL), min_size=2, max_size=40))
def test_strings_are_written_back_as_they_were(rows: list[tuple[str, str]]) -> None:
    table = pa.table({"a": [row[0] for row in rows], "b": [row[1] for row in rows]})
    try:
        schema = infer(table, "t")
    except InputError:
        return  # nothing but missing cells, or mixed types
    conformed: Any = conform(table, schema)
    for column in schema:
        written = spell(conformed[column.name].chunk(0), column).to_pylist()
        if column.kind in (Kind.CATEGORY, Kind.TEXT, Kind.DATE, Kind.BOOLEAN):
            tokens = {cell for cell in table[column.name].to_pylist() if cell in ("", "NA", "?", "None")}
            if column.kind in (Kind.CATEGORY, Kind.TEXT) or len(tokens) < 2:
                assert written == table[column.name].to_pylist()
