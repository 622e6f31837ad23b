from __future__ import annotations

import numpy as np
import pytest

from generators.blocks import BLOCK_ROWS
from generators.randomness import Purpose
from monitors.pane import PaneLayout
from schemas.errors import InputError
from schemas.steering import Steering
from stream_app.own_rows import blocks_of, counts_in, own_counts
from tests.stream_app.shop import trained
from tests.stream_app.watched import spec

LAYOUT = PaneLayout(trained().schema, trained().profile, pairs=tuple(trained().reference.pairs))


def test_a_stream_that_adds_nothing_has_the_rows_of_its_training() -> None:
    assert own_counts(spec(), trained()) is trained().reference


def test_rows_drawn_amid_watching_are_those_drawn_at_the_start() -> None:
    steer = {"shares": {"colour": {"red": 0.1}}}
    whole = own_counts(spec(steer=steer), trained())
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
