from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.domain import MOST_VALUES, domain_of
from generators.invented.surrogates import Surrogate
from schemas.errors import InputError
from schemas.profile import ColumnProfile
from schemas.table import Column, Kind


@pytest.mark.parametrize(
    ("kind", "known", "values", "shares"),
    [
        (
            Kind.INTEGER,
            {"knots": (1.0, 6.0), "atoms": (0.1, 0.1), "inside": (0.8,), "step": 1.0},
            [2, 3, 4, 5, 1, 6],
            [0.2, 0.2, 0.2, 0.2, 0.1, 0.1],
        ),
        (
            Kind.DATE,
            {"knots": (0.0, 14.0), "atoms": (0.25, 0.5), "inside": (0.25,), "step": 7.0},
            [date(1970, 1, 15), date(1970, 1, 1), date(1970, 1, 8)],
            [0.5, 0.25, 0.25],
        ),
        (Kind.BOOLEAN, {"values": ("false", "true"), "shares": (0.75, 0.25)}, [False, True], [0.75, 0.25]),
        (Kind.CATEGORY, {"values": ("b", "a"), "shares": (0.5, 0.5)}, ["b", "a"], [0.5, 0.5]),
    ],
)
def test_values_come_with_their_shares(
    kind: Kind, known: dict[str, Any], values: list[Any], shares: list[float]
) -> None:
    domain = domain_of(Column("x", kind, nullable=True), ColumnProfile("x", 100, 20, 6, **known), None)
    assert domain.values.to_pylist() == values
    assert domain.shares.tolist() == pytest.approx(shares)
    assert domain.null_share == 0.2


def test_invented_values_have_the_shares_they_are_drawn_with() -> None:
    column, profile = Column("plate", Kind.TEXT), ColumnProfile("plate", 9, 0, 4)
    pool = pa.array(["d", "c", "b", "a"])
    surrogate = Surrogate(column, profile, pool, np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.4, 1.0]))
    domain = domain_of(column, profile, surrogate)
    assert domain.values.to_pylist() == ["d", "c", "b", "a"]
    assert domain.shares.tolist() == pytest.approx([0.4, 0.2, 0.2, 0.2])
    drawn = surrogate.draw(np.linspace(0, 1, 10_000, endpoint=False)[:, None])
    counts = [drawn.to_pylist().count(value) for value in "dcba"]
    assert [count / 10_000 for count in counts] == pytest.approx(domain.shares, abs=2e-4)


@pytest.mark.parametrize(
    ("column", "known", "says"),
    [
        (Column("x", Kind.NUMBER, decimals=1), {"knots": (0.1,), "atoms": (1.0,)}, "is a number with decimals"),
        (
            Column("at", Kind.TIMESTAMP),
            {"knots": (0.0, 1e9), "atoms": (0.5, 0.25), "inside": (0.25,), "step": 1.0},
            f"has 1000000001 values, more than {MOST_VALUES:,}",
        ),
        (Column("c", Kind.CATEGORY, nullable=True), {"nulls": 9}, "c: is always missing"),
    ],
)
def test_some_columns_have_no_list_of_values(column: Column, known: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        domain_of(column, ColumnProfile(**{"name": column.name, "rows": 9, "nulls": 0, "distinct": 1, **known}), None)
