"""Decoding: real rows encoded and decoded are rows as they were, and what is held is found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from generators.encoded.calibration import STEPS, Calibration
from generators.encoded.decoding import Decoder
from generators.encoded.encoding import encoded
from generators.encoded.layout import layout_of, normals_of
from generators.given import held_columns
from generators.invented.surrogates import Surrogates
from schemas.errors import InputError
from schemas.profile import Profile, profile_table
from schemas.rows import Rows
from tests.generators.tables import AWKWARD, Made, orders


def decoder(made: Made) -> tuple[Decoder, Profile]:
    """One for a network that gives normals."""
    table, schema = made
    profile = profile_table(table, schema)
    layout = layout_of(schema, profile)
    knots = normals_of(np.tile(np.linspace(0, 1, STEPS + 1), (layout.numbers, 1)))
    return Decoder(schema, profile, layout, Calibration(np.zeros(layout.states, np.float32), knots)), profile


@pytest.mark.parametrize("made", AWKWARD)
def test_what_is_encoded_comes_back(made: str) -> None:
    table, schema = AWKWARD[made]()
    found, profile = decoder((table, schema))
    layout = found.layout
    rows = encoded(Rows.of(table), layout, schema, profile, 0)
    codes, into = rows[:, layout.numbers :].astype(np.int32), np.full((len(rows), layout.count), 0.5)
    surrogates = Surrogates.fit(table.select(schema.surrogates), schema, profile, 0)
    invented = surrogates.draw(np.full((len(rows), surrogates.width), 0.5), {})
    batch = found.batch(invented, found.uniforms(rows[:, : layout.numbers], codes, into), codes, {})
    batch.validate(full=True)
    assert batch.schema.equals(schema.arrow_schema)
    for at in layout.columns.tolist():
        assert batch.column(at).null_count == table.column(at).null_count
    if made == "orders":
        for name in ("colour", "paid"):
            assert batch.column(name).to_pylist() == table.column(name).to_pylist()
        off = batch.column("size").to_numpy() - table.column("size").to_numpy()
        common = np.abs(table.column("size").to_numpy()) < 1  # rare values lie where their neighbours do
        assert np.abs(off[common]).mean() < 1e-4


def test_a_held_column_is_what_a_network_would_have_for_it() -> None:
    table, schema = orders(500)
    found, profile = decoder((table, schema))
    names = {"colour": "grün", "pieces": 3, "size": 0.5, "paid": None, "plate": None}
    surrogates = Surrogates.fit(table.select(schema.surrogates), schema, profile, 0)
    held = held_columns(names, 4, schema, profile, surrogates)
    free = surrogates.draw(np.full((4, surrogates.width), 0.5), {})
    for at, column in held.items():
        known = found.held(at, column, np.full(4, 0.5))
        assert known is not None
        j, uniforms, codes = known
        assert found.layout.columns[j] == at
        drawn = found.batch(free, np.tile(uniforms[:, None], found.layout.count), np.zeros((4, 8), np.int32), {})
        if names[schema.names[at]] is None:
            assert (codes == found.layout.null[j]).all()
        else:
            assert set(drawn.column(at).to_pylist()) == {names[schema.names[at]]}
    assert found.held(0, held[3], np.full(4, 0.5)) is None


def test_a_value_that_is_never_drawn_is_refused() -> None:
    made = orders(500)
    found, profile = decoder(made)
    held = held_columns({"pieces": 10_000}, 1, made[1], profile, Surrogates({}))
    with pytest.raises(InputError, match="pieces=10000: never drawn"):
        found.held(3, held[3], np.full(1, 0.5))


def test_uniforms_of_numbers_are_the_networks_distribution_function() -> None:
    found, _ = decoder(orders(500))
    layout = found.layout
    numbers = np.linspace(-2, 2, 9, dtype=np.float32)[:, None].repeat(layout.numbers, 1)
    codes, into = np.zeros((9, layout.count), np.int32), np.full((9, layout.count), 0.5)
    assert found.uniforms(numbers, codes, into)[:, 0] == pytest.approx(ndtr(numbers[:, 0]), abs=2e-3)
