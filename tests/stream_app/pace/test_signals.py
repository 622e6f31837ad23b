"""The rate of each form at moments worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from schemas.rates import profile_of
from stream_app.pace.curve import Curve
from stream_app.pace.signals import Setting, Signal, signal
from tests.stream_app.pace.profiles import START_MS


def made(form: Any, origin_ms: float = START_MS) -> Signal:
    return signal(profile_of(form), Setting(origin_ms, (1, 2)))


def rates(form: Any, *moments: float, origin_ms: float = START_MS) -> list[float]:
    """The rate just after each moment."""
    found = []
    for moment in moments:
        segments = made(form, origin_ms).over(moment, moment + 1e-3)
        found.append(float(segments.left[0]))
    return found


def masses(form: Any, *moments: float) -> list[float]:
    return [float(mass) for mass in Curve(made(form)).mass(np.array(moments))]


def test_ramps_hold_what_they_reach() -> None:
    ramp = {"ramp": {"from": 10, "to": 30, "over_s": 10}}
    assert rates(ramp, 0, 5, 10, 1e6) == pytest.approx([10, 20, 30, 30])
    assert masses(ramp, 5, 10, 110) == pytest.approx([75, 200, 3_200])


def test_steps_hold_on_or_begin_again() -> None:
    plan = [{"rate": 5, "for_s": 2}, {"rate": 0, "for_s": 1}, {"rate": 8, "for_s": 3}]
    assert rates({"steps": plan}, 0, 1.9, 2, 3, 6, 100) == pytest.approx([5, 5, 0, 8, 8, 8])
    again = {"steps": {"plan": plan, "repeat": True}}
    assert rates(again, 0, 2, 3, 6, 8, 603) == pytest.approx([5, 0, 8, 5, 0, 8])
    assert masses(again, 6, 60, 61) == pytest.approx([34, 340, 345])


def test_bursts_begin_each_interval() -> None:
    bursts = {"bursts": {"base": 1, "peak": 11, "every_s": 60, "for_s": 2}}
    assert rates(bursts, 0, 2, 59, 60, 61.9) == pytest.approx([11, 1, 1, 11, 11])
    assert masses(bursts, 60, 3_600) == pytest.approx([80, 4_800])


def test_a_wave_is_a_wave() -> None:
    sine = {"sine": {"mean": 100, "amplitude": 60, "period_s": 10, "phase": 0.1}}
    moments = np.linspace(0, 25, 41)
    true = 100 + 60 * np.sin(2 * np.pi * (moments / 10 + 0.1))
    assert rates(sine, *moments) == pytest.approx(true.tolist(), rel=1e-3)
    whole, _ = quad(lambda t: 100 + 60 * np.sin(2 * np.pi * (t / 10 + 0.1)), 0, 3.7)
    assert masses(sine, 3.7) == pytest.approx([whole], rel=1e-5)


def test_sums_and_products_of_rates() -> None:
    ramp, bursts = (
        {"ramp": {"from": 0, "to": 10, "over_s": 10}},
        {"bursts": {"base": 1, "peak": 3, "every_s": 4, "for_s": 1}},
    )
    assert rates({"sum": [2, ramp, bursts]}, 0, 1, 5, 20) == pytest.approx([5, 4, 8, 15])
    assert rates({"product": [2, ramp, bursts]}, 0, 1, 4, 9) == pytest.approx([0, 2, 24, 18], abs=1e-6)
    assert masses({"product": [ramp, ramp]}, 10) == pytest.approx([1_000 / 3], rel=1e-3)
    assert masses({"sum": [1, bursts]}, 4_000) == pytest.approx([10_000])


def test_random_states_keep_their_rates_and_their_shares_of_time() -> None:
    states = {"mmpp": [{"rate": 10, "dwell_s": 5}, {"rate": 100, "dwell_s": 1}, {"rate": 0, "dwell_s": 2}]}
    segments = made(states).over(0, 200_000)
    length = np.diff(segments.edges)
    assert set(segments.left) == {0, 10, 100}
    assert segments.left.tolist() == segments.right.tolist()
    for rate, dwell_s in ((10, 5), (100, 1), (0, 2)):
        inside = segments.left == rate
        assert length[inside].mean() == pytest.approx(dwell_s, rel=0.03)
        assert length[inside].sum() / 200_000 == pytest.approx(dwell_s / 8, rel=0.05)
        assert length[inside].std() == pytest.approx(dwell_s, rel=0.05)  # as exponential times have
    assert masses(states, 200_000)[0] / 200_000 == pytest.approx(150 / 8, rel=0.03)


def test_a_stretch_is_the_same_however_it_is_cut() -> None:
    for form in (
        {"mmpp": [{"rate": 10, "dwell_s": 5}, {"rate": 100, "dwell_s": 1}]},
        {"diurnal": {"rate": 9, "hours": list(range(24)), "timezone": "Europe/Berlin"}},
        {"schedule": {"entries": [{"cron": "7 */3 * * *", "rate": 3}, {"cron": "0 1 * * *", "rate": 5}]}},
    ):
        whole = made(form).over(50_000, 90_000)
        for start, stop in ((50_000, 60_000), (60_000, 60_001), (72_345.6, 90_000)):
            part, cut = made(form).over(start, stop), whole.cut(start, stop)
            at = np.linspace(start, stop, 50)[:-1]
            edges = np.unique(np.concatenate([part.edges, cut.edges, at]))
            assert part.refined(edges).left == pytest.approx(cut.refined(edges).left)
