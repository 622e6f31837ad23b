from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from monitors.distances import Counts
from monitors.tolerated import Tolerated
from tests.monitors import scene

LAYOUT = scene.layout()
RATE = 1e-3


def windows(*violations: int, n: tuple[int, ...] = (10_000, 40_000, 160_000, 640_000)) -> Counts:
    counts = np.zeros((4, LAYOUT.size), np.int64)
    counts[:, 0] = n
    counts[:, LAYOUT.violations.start + 1] = violations
    return counts


def asked() -> Tolerated:
    return Tolerated(LAYOUT, {"range:weight": RATE})


def test_records_that_count_as_one_are_worth_as_many_fewer() -> None:
    alone, together = asked(), Tolerated(LAYOUT, {"range:weight": RATE}, {"range:weight": 5.0})
    most = windows(75, 300, 950, 3_500, n=(50_000, 200_000, 800_000, 3_200_000))
    assert together.answer(most).log_p == pytest.approx(alone.answer(windows(15, 60, 190, 700)).log_p)


def test_its_p_value_is_the_binomial_tail_at_the_tolerated_rate() -> None:
    answer = asked().answer(windows(15, 60, 190, 700))
    for i, (k, n) in enumerate(zip((15, 60, 190, 700), (10_000, 40_000, 160_000, 640_000), strict=True)):
        assert np.exp(answer.log_p[i, 0]) == pytest.approx(binom.sf(k - 1, n, RATE), rel=1e-6)
    assert (asked().names, answer.n[:, 0].tolist()) == (("range:weight",), [10_000, 40_000, 160_000, 640_000])


@pytest.mark.parametrize(
    ("violations", "pages"),
    [
        ((10, 40, 160, 640), False),
        ((200, 200, 200, 200), False),  # a burst that spent little
        ((150, 600, 2_400, 2_400), True),  # fast: 15 times what is tolerated, over sixteen panes and in the newest
        ((0, 600, 2_400, 2_400), False),  # it was, and is over
        ((70, 280, 1_100, 4_480), True),  # slow: 7 times, over all of them and in the newest four
        ((70, 280, 1_100, 3_000), False),
    ],
)
def test_a_page_takes_a_long_window_and_a_short_one(violations: tuple[int, ...], pages: bool) -> None:
    assert (asked().answer(windows(*violations)).least == np.inf).all() == pages


def test_no_records_say_nothing() -> None:
    answer = asked().answer(windows(0, 0, 0, 0, n=(0, 0, 0, 0)))
    assert answer.log_p.ravel().tolist() == [0] * 4
    assert (answer.least == -np.inf).all()
