"""Every form of a profile as a signal: its rate over any stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from generators.randomness import Key, uniforms
from schemas.rate_forms import Bursts, Diurnal, Mmpp, Ramp, Sine, Steps, Timetable, Trace, Weekly
from schemas.rates import Intensity
from stream_app.pace.recordings import recording
from stream_app.pace.segments import Floats, Segments, added, joined, multiplied
from stream_app.pace.wall_clock import DAY_S, HOUR_S, LocalCycle, LocalTimetable, smooth

SINE_KNOTS = 128
"""Knots of a wave: between them it is a line, a few ten-thousandths of the amplitude off at most."""

KNOTS = 16_384
"""About so many knots are worked out at a time."""

EVER_S = 1e13
"""Longer than any stream runs, in seconds."""


@dataclass(frozen=True)
class Signal:
    """A rate as a function of time.

    Args:
        over: the rate over [start, stop), in seconds since the profile began.
        span_s: how many seconds hold about `KNOTS` knots.
        period_s: after how many seconds it repeats; None for never.
        end_s: after how many seconds nothing follows; None for never.
        constant: whether it never changes.
    """

    over: Callable[[float, float], Segments]
    span_s: float = DAY_S
    period_s: float | None = None
    end_s: float | None = None
    constant: bool = False


@dataclass(frozen=True)
class Setting:
    """What a profile needs to know of its stream.

    Args:
        origin_ms: when the profile began on the stream's clock, milliseconds since the epoch.
        key: selects the numbers that random states are drawn from.
    """

    origin_ms: float
    key: Key


def signal(rate: float | Intensity, setting: Setting) -> Signal:
    """The signal of a profile.

    Args:
        rate: a number, or any form.
        setting: the stream it belongs to.

    Raises:
        InputError: a recording can not be read, or is not the one it was.
    """
    return SIGNALS[rate.name](rate.form, setting) if isinstance(rate, Intensity) else _constant(rate, setting)


def _segments(edges: list[float], left: list[float], right: list[float]) -> Segments:
    return Segments(np.array(edges, np.float64), np.array(left, np.float64), np.array(right, np.float64))


def _cycle(once: Segments) -> Signal:
    period_s = float(once.edges[-1])
    return Signal(once.tiled, KNOTS * period_s / len(once.left), period_s)


def _constant(rate: float, setting: Setting) -> Signal:
    return Signal(lambda start, stop: _segments([start, stop], [rate], [rate]), constant=True)


def _ramp(ramp: Ramp, setting: Setting) -> Signal:
    return Signal(_segments([0, ramp.over_s, EVER_S], [ramp.start, ramp.to], [ramp.to, ramp.to]).cut)


def _steps(steps: Steps, setting: Setting) -> Signal:
    ends = np.cumsum([step.for_s for step in steps.plan])
    rates = [step.rate for step in steps.plan]
    if steps.repeat:
        return _cycle(_segments([0, *ends], rates, rates))
    return Signal(_segments([0, *ends[:-1], EVER_S], rates, rates).cut)


def _timetable(timetable: Timetable, setting: Setting) -> Signal:
    return Signal(LocalTimetable(timetable, setting.origin_ms).over)


def _diurnal(day: Diurnal, setting: Setting) -> Signal:
    return Signal(LocalCycle(day.timezone, smooth(day.hours, HOUR_S, 12, day.rate), setting.origin_ms).over)


def _weekly(week: Weekly, setting: Setting) -> Signal:
    return Signal(LocalCycle(week.timezone, smooth(week.days, DAY_S, 24, week.rate), setting.origin_ms).over)


def _bursts(bursts: Bursts, setting: Setting) -> Signal:
    rates = [bursts.peak, bursts.base]
    return _cycle(_segments([0, bursts.for_s, bursts.every_s], rates, rates))


def _sine(sine: Sine, setting: Setting) -> Signal:
    at: Floats = np.linspace(0, 1, SINE_KNOTS + 1)
    half = np.pi / SINE_KNOTS
    exact = np.tan(half) / half  # so that the lines' integral between knots is the wave's
    wave: Floats = np.sin(2 * np.pi * (at + sine.phase))
    values = np.asarray(np.maximum(sine.mean + sine.amplitude * exact * wave, 0), np.float64)
    return _cycle(Segments(at * sine.period_s, values[:-1], values[1:]))


def _trace(trace: Trace, setting: Setting) -> Signal:
    counts = recording(trace).counts
    rates = counts * (trace.scale / trace.slot_s)
    edges = np.arange(len(counts) + 1, dtype=np.float64) * trace.slot_s
    if trace.repeat:
        return _cycle(Segments(edges, rates, rates))
    rates, end_s = np.append(rates, 0.0), float(edges[-1])
    return Signal(Segments(np.append(edges, EVER_S), rates, rates).cut, KNOTS * trace.slot_s, end_s=end_s)


def _sum(parts: tuple[float | Intensity, ...], setting: Setting) -> Signal:
    signals = [signal(part, setting) for part in parts]
    ends = [each.end_s for each in signals]
    return Signal(
        lambda start, stop: added([each.over(start, stop) for each in signals]),
        min(each.span_s for each in signals),
        _period(signals),
        None if None in ends else max(end for end in ends if end is not None),
    )


def _product(parts: tuple[float | Intensity, ...], setting: Setting) -> Signal:
    signals = [signal(part, setting) for part in parts]
    return Signal(
        lambda start, stop: reduce(multiplied, (each.over(start, stop) for each in signals)),
        min(each.span_s for each in signals),
        _period(signals),
        min((each.end_s for each in signals if each.end_s is not None), default=None),
    )


def _period(signals: list[Signal]) -> float | None:
    """The period all have in common; constants have any."""
    periods = {each.period_s for each in signals if not each.constant}
    return periods.pop() if len(periods) == 1 else None


@dataclass(frozen=True)
class _Modulation:
    """States in turn, at random. Time is cut into spans that are drawn each by itself, beginning with a state as
    likely as its share of time: so any moment is found without what was before it."""

    states: Mmpp
    key: Key
    memo: dict[int, Segments] = field(default_factory=dict)

    @property
    def span_s(self) -> float:
        return float(np.mean([state.dwell_s for state in self.states.states])) * KNOTS / 4

    def over(self, start: float, stop: float) -> Segments:
        first, last = int(start // self.span_s), int(np.ceil(stop / self.span_s))
        return joined([self._span(number) for number in range(first, max(last, first + 1))]).cut(start, stop)

    def _span(self, number: int) -> Segments:
        if number not in self.memo:
            if len(self.memo) > 8:
                self.memo.clear()
            self.memo[number] = self._drawn(number, KNOTS // 3)
        return self.memo[number]

    def _drawn(self, number: int, rows: int) -> Segments:
        dwells = np.array([state.dwell_s for state in self.states.states])
        rates = np.array([state.rate for state in self.states.states])
        chance = uniforms(self.key, number, rows, 2)  # (rows, dwell and next state)
        first = np.searchsorted(np.cumsum(dwells) / dwells.sum(), chance[0, 1], side="right")
        jumps = 1 + np.floor(chance[1:, 1] * (len(dwells) - 1)).astype(np.int64)
        state = np.cumsum(np.concatenate([[min(first, len(dwells) - 1)], jumps])) % len(dwells)
        ends = np.cumsum(-np.log1p(-chance[:, 0]) * dwells[state])
        if ends[-1] < self.span_s:
            return self._drawn(number, rows * 2)
        held = int(np.searchsorted(ends, self.span_s)) + 1
        edges = np.concatenate([[0.0], ends[: held - 1], [self.span_s]])
        return Segments(number * self.span_s + edges, rates[state[:held]], rates[state[:held]])


def _mmpp(states: Mmpp, setting: Setting) -> Signal:
    chain = _Modulation(states, setting.key)
    return Signal(chain.over, chain.span_s)


SIGNALS: Mapping[str, Callable[[Any, Setting], Signal]] = {
    "constant": _constant,
    "ramp": _ramp,
    "steps": _steps,
    "schedule": _timetable,
    "diurnal": _diurnal,
    "weekly": _weekly,
    "sine": _sine,
    "bursts": _bursts,
    "mmpp": _mmpp,
    "trace": _trace,
    "sum": _sum,
    "product": _product,
}
"""What makes a signal of each form, by its name."""
