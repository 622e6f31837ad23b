from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from monitors.alarms import Alarms, Event
from monitors.evidence import Finding, FixedWindow, Subject
from monitors.pane import Pane, Span
from monitors.window import Window, Windows
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()
SUBJECT = Subject("drift_ks", "weight")


@dataclass
class Told:
    """Evidence that says what it is told: one letter a window: L large, S shown, q quiet, ? no verdict."""

    script: str
    subjects: tuple[Subject, ...] = (SUBJECT,)
    _at: int = field(default=0)

    def judge(self, window: Window) -> list[Finding]:
        word = self.script[self._at]
        self._at += 1
        shown = {"L": True, "S": True, "q": False, "?": None}[word]
        return [Finding(SUBJECT, shown, word == "L", window)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("qqqqq", ""),
        ("SSSSS", ""),
        ("qLLLqqq", "1o 6c"),
        ("LqqLqqq", "0o 6c"),
        ("LSSSqqqq", "0o 6c"),
        ("Lq?q?q??", "0o 5c"),
        ("L???????", "0o"),
        ("LqqqLqqq", "0o 3c 4o 7c"),
    ],
)
def test_an_alarm_opens_once_stays_latched_and_clears_once(script: str, expected: str) -> None:
    pane = scene.pane(LAYOUT, 600)
    alarms = Alarms(Told(script), scene.reference_of(LAYOUT, pane), clear_after=3)
    seen = []
    for t in range(len(script)):
        seen += [f"{t}{event.kind[0]}" for event in alarms.update(scene.window_of(pane))]
    assert " ".join(seen) == expected
    assert (SUBJECT in alarms.open) == expected.endswith("o")


def test_an_event_says_what_when_how_much_and_where() -> None:
    pane = scene.pane(LAYOUT, 600)
    pane.spans = {0: Span(3, 9, 0), 1: Span(4, 4, 0)}
    alarms = Alarms(Told("Lq"), scene.reference_of(LAYOUT, scene.pane(LAYOUT, 5_000, seed=1)), clear_after=1)
    (opened,) = alarms.update(Window(5, 9, pane, pane, 1))
    assert (opened.kind, opened.column, opened.metric) == ("opened", "weight", "drift_ks")
    assert (opened.at_s, opened.start_s, opened.end_s) == (9, 5, 9)
    assert opened.examples == ((0, 3), (0, 9), (1, 4))
    assert 0 < opened.estimate.value < 0.2
    (cleared,) = alarms.update(Window(6, 10, pane, pane, 1))
    assert (cleared.kind, cleared.at_s, cleared.examples) == ("cleared", 10, ())


def test_a_broken_rule_shows_the_records_that_broke_it() -> None:
    pane = scene.pane(LAYOUT, 100, scene.Drift(pieces=7))
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 5_000))
    (event,) = Alarms(FixedWindow(LAYOUT, reference), reference).update(scene.window_of(pane))
    assert (event.metric, event.column, event.examples) == ("quality_violation", "range:pieces", ((0, 0), (0, 1)))


def test_clearing_needs_a_window() -> None:
    with pytest.raises(InputError, match="clear_after=0"):
        Alarms(Told(""), scene.reference_of(LAYOUT, scene.pane(LAYOUT, 10)), clear_after=0)


def stream(seed: int, panes: int, window_s: float, drifted: range = range(0)) -> list[Event]:
    """The events of 2,000 records a second whose weights are half a standard deviation up during `drifted`."""
    rng = np.random.default_rng(seed)
    shares = {name: bins.expected for name, bins in LAYOUT.bins.items()}
    reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, shares, 1_000_000))
    moved = scene.pane(LAYOUT, 400_000, scene.Drift(shift=0.5), seed=seed).column("weight")
    up = {**shares, "weight": moved / moved.sum()}
    alarms, windows, events = Alarms(FixedWindow(LAYOUT, reference), reference), Windows(LAYOUT, 1, window_s, 0), []
    for slot in range(panes):
        pane = scene.drawn(rng, LAYOUT, up if slot in drifted else shares, 2_000)
        pane.spans[0] = Span(slot, slot, slot * 1_000 + 999)
        windows.add(slot, pane)
        for window in windows.closed(0.0):
            events += alarms.update(window)
    return events


@pytest.mark.parametrize("window_s", [5, 10])
def test_nothing_opens_while_nothing_changes(window_s: float) -> None:
    assert stream(1, 1_500, window_s) == []


@pytest.mark.parametrize("window_s", [5, 10])
@pytest.mark.parametrize("seed", range(8))
def test_half_a_standard_deviation_opens_at_once_and_clears_when_it_has_left_the_window(
    seed: int, window_s: float
) -> None:
    events = stream(seed, 60, window_s, range(20, 35))
    assert [(e.kind, e.metric, e.column) for e in events] == [
        ("opened", "drift_ks", "weight"),
        ("cleared", "drift_ks", "weight"),
    ]
    opened, cleared = events
    assert 21 <= opened.at_s <= 23
    assert opened.estimate.low > 0.1
    assert 35 < cleared.at_s <= 35 + window_s + 3


def test_a_pane_without_records_is_no_verdict() -> None:
    rng = np.random.default_rng(0)
    shares = {name: bins.expected for name, bins in LAYOUT.bins.items()}
    reference = scene.reference_of(LAYOUT, scene.drawn(rng, LAYOUT, shares, 1_000_000))
    alarms = Alarms(FixedWindow(LAYOUT, reference), reference, clear_after=1)
    alarms.update(scene.window_of(scene.pane(LAYOUT, 2_000, scene.Drift(shift=1))))
    assert alarms.update(scene.window_of(Pane.empty(LAYOUT))) == []
    assert alarms.open == (SUBJECT,)
