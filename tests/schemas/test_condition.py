"""Conditions over numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.condition import Condition
from schemas.errors import InputError

NUMBERS = st.integers(-3, 3)

LEAVES = st.sampled_from(["a < b", "a <= 2 * b", "b == 1", "a != b", "0 <= a < b", "abs(a) >= b", "a > -b"])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=5,
)


@given(TEXTS, st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=9))
def test_conditions_agree_with_python(text: str, rows: list[tuple[int, int]]) -> None:
    columns = {"a": np.array([float(a) for a, _ in rows]), "b": np.array([float(b) for _, b in rows])}
    assert Condition(text).holds(columns).tolist() == [bool(eval(text, {"a": a, "b": b, "abs": abs})) for a, b in rows]


def test_columns_that_are_no_words_stand_in_backticks() -> None:
    found = Condition("`net price` < gross")
    assert found.columns == ("net price", "gross")
    assert found.holds({"net price": np.array([1.0, 2.0]), "gross": np.array([2.0, 2.0])}).tolist() == [True, False]


def test_what_can_not_be_worked_out_is_not_met() -> None:
    found = Condition("a / b < 5 or a / b >= 5")
    assert found.holds({"a": np.array([0.0, 1.0]), "b": np.array([0.0, 1.0])}).tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a + b", "'a + b' compares nothing"),
        ("a", "'a' compares nothing"),
        ("a < b and c", "'c' compares nothing"),
        ("a in b", "compares nothing"),
        ("a is b", "compares nothing"),
        ("a < 'x'", "'x'"),
        ("a < f(b)", "not known"),
        ("a <", "can not be read"),
        ("not a", "compares nothing"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        Condition(text)
    assert says in str(error.value)
    assert "expected a condition of numbers" in str(error.value)
