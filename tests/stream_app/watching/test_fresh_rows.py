from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from generators.blocks import BLOCK_ROWS
from monitors.kept import from_bytes, to_bytes
from monitors.samples import Sampler
from stream_app.watching.fresh_rows import FreshRows
from tests.monitors import scene

LAYOUT = scene.layout()
SAMPLER = Sampler(LAYOUT.bins)


@cache
def rows() -> pa.RecordBatch:
    return scene.batch(np.random.default_rng(0), 3 * BLOCK_ROWS)


def block(index: int) -> pa.RecordBatch:
    return rows().slice(index * BLOCK_ROWS, BLOCK_ROWS)


@pytest.mark.parametrize("asked", [(1, 2, 0, 3), (BLOCK_ROWS, 1), (BLOCK_ROWS + 1, BLOCK_ROWS - 1, 5)])
def test_rows_come_in_order_and_none_twice(asked: tuple[int, ...]) -> None:
    fresh, whole = FreshRows(LAYOUT, SAMPLER, block), SAMPLER.of_rows(LAYOUT.rows.codes(rows()))
    drawn = [fresh.draw(count) for count in asked]
    assert [len(each) for each in drawn] == list(asked)
    np.testing.assert_array_equal(np.concatenate(drawn), whole[: sum(asked)])


def test_rows_go_on_where_they_were_and_none_comes_twice() -> None:
    fresh, other = (FreshRows(LAYOUT, SAMPLER, block) for _ in range(2))
    first = fresh.draw(BLOCK_ROWS + 7)
    other.restore(from_bytes(to_bytes(fresh.state)))
    whole = SAMPLER.of_rows(LAYOUT.rows.codes(rows()))
    np.testing.assert_array_equal(np.concatenate([first, other.draw(BLOCK_ROWS)]), whole[: 2 * BLOCK_ROWS + 7])
