"""Calibration: shares and distribution functions come out right whatever the network gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generators.encoded import calibration as calibrating
from generators.encoded.calibration import Calibration, calibrated, calibration_rows, ranked, raw_values, states
from generators.encoded.layout import Floats32, Layout, layout_of
from schemas.errors import InputError
from schemas.profile import profile_table
from tests.generators.tables import AWKWARD

ROWS = 8_000
RNG_SEED = 3


def layout(made: str) -> Layout:
    table, schema = AWKWARD[made]()
    return layout_of(schema, profile_table(table, schema))


def given(found: Layout, scale: float) -> tuple[Floats32, Floats32]:
    """Numbers and logits that have nothing to do with the profile."""
    rng = np.random.Generator(np.random.PCG64(RNG_SEED))
    numbers = np.tanh(scale * rng.standard_normal((ROWS, found.numbers)))
    return numbers.astype(np.float32), (scale * rng.standard_normal((ROWS, found.states))).astype(np.float32)


@pytest.mark.parametrize("made", AWKWARD)
@pytest.mark.parametrize("scale", [0.1, 5.0])
def test_states_are_drawn_in_the_profiles_shares(made: str, scale: float) -> None:
    found = layout(made)
    numbers, logits = given(found, scale)
    u = np.random.Generator(np.random.PCG64(4)).random((ROWS, found.count))
    calibration = calibrated(found, numbers, logits, u)
    codes, into = states(logits, calibration.biases, found.first, u)
    for j, size in enumerate(found.sizes):
        drawn = np.bincount(codes[:, j], minlength=size) / ROWS
        share = found.share[found.first[j] : found.first[j + 1]]
        assert np.abs(drawn - share).max() < 0.015
        assert not drawn[share == 0].any()
    assert into.min(initial=0) >= 0
    assert into.max(initial=1) <= 1


@pytest.mark.parametrize("scale", [0.1, 50.0])  # of the latter nearly all are at the ends
def test_numbers_become_uniform_even_where_many_are_the_same(scale: float) -> None:
    found = layout("orders")
    numbers, logits = given(found, scale)
    rng = np.random.Generator(np.random.PCG64(5))
    calibration = calibrated(found, numbers, logits, rng.random((ROWS, found.count)))
    u = np.empty(ROWS)
    ranked(numbers[:, 0].astype(float), calibration.knots[0], rng.random(ROWS), u)
    assert np.abs(np.sort(u) - np.linspace(0, 1, ROWS)).max() < 0.015
    assert u.min() >= 0
    assert u.max() < 1


def test_the_distribution_function_rises_from_the_lowest_to_the_highest_and_no_further() -> None:
    knots, u = np.array([0.0, 1.0, 1.0, 1.0, 3.0]), np.empty(6)
    ranked(np.array([-9.0, 0.0, 0.5, 1.0, 2.0, 9.0]), knots, np.full(6, 0.5), u)
    assert u.tolist() == pytest.approx([0, 0, 0.125, 0.5, 0.875, 1])


def test_a_number_is_on_the_scale_of_its_state() -> None:
    found = layout("orders")
    found.centre[found.first[2]], found.spread[found.first[2]] = 10.0, 4.0
    codes, numbers = np.zeros((2, found.count), np.int32), np.full((2, found.numbers), 0.5, np.float32)
    codes[1, 2] = 1
    assert raw_values(found, numbers, codes)[:, 2].tolist() == [12.0, 0.5]


def test_numbers_that_are_none_are_refused() -> None:
    found = layout("orders")
    numbers, logits = given(found, 1.0)
    numbers[7, 1] = np.nan
    with pytest.raises(InputError, match="training lost itself"):
        calibrated(found, numbers, logits, np.full((ROWS, found.count), 0.5))


def test_the_arrays_are_all_of_it() -> None:
    found = layout("orders")
    numbers, logits = given(found, 1.0)
    made = calibrated(found, numbers, logits, np.full((ROWS, found.count), 0.5))
    again = Calibration.from_weights(made.weights())
    assert (again.biases == made.biases).all()
    assert (again.knots == made.knots).all()


def test_biases_are_no_longer_moved_once_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    found, rounds, mean_chances = layout("orders"), list[int](), calibrating._mean_chances
    numbers, logits = given(found, 0.1)

    def counted(*arguments: Any) -> Any:
        rounds.append(1)
        return mean_chances(*arguments)

    monkeypatch.setattr(calibrating, "_mean_chances", counted)
    calibrated(found, numbers, logits, np.full((ROWS, found.count), 0.5))
    assert 1 < len(rounds) < calibrating.ROUNDS


def test_the_more_states_the_fewer_rows_calibrate_them() -> None:
    found = layout("orders")
    wide, wider = (replace(found, first=found.first * by) for by in (200, 20_000))
    rows = [calibration_rows(each) for each in (found, wide, wider)]
    assert rows == [calibrating.CALIBRATION_ROWS, calibrating.MOST_LOGITS // wide.states, calibrating.FEWEST_ROWS]
