"""Rules over several columns."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.joint_rules import COMPARISONS, Combinations, Compare, Formula, Ordered, Unique

ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from("abc")), max_size=30)


def batch(rows: list[tuple[Any, Any]]) -> pa.RecordBatch:
    numbers, words = [row[0] for row in rows], [row[1] for row in rows]
    return pa.record_batch({"n": pa.array(numbers, pa.int64()), "w": pa.array(words, pa.string()).dictionary_encode()})


@given(ROWS, st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abz")), min_size=1))
def test_combinations_agree_with_looking_each_up(rows: list[Any], allowed: list[tuple[int, str]]) -> None:
    found = Combinations(("n", "w"), tuple(allowed)).violations(batch(rows))
    assert found.tolist() == [None not in row and row not in allowed for row in rows]


@given(ROWS)
def test_unique_agrees_with_a_set(rows: list[Any]) -> None:
    seen: set[Any] = set()
    wanted = []
    for row in rows:
        wanted.append(None not in row and row in seen)
        seen.add(row)
    assert Unique(("n", "w")).violations(batch(rows)).tolist() == wanted


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_agree_with_python(op: str) -> None:
    pairs = list(product([1, 2], [1, 2]))
    arrays: list[Any] = [pa.array([a for a, _ in pairs]), pa.array([b / 1 for _, b in pairs])]
    table = pa.record_batch(arrays, names=["a", "b"])
    wanted = [not eval(f"{a} {op} {b}") for a, b in pairs]
    assert Compare("a", op, "b").violations(table).tolist() == wanted
    assert Compare("a", op, "b").text.startswith("a is ")


CHAINS = st.lists(st.tuples(*(st.none() | st.integers(0, 3),) * 3), max_size=20)


@given(CHAINS, st.booleans())
def test_a_chain_rises_over_what_is_there(rows: list[Any], strict: bool) -> None:
    arrays: list[Any] = [pa.array([row[i] for row in rows], pa.int64()) for i in range(3)]
    arrays[1] = arrays[1].cast(pa.float64())  # whole numbers and others compare
    wanted = []
    for row in rows:
        there = [value for value in row if value is not None]
        wanted.append(there != sorted(there) or (strict and len(set(there)) < len(there)))
    table = pa.record_batch(arrays, names=["a", "b", "c"])
    assert Ordered(("a", "b", "c"), strict).violations(table).tolist() == wanted


def test_what_doubles_lose_is_no_difference() -> None:
    table = pa.record_batch({"total": [0.3, 0.30000001, 1e9], "a": [0.1, 0.1, 1e9], "b": [0.2, 0.2, 1e-9]})
    assert Formula("total", "a + b").violations(table).tolist() == [False, True, False]
    prices = np.arange(1, 20_000) / 100
    table = pa.record_batch({"total": np.round(prices * 3, 2).tolist(), "price": prices.tolist()})
    assert not Formula("total", "3 * price").violations(table).any()


def test_strings_compare_across_dictionaries() -> None:
    table = pa.record_batch([pa.array(["x", "y"]).dictionary_encode(), pa.array(["y", "y"])], names=["a", "b"])
    assert Compare("a", "==", "b").violations(table).tolist() == [True, False]


def test_formula_tolerates_what_it_is_told_to() -> None:
    table = pa.record_batch({"total": [3.0, 3.1, 3.2], "a b": [1.5, 1.5, 1.5]})
    assert Formula("total", "2 * `a b`").violations(table).tolist() == [False, True, True]
    assert Formula("total", "2 * `a b`", 0.15).violations(table).tolist() == [False, False, True]
    assert Formula("total", "2 * `a b`", 0.15).text == "total is 2 * `a b`, give or take 0.15"
    assert Formula("total", "2 * `a b`").columns == ("total", "a b")


def test_a_formula_that_divides_by_zero_is_broken() -> None:
    table = pa.record_batch({"x": [1.0, 0.0], "z": [0.0, 0.0]})
    assert Formula("x", "x / z").violations(table).all()


def test_a_formula_may_be_a_number() -> None:
    assert Formula("x", "7").violations(pa.record_batch({"x": [7, 8, None]})).tolist() == [False, True, False]


def test_timestamps_in_formulas_are_seconds() -> None:
    table = pa.record_batch([pa.array([3000], pa.timestamp("ms", "UTC")), pa.array([3])], names=["t", "s"])
    assert not Formula("s", "t").violations(table).any()


def test_many_columns_of_many_values_do_not_overflow() -> None:
    rows = 5_000
    table = pa.record_batch({f"c{i}": list(range(rows)) for i in range(8)})
    assert not Unique(tuple(table.schema.names)).violations(table).any()
    allowed = tuple((i,) * 8 for i in range(rows - 1))
    assert np.flatnonzero(Combinations(tuple(table.schema.names), allowed).violations(table)).tolist() == [rows - 1]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Compare("a", "=", "b"), "expected one of"),
        (lambda: Combinations(("a",), ((1,),)), "two different columns"),
        (lambda: Combinations(("a", "a"), ((1, 1),)), "two different columns"),
        (lambda: Combinations(("a", "b"), ()), "allows nothing"),
        (lambda: Combinations(("a",)), "two different columns"),
        (lambda: Combinations(("n", "w")).violations(batch([(1, "a")])), "combinations:n,w: has no rows"),
        (lambda: Combinations(("a", "b"), ((1,),)), "a value for each of 2"),
        (lambda: Formula("a", "b", -1), "at least 0"),
        (lambda: Formula("a", "b", float("nan")), "at least 0"),
        (lambda: Formula("a", "b."), "formula:a: expression='b.'"),
        (lambda: Unique(()), "at least one"),
        (lambda: Ordered(("a",)), "two different columns"),
        (lambda: Ordered(("a", "b", "a")), "two different columns"),
    ],
)
def test_rules_that_mean_nothing_are_refused(make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()
