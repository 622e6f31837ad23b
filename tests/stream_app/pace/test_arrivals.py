"""Random arrivals: Poisson, whatever is drawn first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from stream_app.pace.arrivals import FAN, Arrivals


@given(first=st.integers(0, 10**12), count=st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_any_arrival_is_found_by_itself_and_counts_agree(first: int, count: int) -> None:
    numbers = np.arange(first, first + count)
    times = Arrivals((1, 2)).times(numbers)
    assert (np.diff(times) >= 0).all()
    fresh = Arrivals((1, 2))
    assert fresh.times(numbers[-1:])[0] == times[-1]
    assert fresh.count(float(times[0])) >= first + 1
    assert fresh.count(float(np.nextafter(times[0], 0))) <= first
    assert abs(times[0] - first) < 6 * np.sqrt(first + 1) + 20


def test_gaps_are_exponential_across_all_borders() -> None:
    process = Arrivals((3, 4))
    for first in (0, FAN - 2_000, FAN**2 - 2_000, FAN**3 - 2_000):
        gaps = np.diff(process.times(np.arange(first, first + 4_000)))
        assert kstest(gaps, "expon").pvalue > 1e-3
        assert abs(float(np.corrcoef(gaps[1:], gaps[:-1])[0, 1])) < 4 / np.sqrt(len(gaps))


@pytest.mark.parametrize("level", [1, 2])
def test_longer_stretches_vary_as_much_as_they_should(level: int) -> None:
    """The time of n arrivals has mean n and variance n, within a stretch and across stretches."""
    process, step = Arrivals((5, 6)), FAN**level // 2
    times = process.times(np.arange(300) * step - 1)
    scores = (np.diff(times) - step) / np.sqrt(step)
    assert kstest(scores, "norm").pvalue > 1e-3


def test_before_the_beginning_nothing_came() -> None:
    process = Arrivals((1, 1))
    assert process.times(np.array([-1]))[0] == 0
    assert [process.count(-1.0), process.count(0.0)] == [0, 0]
    assert process.count(float(process.times(np.array([0]))[0])) == 1


def test_other_keys_are_other_arrivals() -> None:
    numbers = np.arange(100)
    assert not np.isin(Arrivals((1, 1)).times(numbers), Arrivals((1, 2)).times(numbers)).any()
