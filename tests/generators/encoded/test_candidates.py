"""Candidates: rows given some columns are those the network makes anyway where it happens to make these."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generators.encoded.candidates import Candidates
from generators.encoded.decoding import Decoder
from generators.encoded.dense import Dense, Layer
from generators.encoded.layout import Layout, layout_of
from generators.encoded.network import Network
from generators.encoded.whole import own_calibration
from generators.given import held_columns
from generators.invented.surrogates import Surrogates
from schemas.profile import Profile, profile_table
from schemas.table import Column, Kind, TableSchema
from tests.generators.tables import table as made_of

ROWS = 4_000


def known() -> tuple[TableSchema, Profile, Layout, Network]:
    """A number, a category and a missing value that all follow from one normal of two."""
    rng = np.random.Generator(np.random.PCG64(1))
    x = rng.standard_normal(2_000)
    table, schema = made_of(
        [
            (Column("x", Kind.NUMBER), x.tolist()),
            (Column("y", Kind.NUMBER, nullable=True), [v if i % 4 else None for i, v in enumerate(x)]),
            (Column("c", Kind.CATEGORY), ["a", "b"] * 1_000),
        ]
    )
    profile = profile_table(table, schema)
    layout = layout_of(schema, profile)
    weight = np.zeros((2, layout.numbers + layout.states), np.float32)
    weight[0, :2] = 0.3  # both numbers rise with the first normal
    weight[0, 3], weight[0, 4] = -2.0, 2.0  # as does whether y is missing
    weight[1, 5], weight[1, 6] = 3.0, -3.0  # and the second one says which category it is
    network = Network(Dense([Layer(weight, np.zeros(weight.shape[1], np.float32))]), 2, np.zeros(0), np.zeros(2))
    return schema, profile, layout, network


def given(values: dict[str, Any], seed: int = 2) -> np.ndarray[Any, np.dtype[np.float32]]:
    schema, profile, layout, network = known()
    decoder = Decoder(schema, profile, layout, own_calibration(network, layout))
    candidates = Candidates(network, decoder)
    held = held_columns(values, ROWS, schema, profile, Surrogates({}))
    u = np.random.Generator(np.random.PCG64(seed)).random((ROWS, network.width))
    return candidates.inputs(network.inputs(u)[0], u[:, 2], held)


def test_where_nothing_is_given_what_the_network_takes_is_normal() -> None:
    inputs = given({})
    assert inputs.mean(axis=0) == pytest.approx([0, 0], abs=0.06)
    assert inputs.std(axis=0) == pytest.approx([1, 1], abs=0.05)


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.5])
def test_a_given_number_says_what_it_follows_from_and_nothing_else(value: float) -> None:
    inputs = given({"x": value})
    assert inputs[:, 0].mean() == pytest.approx(value, abs=0.12)
    assert inputs[:, 0].std() < 0.4
    assert inputs[:, 1].std() == pytest.approx(1, abs=0.06)


def test_a_given_category_is_weighed_by_how_likely_it_is() -> None:
    one, other = given({"c": "a"}), given({"c": "b"})
    assert one[:, 1].mean() > 0.6
    assert other[:, 1].mean() < -0.6
    assert one[:, 0].mean() == pytest.approx(0, abs=0.08)


def test_a_missing_value_is_given_too() -> None:
    assert given({"y": None})[:, 0].mean() > 0.6
    assert given({"y": 1.0})[:, 0].mean() > given({"y": -1.0})[:, 0].mean() + 1


def test_several_columns_are_met_together_and_what_nobody_meets_by_those_nearest() -> None:
    inputs = given({"x": 0.5, "c": "a"})
    assert inputs[:, 0].mean() == pytest.approx(0.5, abs=0.12)
    assert inputs[:, 1].mean() > 0.6
    assert np.isfinite(given({"x": -2.0, "y": 2.0})).all()


def test_a_row_depends_on_its_own_uniforms_alone() -> None:
    schema, profile, layout, network = known()
    decoder = Decoder(schema, profile, layout, own_calibration(network, layout))
    candidates, n = Candidates(network, decoder), 300
    values = np.random.Generator(np.random.PCG64(3)).integers(-2, 3, n) / 2
    u = np.random.Generator(np.random.PCG64(4)).random((n, network.width))

    def rows(at: slice) -> np.ndarray[Any, np.dtype[np.float32]]:
        held = held_columns({"x": pa.array(values[at])}, len(values[at]), schema, profile, Surrogates({}))
        return candidates.inputs(network.inputs(u[at])[0], u[at, 2], held)

    assert (rows(slice(0, n))[100:150] == rows(slice(100, 150))).all()
