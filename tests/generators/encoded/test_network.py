"""Networks that are drawn from: normals of uniforms, conditions in their shares, and what is left open."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from generators.encoded.calibration import NEVER
from generators.encoded.dense import Dense, Layer
from generators.encoded.layout import layout_of
from generators.encoded.network import Network, log_chances, present_states
from schemas.profile import profile_table
from tests.generators.tables import orders

RNG = 7

pytestmark = pytest.mark.kernel


def network(conditions: int, deviation: float = 0.0, numbers: int = 2) -> Network:
    weight = np.random.Generator(np.random.PCG64(RNG)).standard_normal((3 + conditions, numbers + 4)).astype(np.float32)
    chances = np.arange(1.0, conditions + 1) / max(conditions * (conditions + 1) / 2, 1)
    return Network(Dense([Layer(weight, np.zeros(numbers + 4, np.float32))]), 3, chances, np.full(numbers, deviation))


def test_uniforms_become_normals_and_conditions_in_their_shares() -> None:
    u = np.random.Generator(np.random.PCG64(1)).random((9_000, 4))
    inputs, condition = network(4).inputs(u)
    assert inputs.shape == (9_000, 7)
    assert inputs[:, :3] == pytest.approx(ndtri(u[:, :3]), abs=1e-5)
    assert (inputs[:, 3:].argmax(axis=1) == condition).all()
    assert (inputs[:, 3:].sum(axis=1) == 1).all()
    assert np.bincount(condition) / 9_000 == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.02)


def test_without_conditions_there_are_none() -> None:
    inputs, condition = network(0).inputs(np.full((5, 4), 0.5))
    assert inputs.tolist() == np.zeros((5, 3)).tolist()
    assert condition.tolist() == [-1] * 5


def test_numbers_are_between_minus_one_and_one_and_logits_are_as_they_come() -> None:
    made = network(2)
    inputs = made.inputs(np.random.Generator(np.random.PCG64(1)).random((50, 4)))[0]
    numbers, logits = made(inputs, 2)
    assert (numbers.shape, logits.shape) == ((50, 2), (50, 4))
    assert np.abs(numbers).max() < 1
    assert (logits == made.dense(inputs)[:, 2:]).all()


def test_what_is_left_open_is_normal() -> None:
    table, schema = orders(300)
    layout = layout_of(schema, profile_table(table, schema))
    numbers = np.zeros((8_000, layout.numbers), np.float32)
    into = np.random.Generator(np.random.PCG64(2)).random((8_000, layout.count))
    open_ = network(0, 0.3, layout.numbers)
    assert open_.spread(numbers, layout, into).std(axis=0) == pytest.approx(np.full(5, 0.3), abs=0.02)
    assert network(0, 0.0, layout.numbers).spread(numbers, layout, into) is numbers


def test_chances_of_each_variable_sum_to_one_and_none_is_missing_where_none_may_be() -> None:
    table, schema = orders(300)
    layout = layout_of(schema, profile_table(table, schema))
    logits = np.random.Generator(np.random.PCG64(3)).standard_normal((20, layout.states)).astype(np.float32)
    for given in (logits, present_states(logits, layout, NEVER)):
        chances = np.exp(log_chances(given, np.zeros(layout.states, np.float32), layout))
        assert np.add.reduceat(chances, layout.first[:-1], axis=1) == pytest.approx(
            np.ones((20, layout.count)), abs=1e-5
        )
    gone = layout.first[:-1][layout.null >= 0] + layout.null[layout.null >= 0]
    assert not chances[:, gone].any()


def test_the_arrays_are_all_of_it() -> None:
    made = network(3, 0.2)
    again = Network.from_weights(made.weights())
    u = np.random.Generator(np.random.PCG64(1)).random((9, 4))
    assert (again(again.inputs(u)[0], 2)[1] == made(made.inputs(u)[0], 2)[1]).all()
    assert (again.width, again.deviation.tolist()) == (4, [0.2, 0.2])
