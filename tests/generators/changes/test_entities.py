"""Which entity an event is about, and its how manieth: held against counting them all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from generators.blocks import BLOCK_ROWS
from generators.changes.entities import PERIOD, TOTAL, Entities, Lives
from generators.population import zipf
from generators.randomness import uniforms

KEY = (21, 22)
BLOCKS = 12


def shares(count: int, skew: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return zipf(count, skew)


@pytest.mark.parametrize(("count", "skew"), [(1, 0), (2, 3), (37, 1.1), (4_096, 0), (50_000, 0.7), (200_000, 2)])
def test_the_events_of_an_entity_are_numbered_without_a_gap_in_the_order_of_slots(count: int, skew: float) -> None:
    entities = Entities.of(shares(count, skew), KEY)
    counted = np.zeros(count, np.int64)
    for index in range(BLOCKS):
        assert (entities.before(index * BLOCK_ROWS, np.arange(count)) == counted).all()
        who, numbers = entities.block(index)
        for entity, number in zip(who.tolist(), numbers.tolist(), strict=True):
            assert number == counted[entity]
            counted[entity] += 1
    assert counted.sum() == BLOCKS * BLOCK_ROWS


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 300),
    st.floats(0, 4),
    st.one_of(st.integers(0, 5_000), st.integers(PERIOD - 2, PERIOD + 2), st.integers(0, 2**40)),
    st.integers(0, BLOCK_ROWS - 1),
)
def test_what_came_before_any_slot_is_what_came_up_in_it_less(count: int, skew: float, index: int, within: int) -> None:
    """One block more has its own events more, however far on: with the beginning this counts them all."""
    entities, everyone = Entities.of(shares(count, skew), KEY), np.arange(count)
    who, numbers = entities.block(index)
    before = entities.before(index * BLOCK_ROWS, everyone)
    assert before.sum() == index * BLOCK_ROWS
    assert (before + np.bincount(who, minlength=count) == entities.before((index + 1) * BLOCK_ROWS, everyone)).all()
    here = entities.before(index * BLOCK_ROWS + within, everyone)
    assert (here == before + np.bincount(who[:within], minlength=count)).all()
    assert numbers[within] == here[who[within]]
    assert entities.before(0, everyone).tolist() == [0] * count


def test_a_period_has_every_entity_exactly_by_its_weight() -> None:
    entities, count = Entities.of(shares(1_000, 1.5), KEY), 1_000
    weights = entities.before(PERIOD * BLOCK_ROWS, np.arange(count))
    assert weights.sum() == TOTAL
    assert weights.min() >= 1
    assert weights / TOTAL == pytest.approx(shares(count, 1.5), rel=1e-4)


@pytest.mark.parametrize("skew", [0, 1.1])
def test_any_stretch_of_blocks_has_entities_as_often_as_they_are_popular(skew: float) -> None:
    count, blocks = 20_000, 64
    entities = Entities.of(shares(count, skew), KEY)
    seen = [entities.before(at * BLOCK_ROWS, np.arange(count)) for at in (1_000, 1_000 + blocks)]
    expected = shares(count, skew) * blocks * BLOCK_ROWS
    assert np.abs(seen[1] - seen[0] - expected).max() < 6  # of 13 an entity on average
    who, _ = entities.block(1_000)
    first_half = np.bincount(who[: BLOCK_ROWS // 2], minlength=count)[:1].sum() / BLOCK_ROWS * 2
    assert first_half == pytest.approx(shares(count, skew)[0], abs=0.03)


def test_blocks_are_shuffled_and_shards_have_orders_of_their_own() -> None:
    one, other = (Entities.of(shares(64, 0), key) for key in (KEY, (21, 23)))
    slots = np.zeros((64, 64))
    for index in range(200):
        who = one.block(index)[0]
        np.add.at(slots, (who, np.arange(BLOCK_ROWS) // 64), 1)
    assert chisquare(slots.ravel()).pvalue > 1e-6
    assert one.order.tolist() != other.order.tolist()
    assert one.shift != other.shift


@pytest.mark.parametrize("deletes", [0.5, 0.4, 0.3, 1 / 3, 0.05, 0.013])
def test_lives_begin_with_a_creation_end_with_a_delete_and_have_the_share_of_them(deletes: float) -> None:
    count, each = 3_000, 200
    events = Lives(deletes, KEY).events(np.repeat(np.arange(count), each), np.tile(np.arange(each), count))
    created, deleted, lives = (x.reshape(count, each) for x in (events.created, events.deleted, events.lives))
    assert created[:, 0].all()
    assert not deleted[:, 0].any()
    assert (created[:, 1:] == deleted[:, :-1]).all()  # after a delete the key is created anew, and at no other time
    assert (np.diff(lives, axis=1) == created[:, 1:]).all()
    assert (lives[:, 0] == 0).all()
    assert deleted[:, 1:].mean() == pytest.approx(deletes, rel=0.03)
    by_number = deleted[:, 1:].mean(axis=0)
    assert np.abs(by_number - deletes).max() < 6 * (deletes / count) ** 0.5, "deletes come in waves"


def test_without_deletes_there_is_one_life() -> None:
    events = Lives(0.0, KEY).events(np.array([5, 5, 6]), np.array([0, 9, 0]))
    assert events.created.tolist() == [True, False, True]
    assert not events.deleted.any()
    assert events.lives.tolist() == [0, 0, 0]


def test_a_life_is_worked_out_alone() -> None:
    who, numbers = np.arange(500) % 7, np.arange(500) // 7
    lives = Lives(0.2, KEY)
    whole, order = lives.events(who, numbers), np.argsort(uniforms(KEY, 0, 500, 1)[:, 0])
    apart = lives.events(who[order], numbers[order])
    assert (apart.deleted == whole.deleted[order]).all()
    assert (apart.lives == whole.lives[order]).all()
