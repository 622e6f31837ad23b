import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.knots import MAX_KNOTS, Marginal, marginal_of
from schemas.table import Column, Kind

INTEGER = Column("n", Kind.INTEGER)
NUMBER = Column("x", Kind.NUMBER)
CENTS = Column("x", Kind.NUMBER, decimals=2)


def check(found: Marginal) -> None:
    knots, mass = np.array(found.knots), np.array([*found.atoms, *found.inside])
    assert 1 <= len(knots) <= MAX_KNOTS
    assert len(found.atoms) == len(knots) == len(found.inside) + 1
    assert np.isfinite(knots).all()
    assert (np.diff(knots) > 0).all()
    assert (mass >= -1e-12).all()
    assert mass.sum() == pytest.approx(1)


def reachable(found: Marginal) -> set[float]:
    """Every value a discrete marginal can draw."""
    values = {k for k, p in zip(found.knots, found.atoms, strict=True) if p > 0}
    for a, b, p in zip(found.knots[:-1], found.knots[1:], found.inside, strict=True):
        if p > 0:
            values |= set(np.arange(a + found.step, b - found.step / 2, found.step).tolist())
    return values


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.float64, st.integers(0, 300), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_doubles_give_a_distribution(values: np.ndarray) -> None:
    for column in (NUMBER, CENTS):
        check(marginal_of(values, column))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-60, 60), st.integers(1, 12)), min_size=1, max_size=80))
def test_a_discrete_column_reaches_no_value_of_fewer_than_five_rows(held: list[tuple[int, int]]) -> None:
    values = np.concatenate([np.full(count, float(value)) for value, count in held])
    found = marginal_of(values, INTEGER)
    check(found)
    distinct, counts = np.unique(values, return_counts=True)
    rare = set(distinct[counts < 5].tolist())
    if 2 * counts[counts >= 5].sum() > len(values):
        assert not (reachable(found) | set(found.knots)) & rare
        assert {float(v) for v in distinct[counts >= 5]} <= reachable(found)
        assert values.min() <= found.knots[0] <= found.knots[-1] <= values.max()


def test_a_sparse_tail_keeps_its_reach_by_values_nobody_holds() -> None:
    tail = np.arange(1_000, 3_000, 7).astype(float)
    values = np.concatenate([np.repeat(np.arange(50.0), 40), tail])
    found = marginal_of(values, INTEGER)
    check(found)
    assert not reachable(found) & set(tail.tolist())
    knots, atoms = np.array(found.knots), np.array(found.atoms)
    assert atoms[knots >= 1_000].sum() == pytest.approx(len(tail) / len(values), abs=0.002)
    assert np.abs(np.diff(knots[knots >= 1_000]) - 35).max() < 8
    assert knots[-1] > 2_960


def test_few_rare_values_go_to_the_shared_one_next_to_them() -> None:
    found = marginal_of(np.array([1.0] * 20 + [2.0] * 20 + [900.0, 901.0, 902.0, 950.0]), INTEGER)
    assert found.knots == (1.0, 2.0)
    close = marginal_of(np.array([1.0] * 20 + [4.0] * 20 + [2.0] * 3 + [3.0] * 4), INTEGER)
    assert close.knots == (1.0, 4.0)  # no value between is free


def test_thousands_of_shared_values_are_thinned_without_reaching_others() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    support = np.sort(rng.choice(30_000, 6_000, replace=False)).astype(float)
    support = np.concatenate([support, np.arange(40_000, 44_000)])
    values = np.repeat(support, rng.integers(1, 40, len(support)))
    found = marginal_of(values, INTEGER)
    check(found)
    distinct, counts = np.unique(values, return_counts=True)
    assert len(found.knots) == MAX_KNOTS
    assert not reachable(found) & set(distinct[counts < 5].tolist())
    # the unbroken run keeps its mass in few knots
    run = values >= 40_000
    at = np.array(found.knots) >= 40_000
    mass = sum(np.array(found.atoms)[at]) + sum(np.array(found.inside)[at[:-1]])
    assert mass == pytest.approx(run.mean(), abs=0.02)


def test_hours_of_timestamps_become_runs() -> None:
    hour = 3_600_000_000.0
    days = np.concatenate([np.arange(6, 20) + 24 * d for d in range(300)]) * hour
    found = marginal_of(np.repeat(days, 7), Column("t", Kind.TIMESTAMP))
    assert found.step == hour
    assert len(found.knots) <= MAX_KNOTS
    assert reachable(found) == set(days.tolist())


def test_continuous_knots_are_means_of_five_and_ends_are_trimmed() -> None:
    found = marginal_of(np.arange(1, 11) / 7, NUMBER)
    assert found.knots == pytest.approx((3 / 7, 8 / 7))
    assert found.atoms == (0.0, 0.0)
    assert found.inside == (1.0,)


def test_spikes_of_a_continuous_column_stay_atoms() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    found = marginal_of(np.concatenate([np.zeros(400), rng.normal(5, 1, 600)]), NUMBER)
    check(found)
    assert dict(zip(found.knots, found.atoms, strict=True))[0.0] == pytest.approx(0.4)


def test_fewer_than_five_values_say_nothing() -> None:
    assert marginal_of(np.array([41.0, 43.0]), INTEGER) == Marginal(2, (0.0,), (1.0,), (), 1.0)
    assert marginal_of(np.array([]), NUMBER).knots == (0.0,)


def test_a_public_column_keeps_every_value() -> None:
    found = marginal_of(np.array([41.0, 43.0, 43.0]), Column("n", Kind.INTEGER, public=True))
    assert found.knots == (41.0, 43.0)
    assert found.atoms == pytest.approx((1 / 3, 2 / 3))


def test_cents_stay_cents() -> None:
    found = marginal_of(np.repeat([0.1, 0.2, 0.3], 9), CENTS)
    assert found.knots == (0.1, 0.2, 0.3)
    assert found.step == 0.1
