"""Formulas over columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.expression import Expression

X = {"x": np.array([1.0, 2.0, -3.0]), "y z": np.array([0.5, 4.0, 2.0])}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x + `y z`", [1.5, 6.0, -1.0]),
        ("-(x - 1) * 2", [0.0, -2.0, 8.0]),
        ("`y z` // 2 + `y z` % 2", [0.5, 2.0, 1.0]),
        ("x ** 2", [1.0, 4.0, 9.0]),
        ("max(x, `y z`) - min(x, 0)", [1.0, 4.0, 5.0]),
        ("abs(x) + floor(`y z`) + round(0.6)", [2.0, 7.0, 6.0]),
        (" +x / 2", [0.5, 1.0, -1.5]),
    ],
)
def test_arithmetic(text: str, wanted: list[float]) -> None:
    assert Expression(text).evaluate(X).tolist() == wanted


@given(
    st.recursive(
        st.integers(0, 9).map(str), lambda e: st.tuples(e, st.sampled_from("+-*"), e).map(lambda t: f"({' '.join(t)})")
    )
)
def test_constants_agree_with_python(text: str) -> None:
    assert float(Expression(text).evaluate({})) == float(eval(text))


def test_division_by_zero_is_no_error() -> None:
    assert np.isinf(Expression("1 / 0").evaluate({}))
    assert np.isnan(Expression("x / x").evaluate({"x": np.zeros(1)}))[0]


def test_columns_are_listed_once_in_order() -> None:
    assert Expression("max(b, `a-c`) + b + `max`").columns == ("b", "a-c", "max")
    assert Expression("1 + 2").columns == ()


@pytest.mark.parametrize(
    "text",
    [
        *("", "x +", "x\0", "'text'", "True", "1j", "1e999", "9" * 400, "-" * 999 + "x", "x" * 1001),
        *("__import__('os')", "exec(x)", "x.y", "x[0]", "[x]", "lambda: 1", "(x := 1)", "x if y else z"),
        *("x < y", "x and y", "not x", "~x", "x @ y", "max(x)", "max(x, y, z)", "abs(x, key=1)"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a formula"):
        Expression(text)
