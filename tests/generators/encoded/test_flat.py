"""Every variable as one number: evenly spread, and the same value when it comes back."""

from __future__ import annotations

import numpy as np
import pytest

from generators.encoded.calibration import STEPS, Calibration
from generators.encoded.flat import FlatDecoder, flat, flat_rows, missing_shares
from generators.encoded.layout import layout_of
from generators.given import held_columns
from generators.invented.surrogates import Surrogates
from schemas.profile import profile_table
from tests.generators.tables import AWKWARD, Made, orders


def made(of: Made) -> FlatDecoder:
    """A decoder for a network whose numbers are already spread evenly."""
    table, schema = of
    profile = profile_table(table, schema)
    layout = layout_of(schema, profile)
    knots = np.tile(np.linspace(-1, 1, STEPS + 1), (layout.count, 1))
    return FlatDecoder(schema, profile, layout, Calibration(np.zeros(layout.count, np.float32), knots))


@pytest.mark.parametrize("name", AWKWARD)
def test_rows_are_numbers_from_minus_one_to_one_and_come_back(name: str) -> None:
    table, schema = AWKWARD[name]()
    profile, decoder = profile_table(table, schema), made((table, schema))
    layout = layout_of(schema, profile)
    rows = flat_rows(table, layout, schema, profile, 0)
    assert rows.shape == (table.num_rows, layout.count)
    assert np.abs(rows).max(initial=0) <= 1
    surrogates = Surrogates.fit(table.select(schema.surrogates), schema, profile, 0)
    invented = surrogates.draw(np.full((len(rows), surrogates.width), 0.5), {})
    codes = np.zeros(rows.shape, np.int32)
    batch = decoder.batch(invented, decoder.uniforms(rows, codes, np.full(rows.shape, 0.5)), codes, {})
    batch.validate(full=True)
    for at in layout.columns.tolist():
        gone = table.column(at).is_null().to_numpy()
        assert (batch.column(at).is_null().to_numpy(zero_copy_only=False) == gone).mean() > 0.99
    if name == "orders":
        assert np.mean(np.array(batch.column("colour").to_pylist()) == table.column("colour").to_pylist()) > 0.99
        assert rows.mean(axis=0) == pytest.approx(np.zeros(layout.count), abs=0.06)


def test_a_flat_layout_has_a_number_and_a_state_a_variable() -> None:
    table, schema = orders(300)
    layout = layout_of(schema, profile_table(table, schema))
    found = flat(layout)
    assert (found.numbers, found.states, found.count) == (8, 8, 8)
    assert missing_shares(layout)[layout.null < 0].tolist() == [0] * 5
    assert missing_shares(layout)[2] == pytest.approx(table.column("pieces").null_count / 300)


def test_what_is_held_is_where_it_is_among_all_values() -> None:
    table, schema = orders(500)
    decoder, share = made((table, schema)), table.column("pieces").null_count / 500
    for value, low, high in ((None, 0.0, share), (3, share, 1.0)):
        held = held_columns({"pieces": value}, 2, schema, profile_table(table, schema), Surrogates({}))
        ends = [decoder.held(3, held[3], np.full(2, noise)) for noise in (0.0, 1.0)]
        assert all(end is not None and end[0] == 2 and not end[2].any() for end in ends)
        first, last = (end[1][0] for end in ends if end is not None)
        assert low - 1e-9 <= first < last <= high + 1e-9
