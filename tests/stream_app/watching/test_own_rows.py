from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generators.blocks import BLOCK_ROWS
from generators.randomness import Purpose
from monitors.dispersion import Blocks, inflation
from monitors.evidence import Subject
from monitors.pane import PaneLayout
from schemas.errors import InputError
from schemas.steering import Steering
from stream_app.monitoring import judged_columns
from stream_app.watching.own_rows import CHANGES_COUNTED, blocks_of, counts_in, own_rows
from tests.stream_app.shop import trained
from tests.stream_app.watched import spec

PRICE = replace(trained().schema, columns=(trained().schema["price"],))
LAYOUT = PaneLayout(trained().schema, trained().profile, pairs=tuple(trained().reference.pairs))


def test_a_stream_that_adds_nothing_has_the_rows_of_its_training() -> None:
    assert own_rows(spec(), trained(), LAYOUT).counts is trained().reference


def test_rows_drawn_amid_watching_are_those_drawn_at_the_start() -> None:
    steer = {"shares": {"colour": {"red": 0.1}}}
    whole = own_rows(spec(steer=steer), trained(), LAYOUT).counts
    counts = counts_in(LAYOUT, blocks_of(spec(steer=steer), trained(), Purpose.REFERENCE), whole.rows)
    for name in LAYOUT.bins:
        np.testing.assert_array_equal(counts.columns[name], whole.columns[name])
    red = LAYOUT.bins["colour"].labels.index("red")
    assert counts.columns["colour"][red] / counts.rows == pytest.approx(0.1, abs=0.01)


def test_uses_have_rows_of_their_own() -> None:
    one, other = (blocks_of(spec(), trained(), purpose)(0) for purpose in (Purpose.REFERENCE, Purpose.CLASSIFIER))
    assert one.num_rows == other.num_rows == BLOCK_ROWS
    assert one.column("price") != other.column("price")


def test_rows_without_a_column_are_refused() -> None:
    block = blocks_of(spec(), trained(), Purpose.REFERENCE)
    with pytest.raises(InputError, match="columns price: are not drawn by it"):
        counts_in(LAYOUT, lambda index: block(index).drop_columns(["price"]), 10)


def test_what_can_not_be_steered_is_refused() -> None:
    asked = spec().model_copy(update={"steer": Steering(given={"nowhere": 1})})
    with pytest.raises(InputError, match="nowhere"):
        blocks_of(asked, trained(), Purpose.REFERENCE)


def lives(entities: int, window_rows: float = 0.0, **changes: Any) -> Blocks | None:
    form = {"form": "upserts", "columns": ["price"], **changes}
    stream = spec(shards=2, seed=3, rules=[], key={"entities": entities}, changes=form)
    layout = PaneLayout(judged_columns(stream, trained().schema), trained().profile)
    return own_rows(stream, trained(), layout, window_rows).lives


def test_rows_of_a_life_go_together() -> None:
    blocks = lives(200, deletes=0.05)
    assert blocks is not None
    sizes = np.array([counts[0] for counts in blocks.counts])
    assert 2 <= sizes.min() <= sizes.max() <= 20  # a life has so many events, and its delete leaves no row
    assert 15 < (blocks.together or 0) < 20
    found = inflation(PaneLayout(PRICE, trained().profile), blocks)
    assert set(found) == {Subject("drift_ks", "price")}  # pieces are kept, and price goes with them
    assert 2 < found[Subject("drift_ks", "price")] < 15


def test_a_longer_window_has_more_rows_of_a_life_but_no_more_than_there_are() -> None:
    here, longer, longest = (lives(200, times * CHANGES_COUNTED, deletes=1 / 2_000) for times in (0, 1.5, 4))
    assert here is not None
    assert longer is not None
    assert longest is not None
    assert longer.together == pytest.approx(1.5 * (here.together or 0), rel=0.01)
    assert longest.together == 2_000  # of which an entity has had about 1,300 in the rows that are looked at
    assert 1_000 < (here.together or 0) < 1_300


def test_entities_that_never_end_or_keep_nothing_move_nothing() -> None:
    assert lives(200) is None
    assert lives(200, columns=None, deletes=0.05) is None
