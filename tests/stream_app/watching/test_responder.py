"""Open alarms that act, beside the monitor: stream_app.watching.responder, stream_app.watching.response_checks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from monitors.alarms import Event
from monitors.estimate import Estimate
from monitors.metric import Severity
from monitors.ongoing import Ongoing, OpenAlarms
from schemas.errors import InputError, ServiceError
from schemas.responses import Response
from stream_app.watching.judging import Judging
from stream_app.watching.responder import FIRST_PAUSE_S, Responder
from stream_app.watching.response_checks import check_responses, metric_of
from stream_app.watching.responses import Reaction
from tests.stream_app.shop import trained
from tests.stream_app.watched import spec

PAUSE, SLOW = Response(do="pause"), Response(do="rate", rate_per_s=5, severity="page", column="price")


def event(kind: Any = "opened", column: str = "price", at_s: float = 9, severity: Severity = Severity.PAGE) -> Event:
    return Event(kind, severity, column, "drift_ks", at_s, Estimate(0.2, 0.1, 0.3, 500), at_s - 4, at_s, ())


@dataclass
class Judged:
    """As much of a monitor as the responder sees."""

    ongoing: OpenAlarms = field(default_factory=OpenAlarms)
    live: bool = True
    judged_s: float = 0.0

    def took(self, *events: Event) -> Judging:
        """The monitor after some events."""
        self.ongoing.take(events)
        self.judged_s = max([self.judged_s, *(each.at_s for each in events)])
        return cast(Judging, self)


@dataclass
class Did:
    """Keeps what it is to do, and fails as often as it is told."""

    left: tuple[Reaction, ...] = ()
    fails: int = 0
    done: list[str] = field(default_factory=list)
    waits: threading.Event | None = None

    def act(self, response: Response, ongoing: Ongoing) -> Reaction | None:
        """Keep it."""
        if self.waits is not None:
            assert self.waits.wait(30)
        if self.fails > 0:
            self.fails -= 1
            raise ServiceError("no broker")
        self.done.append(f"{response.words} {ongoing.subject.column}")
        return Reaction("refused", response.words, "j", ongoing.newest, why="because")

    def end(self, response: Response, ongoing: Ongoing, until_s: float) -> Reaction | None:
        """Keep it."""
        self.done.append(f"over {response.words} {ongoing.subject.column} {until_s:g}")
        return None

    def left_open(self) -> tuple[Reaction, ...]:
        """As told."""
        return self.left


@dataclass
class Scene:
    """A responder with hands on everything it meets."""

    did: Did
    told: list[tuple[str, str]]
    now_s: list[float]
    responder: Responder

    def settle(self, judging: Judging) -> list[str]:
        """Have it look until it has nothing left to tell; what was done so far."""
        for _ in range(50):
            self.responder.see(judging)
            self.finish()
            if self.responder.idle:
                break
        return self.did.done

    def finish(self) -> None:
        """Wait for what is under way."""
        for future in (self.responder._looking, self.responder._going):
            if future is not None:
                future.exception(10)


@pytest.fixture
def scene() -> Iterator[Scene]:
    did, told, now_s = Did(), list[tuple[str, str]](), [0.0]
    responses = [(PAUSE, None), (SLOW, "drift_ks")]
    responder = Responder(responses, did, lambda stage, text: told.append((stage, text)), lambda: now_s[0], 60)
    yield Scene(did, told, now_s, responder)
    responder.close()


def test_an_alarm_acts_once_by_each_response_it_fits_and_its_end_is_said_once(scene: Scene) -> None:
    judged = Judged()
    assert scene.settle(judged.took()) == []
    assert scene.settle(judged.took(event(), event(column="pieces"))) == ["pause price", "rate 5 price", "pause pieces"]
    assert scene.told[0] == ("refused", "pause, for price: refused (because)")
    scene.did.done.clear()
    assert scene.settle(judged.took()) == []
    assert scene.settle(judged.took(event("cleared", at_s=20))) == ["over pause price 20", "over rate 5 price 20"]
    assert scene.settle(judged.took(event(at_s=30)))[2:] == ["pause price", "rate 5 price"]


def test_what_cleared_and_opened_again_between_two_looks_is_two_alarms(scene: Scene) -> None:
    judged = Judged()
    scene.settle(judged.took(event(column="pieces")))
    judged.took(event("cleared", "pieces", 20))
    assert scene.settle(judged.took(event("opened", "pieces", 30)))[1:] == ["over pause pieces 20", "pause pieces"]


def test_a_warning_acts_where_it_is_asked_to_and_a_page_once_it_is_one(scene: Scene) -> None:
    judged = Judged()
    assert scene.settle(judged.took(event(severity=Severity.WARNING))) == ["pause price"]
    assert scene.settle(judged.took(event("raised", at_s=12))) == ["pause price", "rate 5 price"]


def test_nothing_is_done_while_the_past_is_read(scene: Scene) -> None:
    judged = Judged(live=False)
    assert scene.settle(judged.took(event(), event(column="pieces"))) == []
    judged.took(event("cleared", at_s=15))
    judged.live = True
    assert scene.settle(judged.took()) == ["pause pieces"]


def test_what_was_open_at_first_and_cleared_while_the_past_was_read_is_over(scene: Scene) -> None:
    scene.did.left = tuple(Reaction("accepted", "pause", "j", event(column=name)) for name in ("price", "pieces"))
    judged = Judged(live=False, judged_s=50)
    assert scene.settle(judged.took(event(), event(column="pieces"))) == []
    judged.live = True
    cleared = judged.took(event("cleared", "pieces", 60))
    assert scene.settle(cleared) == ["over pause pieces 60", "pause price", "rate 5 price"]


def test_what_is_open_for_a_monitor_beside_has_time_to_open_here(scene: Scene) -> None:
    left = (event(column="price"), event(column="pieces"), event(column="day", at_s=30))
    scene.did.left = tuple(Reaction("accepted", "pause", "j", each) for each in left)
    judged = Judged(judged_s=20)
    assert scene.settle(judged.took()) == []
    judged.judged_s = 79
    assert scene.settle(judged.took(event(at_s=79))) == ["pause price", "rate 5 price"]
    judged.judged_s = 80
    assert scene.settle(judged.took())[2:] == ["over pause pieces 80"]
    judged.judged_s = 90
    assert scene.settle(judged.took())[3:] == ["over pause day 90"]


def test_what_could_not_be_told_is_told_later_and_the_monitor_never_waits(scene: Scene) -> None:
    judged = Judged()
    scene.settle(judged.took())
    scene.did.fails, scene.did.waits = 2, threading.Event()
    opened = judged.took(event(column="pieces"))
    scene.responder.see(opened)
    scene.responder.see(opened)  # comes back although it is being told
    scene.did.waits.set()
    for pause_s in (FIRST_PAUSE_S, 2 * FIRST_PAUSE_S):
        scene.settle(opened)
        assert scene.did.done == []
        scene.now_s[0] += pause_s
    assert scene.settle(opened) == ["pause pieces"]
    assert [stage for stage, _ in scene.told] == ["failed", "failed", "refused"]


def test_an_alarm_that_cleared_before_it_could_act_does_not(scene: Scene) -> None:
    judged = Judged()
    scene.did.fails = 1
    scene.settle(judged.took(event(column="pieces")))
    scene.now_s[0] += FIRST_PAUSE_S
    assert scene.settle(judged.took(event("cleared", "pieces", 20))) == ["over pause pieces 20"]


def test_responses_name_metrics_as_they_are_called() -> None:
    assert [metric_of(Response(do="pause", metric=name)) for name in (None, "ks", "drift_ks")] == [
        None,
        "drift_ks",
        "drift_ks",
    ]
    assert metric_of(Response(do="pause", metric="violation_rate")) == "quality_violation"


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"metric": "kss"}, r"monitor\.on_alarm\.1\.metric=kss: raises no alarms; did you mean ks\?"),
        ({"metric": "psi"}, r"metric=psi: raises no alarms; there are .*ks.*, violation_rate"),
        ({"column": "prize"}, r"column=prize: is no column that is watched and no rule; did you mean price\?"),
        ({"column": "at"}, r"column=at: is no column that is watched and no rule; .*there are id, price"),
        ({"metric": "ks", "column": "colour"}, r"column=colour: is a category, and ks is not measured on one"),
        ({"metric": "ks", "column": "range:price"}, r"column=range:price: ks is about columns; drop one of them"),
        ({"metric": "violation_rate", "column": "price"}, r"column=price: violation_rate is about rules; drop one"),
        ({"do": "quarantine"}, r"do=quarantine: keeps out what breaks a rule; say metric: violation_rate, or name a"),
        ({"do": "quarantine", "column": "unique:id"}, r"column=unique:id: judges records by others"),
    ],
)
def test_responses_to_alarms_that_there_can_not_be_are_refused(response: dict[str, Any], said: str) -> None:
    rules = [{"rule": "range", "column": "price", "low": 0}, {"rule": "unique", "columns": ["id"]}]
    stream = spec(quarantine={}, rules=rules, event_time="at")
    asked = (PAUSE, Response(**{"do": "pause", **response}))
    stream = stream.model_copy(update={"monitor": stream.monitor.model_copy(update={"on_alarm": asked})})
    with pytest.raises(InputError, match=said) as refused:
        check_responses(stream, trained().schema)
    assert len(refused.value.faults) == 1
