"""Rows as numbers: finite whatever they hold, normal as a whole, and the same for a table in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from generators.encoded.encoding import encoded
from generators.encoded.layout import layout_of
from schemas.profile import profile_rows
from schemas.rows import Rows
from tests.generators.tables import AWKWARD, in_pieces, orders


@pytest.mark.parametrize("made", AWKWARD)
def test_any_table_becomes_finite_numbers_and_states_in_their_shares(made: str) -> None:
    table, schema = AWKWARD[made]()
    profile = profile_rows(Rows.of(table), schema)
    layout = layout_of(schema, profile)
    found = encoded(Rows.of(table), layout, schema, profile, 0)
    assert found.shape == (table.num_rows, layout.numbers + layout.count)
    assert np.isfinite(found).all()
    for j, size in enumerate(layout.sizes):
        codes = found[:, layout.numbers + j]
        assert set(np.unique(codes)) <= set(range(size))


def test_numbers_are_normal_whatever_their_marginal_is() -> None:
    table, schema = orders()
    profile = profile_rows(Rows.of(table), schema)
    found = encoded(Rows.of(table), layout_of(schema, profile), schema, profile, 0)
    for number in found[:, :5].T:
        assert kstest(number, "norm").pvalue > 1e-4


def test_the_seed_says_where_in_its_part_each_value_lies() -> None:
    table, schema = orders(300)
    profile = profile_rows(Rows.of(table), schema)
    layout = layout_of(schema, profile)
    first, again, other = (encoded(Rows.of(table), layout, schema, profile, seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_a_long_table_is_encoded_in_pieces() -> None:
    table, schema = orders(300)
    rows = in_pieces(table, 200)
    profile = profile_rows(rows, schema)
    layout, said = layout_of(schema, profile), list[str]()
    found = encoded(rows, layout, schema, profile, 0, lambda share, what: said.append(what))
    whole = encoded(Rows.of(table), layout, schema, profile, 0)
    assert isinstance(found, np.memmap)
    assert (np.asarray(found) == whole).all()
    assert said[-1] == "300 rows read"
