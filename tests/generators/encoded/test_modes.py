"""Modes: found where they are, few where few are needed, and numbers come back from them."""

from __future__ import annotations

import numpy as np
import pytest

from generators.columns import Part
from generators.encoded.encoding import encoded
from generators.encoded.layout import layout_of
from generators.encoded.modes import MOST_MODES, REACH, Modes, mixture_of, modes_of
from schemas.profile import profile_table
from schemas.rows import Rows
from tests.generators.tables import AWKWARD, orders


def atoms(values: list[float], mass: list[float]) -> Part:
    return Part(np.array(mass), np.array(values), np.ones(len(values)), 1.0)


def bumps(*centres: float) -> Part:
    """As many hills, each ten wide."""
    x = np.arange(-100.0, 100.0)
    mass = sum((np.exp(-(((x - c) / 10) ** 2) / 2) for c in centres), np.zeros(len(x)))
    return Part(mass, x, np.ones(len(x)), 1.0)


def in_units(mixture_means: np.ndarray[tuple[int], np.dtype[np.float64]], unit: list[float]) -> list[float]:
    return [(mean * unit[2] + unit[1]) * unit[0] for mean in mixture_means.tolist()]


def test_what_half_of_the_values_are_is_a_mode_of_its_own() -> None:
    found = mixture_of(atoms([0.0, *np.arange(1, 300)], [0.5, *[0.5 / 299] * 299]))
    at = int(found.share.argmax())
    assert found.share[at] == pytest.approx(0.5, abs=0.01)
    assert in_units(found.mean[[at]], found.unit.tolist())[0] == pytest.approx(0, abs=0.5)
    assert found.deviation[at] < 0.01


def test_hills_far_apart_have_modes_of_their_own() -> None:
    found = mixture_of(bumps(-60, 60))
    means = np.array(in_units(found.mean, found.unit.tolist()))
    assert found.share[means < 0].sum() == pytest.approx(0.5, abs=0.01)
    assert not ((means > -20) & (means < 20)).any()
    assert len(means) <= MOST_MODES
    assert found.share.sum() == pytest.approx(1)


@pytest.mark.parametrize("values", [[7.0], [1e300, 1e300], [0.0]])
def test_one_value_is_one_mode(values: list[float]) -> None:
    found = mixture_of(atoms(values, [1.0] * len(values)))
    codes, numbers = found.encoded(np.array(values), np.full(len(values), 0.5))
    assert (len(found.share), codes.tolist(), numbers.tolist()) == (1, [0] * len(values), [0.0] * len(values))


def test_a_number_is_as_far_from_its_modes_mean_as_it_says() -> None:
    mixture, x = mixture_of(bumps(-60, 60)), np.concatenate([np.arange(-80.0, -40.0), np.arange(40.0, 80.0)])
    codes, numbers = mixture.encoded(x, np.full(len(x), 0.5))
    back = mixture.mean[codes] + REACH * mixture.deviation[codes] * numbers
    assert in_units(back, mixture.unit.tolist()) == pytest.approx(x.tolist(), abs=1e-6)
    assert np.abs(numbers).max() < 0.99
    assert (np.diff(codes) >= 0).all()


@pytest.mark.parametrize("made", AWKWARD)
def test_any_table_is_encoded_by_modes(made: str) -> None:
    table, schema = AWKWARD[made]()
    profile = profile_table(table, schema)
    modes = modes_of(schema, profile)
    layout = layout_of(schema, profile, modes)
    rows = encoded(Rows.of(table), layout, schema, profile, 0, modes=modes)
    assert np.isfinite(rows).all()
    assert np.abs(rows[:, : layout.numbers]).max(initial=0) <= 0.99 + 1e-6
    for start, end in zip(layout.first[:-1], layout.first[1:], strict=True):
        assert layout.share[start:end].sum() == pytest.approx(1)


def test_missing_numbers_are_in_the_state_for_that() -> None:
    table, schema = orders(800)
    profile = profile_table(table, schema)
    modes = modes_of(schema, profile)
    layout = layout_of(schema, profile, modes)
    rows = encoded(Rows.of(table), layout, schema, profile, 0, modes=modes)
    missing = table.column("pieces").is_null().to_numpy()
    assert (rows[:, layout.numbers + 2] == layout.null[2]).tolist() == missing.tolist()
    assert not rows[missing, 2].any()


def test_the_arrays_are_all_of_it() -> None:
    table, schema = orders(300)
    modes = modes_of(schema, profile_table(table, schema))
    again = Modes.from_weights(modes.weights())
    assert all((getattr(again, name.split(".")[1]) == array).all() for name, array in modes.weights().items())
