"""Columns as their distance from others."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from generators.constraints.offset import Offset
from generators.constraints.plan import plan_of
from schemas.joint_rules import Formula, Ordered
from schemas.table import Column, Kind, Role, TableSchema

CELL = st.none() | st.integers(-50, 50)
SCHEMA = TableSchema("t", tuple(Column(name, Kind.INTEGER, nullable=True) for name in "abc"))


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=20))
def test_what_is_told_from_others_comes_back_whatever_is_missing(rows: list[tuple[Any, ...]]) -> None:
    table = pa.table({n: pa.array([row[i] for row in rows], pa.int64()) for i, n in enumerate("abc")})
    table = table.cast(SCHEMA.arrow_schema)
    for rule in (Ordered(("a", "b", "c")), Formula("c", "a + 2 * b")):
        plan = plan_of(SCHEMA, [rule])
        inner = plan.forward(table)
        arrays = {name: inner.column(name).combine_chunks() for name in inner.column_names}
        levels: dict[str, Any] = {}
        for offset in plan.offsets:
            plan.ready(offset, arrays, levels)
            arrays[offset.column.name] = offset.back(arrays[offset.name], arrays, levels)
        for name in SCHEMA.names:
            assert arrays[name].equals(table.column(name).combine_chunks())


def test_a_distance_is_from_the_largest_that_is_there() -> None:
    schema = TableSchema("t", tuple(Column(name, Kind.INTEGER, nullable=True) for name in "abc"))
    offset = Offset(schema["c"], "c - (a, b)", (schema["a"], schema["b"]))
    arrays: dict[str, pa.Array[Any]] = {
        "a": pa.array([1, 5, None, None]),
        "b": pa.array([2, 2, 3, None]),
        "c": pa.array([4, 5, 3, 9]),
    }
    plan = plan_of(schema, [Ordered(("a", "c")), Ordered(("b", "c"))])
    assert plan.offsets == (offset,)
    levels: dict[str, Any] = {}
    plan.ready(offset, arrays, levels)
    assert offset.forward(arrays, levels).to_pylist() == [2, 0, 0, 9]


def test_a_missing_link_passes_the_order_on() -> None:
    """The lowest that a missing column could have been stands for it: c is never below a."""
    schema = TableSchema("t", (Column("a", Kind.INTEGER), *(Column(n, Kind.INTEGER, nullable=True) for n in "bc")))
    plan = plan_of(schema, [Ordered(("a", "b", "c"))])
    table = pa.table({"a": [1, 1], "b": pa.array([None, 4], pa.int64()), "c": [3, 6]}).cast(schema.arrow_schema)
    assert plan.forward(table).to_pydict() == {"a": [1, 1], "b - (a)": [None, 3], "c - (b)": [2, 2]}


def test_a_distance_is_of_its_columns_kind_and_keeps_the_target() -> None:
    days, cents = Column("d", Kind.DATE, nullable=True), Column("x", Kind.NUMBER, role=Role.TARGET, decimals=2)
    assert Offset(days, "d - a", (days,)).distance == Column("d - a", Kind.INTEGER, nullable=True)
    assert Offset(cents, "x - a", (cents,)).distance == Column("x - a", Kind.NUMBER, role=Role.TARGET, decimals=2)
