"""What happened, in order and in words."""

from __future__ import annotations

from monitors.alarms import Event, Happening
from monitors.estimate import Estimate
from monitors.metric import Severity
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from stream_app.watching.timeline import KEPT, Timeline


def event(kind: Happening, metric: str = "ks", column: str = "price") -> Event:
    estimate = Estimate(0.25, 0.2, 0.3, 900)
    return Event(kind, Severity.PAGE, column, metric, 8.0, estimate, 5.0, 8.0, ((0, 17),))


KINDS: tuple[Happening, ...] = ("opened", "raised", "cleared")


def test_things_are_kept_in_the_order_they_were_told() -> None:
    timeline = Timeline()
    timeline.note(1.0, "started", "watching t")
    timeline.alarm(event("opened"), 2.0)
    timeline.alarm(event("cleared"), 3.0)
    assert timeline.form() == [
        {"at_ms": 1.0, "kind": "started", "text": "watching t"},
        {"at_ms": 2.0, "kind": "alarm_opened", "text": "price drifted: ks 0.250 [0.200, 0.300]"},
        {"at_ms": 3.0, "kind": "alarm_cleared", "text": "price is back to normal: ks 0.250 [0.200, 0.300]"},
    ]
    assert [e.kind for e in timeline.alarms] == ["opened", "cleared"]


def test_a_rule_is_broken_and_holds_again() -> None:
    timeline = Timeline()
    for kind in KINDS:
        timeline.alarm(event(kind, VIOLATION_RATE.NAME, "range:price"), 0.0)
    assert [entry.text.split(": ")[0] for entry in timeline.entries] == [
        "range:price is broken",
        "range:price is broken more often",
        "range:price holds again",
    ]


def test_the_oldest_is_forgotten_first() -> None:
    timeline = Timeline()
    for i in range(KEPT + 3):
        timeline.note(float(i), "note", str(i))
    assert (len(timeline.entries), timeline.entries[0].text, timeline.entries[-1].text) == (KEPT, "3", str(KEPT + 2))
