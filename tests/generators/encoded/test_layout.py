"""Layouts: states in the profile's shares, rare values together, numbers as normals and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from generators.encoded.layout import GROUPS, OWN, Layout, layout_of, normals_of
from schemas.profile import profile_table
from schemas.table import Column, Kind, TableSchema
from tests.generators.tables import AWKWARD, Made, orders
from tests.generators.tables import table as made_of


def layout(made: Made) -> Layout:
    table, schema = made
    return layout_of(schema, profile_table(table, schema))


@pytest.mark.parametrize("made", AWKWARD)
def test_the_states_of_each_variable_share_all_rows_among_them(made: str) -> None:
    found = layout(AWKWARD[made]())
    assert min(found.sizes) >= 1
    for start, end in zip(found.first[:-1], found.first[1:], strict=True):
        assert found.share[start:end].sum() == pytest.approx(1)
        assert found.spans[start:end, 1].sum() == pytest.approx(1)


def test_numbers_have_a_number_and_a_state_and_one_more_where_they_may_be_missing() -> None:
    _, schema = orders(500)
    found = layout(orders(500))
    names = [schema.names[at] for at in found.columns]
    assert names == ["size", "exact", "pieces", "colour", "paid", "day", "at", "plate"]
    assert found.number.tolist() == [0, 1, 2, -1, -1, 3, 4, -1]
    assert found.sizes == [1, 1, 2, 4, 3, 1, 1, 2]
    assert found.null.tolist() == [-1, -1, 1, -1, 2, -1, -1, 1]
    assert (found.numbers, found.states, found.count) == (5, 15, 8)


def test_of_many_values_the_rare_ones_go_together_and_each_group_is_about_as_likely() -> None:
    words = [f"w{k}" for k in range(100_000) for _ in range(1 if k else 20)]
    made = made_of([(Column("c", Kind.CATEGORY, public=True), words)])
    found = layout(made)
    assert found.states <= OWN + GROUPS
    assert found.share[0] == pytest.approx(20 / len(words))
    grouped = found.share[OWN:]
    assert len(grouped) == GROUPS
    assert grouped.max() < 1.01 * grouped.min()
    assert found.codes(0, np.array([0.0, 0.999999]), np.ones(2, bool)).tolist() == [0, found.states - 1]


def test_a_value_becomes_a_uniform_of_its_part_of_the_marginal_and_what_is_missing_any() -> None:
    made = made_of([(Column("n", Kind.INTEGER, nullable=True), [1] * 50 + [2] * 50 + [None] * 25)])
    found, there = layout(made), np.array([True, True, False])
    assert found.uniforms(0, np.array([1.0, 2.0, 0.0]), there, np.full(3, 0.5)).tolist() == [0.25, 0.75, 0.5]
    assert found.codes(0, np.array([0.25, 0.75, 0.5]), there).tolist() == [0, 0, 1]


def test_what_is_never_drawn_is_where_its_neighbour_is() -> None:
    made = made_of(
        [
            (Column("n", Kind.INTEGER), [1] * 50 + [9] * 50),
            (Column("c", Kind.CATEGORY), ["a"] * 60 + ["b"] * 39 + ["rare"]),
        ]
    )
    found, there, noise = layout(made), np.ones(3, bool), np.full(3, 0.5)
    assert found.uniforms(0, np.array([-4.0, 2.0, 1e308]), there, noise).tolist() == [0.25, 0.25, 0.75]
    unknown = found.uniforms(1, np.full(3, np.nan), there, noise)
    assert found.codes(1, unknown, there).tolist() == [1, 1, 1]


def test_normals_are_drawn_in_at_the_ends() -> None:
    found = normals_of(np.array([0.0, 0.5, 1.0]))
    assert found.tolist() == pytest.approx([-4.7534, 0.0, 4.7534], abs=1e-4)


def test_a_table_without_variables_has_an_empty_layout() -> None:
    schema = TableSchema("keys", (Column("t", Kind.TEXT),))
    found = layout((pa.table([pa.array(["a", "b"])], schema=schema.arrow_schema), schema))
    assert (found.count, found.states, found.numbers, found.sizes) == (0, 0, 0, [])
