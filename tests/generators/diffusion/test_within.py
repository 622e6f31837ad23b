"""Numbers in their states: as evenly spread as the table has them, and never in a neighbour's."""

from __future__ import annotations

import numpy as np
import pytest

from generators.diffusion.cutting import cut
from generators.diffusion.within import PARTS, placed, put, tabulated
from generators.encoded.layout import Layout, layout_of
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import table as made_of

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def layout() -> Layout:
    rng = np.random.Generator(np.random.PCG64(1))
    cells = [None if rng.random() < 0.1 else float(x) for x in rng.normal(0, 1, 2_000)]
    table, schema = made_of([(Column("x", Kind.NUMBER, nullable=True), cells)])
    return cut(layout_of(schema, profile_table(table, schema)), 4)


def test_whatever_the_network_gives_lies_evenly_in_its_state(layout: Layout) -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    codes = rng.integers(0, layout.sizes[0] - 1, (4_000, 1)).astype(np.int32)
    numbers = np.exp(rng.normal(0, 1, (4_000, 1)) + codes).astype(np.float32)
    knots = tabulated(layout, codes, numbers)
    assert knots.shape == (layout.states, PARTS + 1)
    found = placed(layout, numbers, codes, np.zeros((4_000, 1)), knots)
    for state in range(layout.sizes[0] - 1):
        low, span = layout.spans[state]
        own = (found[codes[:, 0] == state, 0] - low) / span
        assert (own >= 0).all()
        assert (own < 1).all()
        assert np.quantile(own, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.05)


def test_a_state_that_was_never_drawn_is_as_the_table_has_it(layout: Layout) -> None:
    knots = tabulated(layout, np.zeros((0, 1), np.int32), np.zeros((0, 1), np.float32))
    assert (np.diff(knots[:-1], axis=1) >= 0).all()
    assert (knots[-1] == 0).all()  # missing
    into = np.full(3, np.nan)
    put(np.array([-9.0, knots[1, PARTS // 2], 9.0], np.float32), np.ones(3, np.int32), knots[:-1], into)
    assert into.tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_the_last_of_a_state_is_not_the_first_of_the_next(layout: Layout) -> None:
    codes = np.arange(layout.sizes[0] - 1, dtype=np.int32)[:, None]
    knots = tabulated(layout, codes[:0], np.zeros((0, 1), np.float32))
    far = np.full(codes.shape, 9.0, np.float32)
    found = placed(layout, far, codes, np.zeros(codes.shape), knots)[:, 0]
    assert layout.codes(0, found, np.ones(len(found), bool)).tolist() == codes[:, 0].tolist()
    assert found.max() < 1
