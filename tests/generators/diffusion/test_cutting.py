"""Numbers cut into states: frequent values alone, all others with their neighbours, and no share lost."""

from __future__ import annotations

import numpy as np
import pytest

from generators.diffusion.cutting import cut
from generators.encoded.layout import Layout, layout_of
from schemas.profile import profile_table
from schemas.table import Column, Kind
from tests.generators.tables import AWKWARD, Made
from tests.generators.tables import table as made_of


def layout(made: Made) -> Layout:
    table, schema = made
    return layout_of(schema, profile_table(table, schema))


@pytest.mark.parametrize("states", [1, 2, 24, 10_000])
@pytest.mark.parametrize("made", AWKWARD)
def test_states_share_all_rows_among_them_and_missing_values_keep_theirs(made: str, states: int) -> None:
    whole = layout(AWKWARD[made]())
    found = cut(whole, states)
    assert found.count == whole.count
    for j in range(found.count):
        part, before = slice(*found.first[j : j + 2]), slice(*whole.first[j : j + 2])
        assert found.share[part].sum() == pytest.approx(1)
        assert found.spans[part, 1].sum() == pytest.approx(1)
        assert (found.null[j] >= 0) == (whole.null[j] >= 0)
        if found.null[j] >= 0:
            assert found.null[j] == found.sizes[j] - 1
            assert found.share[part][-1] == whole.share[before][-1]
        if whole.number[j] < 0:
            assert found.share[part].tolist() == whole.share[before].tolist()
    numbered = found.number[found.number >= 0]
    assert numbered.tolist() == list(range(found.numbers))


def test_a_frequent_value_is_alone_in_its_state_and_few_values_need_no_number() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    n = np.where(rng.random(4_000) < 0.4, 40, rng.integers(0, 200, 4_000))
    made = made_of(
        [
            (Column("hours", Kind.INTEGER), n.tolist()),
            (Column("grade", Kind.INTEGER), rng.integers(1, 6, 4_000).tolist()),
        ]
    )
    found = cut(layout(made), 10)
    assert found.number.tolist() == [0, -1]
    assert found.sizes[1] == 5
    assert 8 <= found.sizes[0] <= 14
    spans = found.spans[: found.sizes[0]]
    low, high = found.pieces.around(0, np.array([39.0, 40.0, 41.0]))
    assert [low[1], high[1]] == pytest.approx([*(spans[spans[:, 1] > 0.35][0].cumsum())])
    there = np.ones(3, bool)
    assert np.diff(found.codes(0, (low + high) / 2, there)).tolist() == [1, 1]


def test_with_one_state_a_number_keeps_what_it_had() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    whole = layout(made_of([(Column("x", Kind.NUMBER), rng.normal(0, 1, 2_000).tolist())]))
    assert cut(whole, 1).sizes == [1]
    assert cut(whole, 1).numbers == 1
