from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from monitors.distances import ONE, Counts, contingency, effective, kolmogorov_smirnov

cells = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 4_000)), min_size=1, max_size=30)


def split(pairs: list[tuple[int, int]]) -> tuple[Counts, Counts]:
    return np.array([a for a, _ in pairs], np.int64), np.array([b for _, b in pairs], np.int64)


@given(cells)
@example([(1, 1)])
def test_ks_of_counts_is_scipys_of_the_values(pairs: list[tuple[int, int]]) -> None:
    a, b = split(pairs)
    if a.sum() == 0 or b.sum() == 0:
        assert kolmogorov_smirnov(a, b, ONE)[0] == 0
        return
    values = np.arange(len(a))
    with np.errstate(divide="ignore", invalid="ignore"):  # of the p-value, for a single value each
        expected = ks_2samp(np.repeat(values, a), np.repeat(values, b), method="asymp").statistic
    assert kolmogorov_smirnov(a, b, ONE)[0] == pytest.approx(expected, abs=1e-12)


@given(cells)
def test_pearsons_statistic_is_scipys_on_cells_large_enough(pairs: list[tuple[int, int]]) -> None:
    a, b = split(pairs)
    a, b = a + 60, b + 600
    table = contingency(a, b, ONE)
    if len(a) == 1:
        assert table.df[0] == 0
        return
    oracle = chi2_contingency(np.array([a, b]), correction=False)
    assert table.pearson()[0] == pytest.approx(oracle.statistic, rel=1e-9, abs=1e-9)
    assert table.df[0] == oracle.dof


@settings(max_examples=50)
@given(st.lists(cells, min_size=1, max_size=5))
def test_many_columns_at_once_are_each_alone(columns: list[list[tuple[int, int]]]) -> None:
    parts = [split(pairs) for pairs in columns]
    a, b = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    starts = np.cumsum([0, *(len(pairs) for pairs in columns)])[:-1].astype(np.intp)
    together = contingency(a, b, starts)
    alone = [contingency(x, y, ONE) for x, y in parts]
    np.testing.assert_allclose(together.pearson(), [t.pearson()[0] for t in alone])
    np.testing.assert_array_equal(together.df, [t.df[0] for t in alone])
    np.testing.assert_allclose(kolmogorov_smirnov(a, b, starts), [kolmogorov_smirnov(x, y, ONE)[0] for x, y in parts])


@given(cells)
def test_samples_in_the_same_proportions_are_at_no_distance(pairs: list[tuple[int, int]]) -> None:
    a, _ = split(pairs)
    table = contingency(a, a * 10, ONE)
    assert kolmogorov_smirnov(a, a * 10, ONE)[0] == pytest.approx(0, abs=1e-12)
    assert table.pearson()[0] == pytest.approx(0, abs=1e-9)


def test_small_cells_are_pooled_and_nothing_is_lost() -> None:
    a, b = np.array([100, 1, 2, 0, 300]), np.array([1_000, 9, 21, 3, 2_900])
    table = contingency(a, b, ONE)
    assert table.a.tolist() == [100, 0, 0, 0, 300, 3]
    assert table.b.tolist() == [1_000, 0, 0, 0, 2_900, 33]
    assert table.df.tolist() == [2]


def test_a_pair_of_samples_errs_like_one_of_half_the_harmonic_mean() -> None:
    assert effective(np.array([100.0, 0.0]), np.array([100.0, 5.0])).tolist() == [50.0, 0.0]
