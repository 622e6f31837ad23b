"""What a stream's rate will be: drawn from the schedule that will be followed."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from schemas.errors import InputError
from schemas.rates import profile_of
from stream_app.forecast import Plan, forecast
from stream_app.pace.course import Share
from stream_app.rate_chart import as_svg, as_text, ticks
from stream_app.schedule import UNPACED, equal_share
from tests.stream_app.shop import START_MS

BURSTS = profile_of({"bursts": {"base": 10, "peak": 100, "every_s": 60, "for_s": 6}})
TWO = (equal_share(0, 2), equal_share(1, 2))


def test_points_are_means_and_say_how_far_the_rate_moves() -> None:
    seen = forecast(Plan("s", BURSTS, TWO), START_MS, START_MS + 120_000, 10)
    assert seen.per_s == pytest.approx([55, 10, 10, 10, 10] * 2)
    assert (seen.low[0], seen.high[0], seen.high[1]) == pytest.approx((10, 100, 10))
    assert (seen.records, seen.point_s, *seen.fractions) == pytest.approx((2_280, 12, 0.5, 0.5))


def test_random_arrivals_are_those_that_will_be() -> None:
    plan = Plan("s", profile_of({"poisson": 200}), tuple(Share(0.5, 0, (1, 1), (2, shard)) for shard in range(2)))
    seen, again = (forecast(plan, START_MS, START_MS + 60_000, 60) for _ in range(2))
    assert seen.per_s.tolist() == again.per_s.tolist()
    assert seen.records == round(seen.records)
    assert abs(seen.records - 12_000) < 5 * np.sqrt(12_000)
    assert 5 < seen.per_s.std() < 30  # 14.1 for Poisson


@pytest.mark.parametrize("rate", [50.0, profile_of({"constant": 50})])
def test_a_stream_ends_by_count_and_by_time(rate: float) -> None:
    counted = forecast(Plan("s", rate, TWO, count=200), START_MS, START_MS + 10_000, 10)
    assert counted.per_s == pytest.approx([50] * 4 + [0] * 6)
    timed = forecast(Plan("s", rate, TWO, until_ms=START_MS + 3_000), START_MS, START_MS + 10_000, 10)
    assert timed.per_s == pytest.approx([50] * 3 + [0] * 7)


def test_what_can_not_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="rate_per_s=max: goes as fast as the broker takes it"):
        forecast(Plan("s", UNPACED, TWO), START_MS, START_MS + 1, 10)
    with pytest.raises(InputError, match="to: must be after from"):
        forecast(Plan("s", 5.0, TWO), START_MS, START_MS, 10)


def test_the_pictures_hold_what_was_seen() -> None:
    seen = forecast(Plan("<s>", BURSTS, (Share(0.7), Share(0.3, 0.7))), START_MS, START_MS + 120_000, 10)
    drawing = ElementTree.fromstring(as_svg(seen))
    drawn = [part for part in drawing.iter() if part.get("class") in ("stream", "shard")]
    assert [part.get("class") for part in drawn] == ["shard", "shard", "stream"]
    assert all(len((part.get("points") or "").split()) == 10 for part in drawn)
    text = as_text(seen).splitlines()
    assert text[0] == "<s>: records a second, bursts"
    assert text[-2:] == ["shard 0: 0.7 of it, up to 70/s", "shard 1: 0.3 of it, up to 30/s"]
    assert sum("█" in line for line in text) > 5


@pytest.mark.parametrize(("highest", "marks"), [(0, 2), (0.07, 5), (5, 6), (99_999, 6), (1e-9, 6)])
def test_an_axis_has_a_few_round_numbers(highest: float, marks: int) -> None:
    found = ticks(highest)
    assert len(found) in range(marks - 1, marks + 2)
    assert found[-1] >= highest
