from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from monitors.alarms import Alarms, Event
from monitors.evidence import Finding, SequentialEvidence, Subject
from monitors.metric import Severity
from monitors.pane import Pane
from monitors.pane_parts import Span
from monitors.reference import Reference
from monitors.window import Window
from schemas.errors import InputError
from tests.monitors import scene, seen
from tests.monitors.seen import LAYOUT

SUBJECT = Subject("drift_ks", "weight")


@dataclass
class Told:
    """Evidence that says what it is told: one letter a pane: L large, S shown, q quiet, ? no verdict.

    What was shown once goes on being so until it is forgotten, as the protocol has it.
    """

    script: str
    subjects: tuple[Subject, ...] = (SUBJECT,)
    level: float = 0.0
    threshold: float = 4.0
    forgotten: list[int] = field(default_factory=list)
    _at: int = field(default=0)
    _shown: bool = field(default=False)

    def judge(self, window: Window) -> list[Finding]:
        word = self.script[self._at]
        self._at += 1
        self._shown |= word in "LS"
        return [Finding(SUBJECT, self._shown, word == "L", {"q": True, "?": None}.get(word, False), window)]

    @property
    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Remember nothing."""

    def facts(self, window: Window) -> list[Finding]:
        return []

    def begin_anew(self, reference: Reference, concerns: Callable[[Subject], bool]) -> None:
        if concerns(SUBJECT):
            self.forget(SUBJECT)

    def forget(self, subject: Subject) -> None:
        self._shown = False
        self.forgotten.append(self._at - 1)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("qqqqq", ""),
        ("qLLLqqq", "1o! 6c!"),
        ("LqqLqqq", "0o! 6c!"),
        ("LSSSqqqq", "0o! 6c!"),
        ("Lq?q?q??", "0o! 5c!"),
        ("L???????", "0o!"),
        ("LqqqLqqq", "0o! 3c! 4o! 7c!"),
        ("SSSqqq", "0o 5c"),
        ("SSLSqqq", "0o 2r! 6c!"),
        ("SLSLqqqSqqq", "0o 1r! 6c! 7o 10c"),
    ],
)
def test_an_alarm_opens_once_is_raised_once_stays_latched_and_clears_once(script: str, expected: str) -> None:
    pane = scene.pane(LAYOUT, 600)
    told = Told(script)
    alarms = Alarms(told, scene.reference_of(LAYOUT, pane), clear_after=3)
    said = [
        f"{t}{event.kind[0]}{'!' if event.severity is Severity.PAGE else ''}"
        for t in range(len(script))
        for event in alarms.update(scene.window_of(pane))
    ]
    assert " ".join(said) == expected
    assert (SUBJECT in alarms.open) == (expected != "" and not expected.rstrip("!").endswith("c"))
    assert [f"{t}c" for t in told.forgotten] == [word.rstrip("!") for word in said if "c" in word]


@pytest.mark.parametrize("concerned", [True, False])
def test_what_another_reference_concerns_is_over_with_a_reason(concerned: bool) -> None:
    pane, other = scene.pane(LAYOUT, 600), scene.reference_of(LAYOUT, scene.pane(LAYOUT, 900, seed=4))
    alarms = Alarms(Told("LqL"), scene.reference_of(LAYOUT, pane), clear_after=3)
    alarms.update(scene.window_of(pane))
    alarms.begin_anew(other, lambda subject: concerned, "steered")
    events = alarms.update(scene.window_of(pane))
    assert [(event.kind, event.reason) for event in events] == ([("cleared", "steered")] if concerned else [])
    window = scene.window_of(pane)
    assert all(event.at_s == window.end_s - window.newest_s for event in events)  # before what shows the next one
    assert alarms.reference is other
    assert (SUBJECT in alarms.open) != concerned
    assert [event.kind for event in alarms.update(scene.window_of(pane))] == (["opened"] if concerned else [])


def test_a_pane_that_is_not_compared_leaves_alarms_as_they_are() -> None:
    pane = scene.pane(LAYOUT, 600)
    alarms = Alarms(Told("Lqqq"), scene.reference_of(LAYOUT, pane), clear_after=3)
    alarms.update(scene.window_of(pane))
    assert [alarms.update(scene.window_of(pane), compared=False) for _ in range(9)] == [[]] * 9
    assert SUBJECT in alarms.open


def test_an_event_says_what_when_how_much_and_where() -> None:
    pane = scene.pane(LAYOUT, 600)
    pane.spans = {0: Span(3, 9, 0), 1: Span(4, 4, 0)}
    alarms = Alarms(Told("Lq"), scene.reference_of(LAYOUT, scene.pane(LAYOUT, 5_000, seed=1)), clear_after=1)
    (opened,) = alarms.update(Window(5, 9, pane, pane, 1))
    assert (opened.kind, opened.severity, opened.column, opened.metric) == ("opened", "page", "weight", "drift_ks")
    assert (opened.at_s, opened.start_s, opened.end_s) == (9, 5, 9)
    assert opened.examples == ((0, 3), (0, 9), (1, 4))
    assert 0 < opened.estimate.value < 0.2
    (cleared,) = alarms.update(Window(6, 10, pane, pane, 1))
    assert (cleared.kind, cleared.severity, cleared.at_s, cleared.examples) == ("cleared", "page", 10, ())


def test_a_broken_rule_shows_the_records_that_broke_it() -> None:
    pane = scene.pane(LAYOUT, 100, scene.Drift(pieces=7))
    (event,) = seen.alarms().update(scene.window_of(pane))
    assert (event.metric, event.column, event.examples) == ("quality_violation", "range:pieces", ((0, 0), (0, 1)))
    assert event.severity is Severity.PAGE


def test_clearing_needs_a_pane() -> None:
    with pytest.raises(InputError, match="clear_after=0"):
        Alarms(Told(""), scene.reference_of(LAYOUT, scene.pane(LAYOUT, 10)), clear_after=0)


def stream(seed: int, panes: int, shift: float, during: range, records: int = seen.RECORDS) -> list[Event]:
    """The events of a stream whose weights are up by so many standard deviations during some panes."""
    up = seen.shifted(shift)
    some = seen.panes(seed, panes, lambda slot: up if slot in during else seen.shares(), records)
    alarms = seen.alarms(seed)
    return [event for window in seen.windows(some) for event in alarms.update(window)]


@pytest.mark.parametrize("seed", range(6))
def test_half_a_standard_deviation_pages_at_once_and_clears_soon_after(seed: int) -> None:
    opened, cleared = stream(seed, 120, 0.5, range(20, 35))
    assert [(e.kind, e.metric, e.column, e.severity) for e in (opened, cleared)] == [
        ("opened", "drift_ks", "weight", "page"),
        ("cleared", "drift_ks", "weight", "page"),
    ]
    assert opened.at_s == 21
    assert opened.estimate.low > 0.1
    assert 37 < cleared.at_s <= 40


@pytest.mark.parametrize("seed", range(3))
def test_a_small_change_that_lasts_warns_once_and_does_not_flap(seed: int) -> None:
    events = stream(seed, 320, 0.03, range(20, 230), records=50_000)
    assert [(e.kind, e.severity) for e in events] == [("opened", "warning"), ("cleared", "warning")]
    opened, cleared = events
    assert 20 < opened.at_s <= 32
    assert 230 < cleared.at_s <= 230 + 64 + 3


def test_a_warning_is_raised_when_the_change_grows() -> None:
    small, large = (seen.shifted(shift) for shift in (0.03, 0.5))
    some = seen.panes(1, 60, lambda slot: large if slot >= 50 else small, records=50_000)
    alarms = seen.alarms(1)
    events = [event for window in seen.windows(some) for event in alarms.update(window)]
    assert [(e.kind, e.severity) for e in events] == [("opened", "warning"), ("raised", "page")]
    assert events[1].at_s == 51
    assert alarms.open == {SUBJECT: Severity.PAGE}


def test_a_pane_without_records_is_no_verdict() -> None:
    alarms = seen.alarms(0, clear_after=1)
    alarms.update(scene.window_of(scene.pane(LAYOUT, 2_000, scene.Drift(shift=1))))
    assert alarms.update(scene.window_of(Pane.empty(LAYOUT))) == []
    assert SUBJECT in alarms.open


def test_a_state_taken_and_given_back_equals_never_having_stopped() -> None:
    up = seen.shifted(0.5)
    some = list(seen.windows(seen.panes(3, 60, lambda slot: up if 20 <= slot < 35 else seen.shares())))
    whole = seen.alarms(3)
    expected = [event for window in some for event in whole.update(window)]
    assert len(expected) == 2
    for stop in (10, 25, 36):
        first, second = seen.alarms(3), seen.alarms(3)
        events = [event for window in some[:stop] for event in first.update(window)]
        second.restore(first.state)
        assert isinstance(first.evidence, SequentialEvidence)
        assert isinstance(second.evidence, SequentialEvidence)
        second.evidence.restore(first.evidence.state)
        events += [event for window in some[stop:] for event in second.update(window)]
        assert events == expected


def test_a_state_of_another_stream_is_refused() -> None:
    with pytest.raises(InputError, match="alarms: are not of this stream"):
        seen.alarms().restore({"severity": np.zeros(2), "quiet": np.zeros(2)})
