"""What is announced to a stream while a monitor watches it is no drift, and what nobody announced is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from generators.artifact import Artifact, save
from monitors.pane import Pane
from monitors.reference import CHANGE
from schemas.errors import Problem
from schemas.inference import conform
from schemas.steering import Steering
from stream_app.contents import Model
from stream_app.control import drift_ended, drifting, steered, swapped
from stream_app.watching.announced import Making
from stream_app.watching.following import ANNOUNCED, Basis
from tests.stream_app.live import Live, live
from tests.stream_app.shop import orders_table, quick_fit, recipe, storm, trained

RARE = Steering(shares={"colour": {"red": 0.1}})
DEARER = storm("price", 30, "dearer").drift
CLASSIFIED = {"window_s": 4, "pane_s": 1, "allowed_lateness_s": 1, "min_records": 200, "classifier": True}


def other() -> Artifact:
    """An artifact of dearer orders."""
    raw, schema = orders_table(), trained().schema
    dearer = pa.array([f"{price + 20:.2f}" for price in raw["price"].cast(pa.float64()).to_numpy().tolist()])
    raw = raw.set_column(raw.column_names.index("price"), "price", dearer)
    return quick_fit(conform(raw, schema), schema, "tabular.copula", {}, 0, lambda share, what: None)


def test_what_a_command_steers_is_no_drift_and_a_drift_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = live(monkeypatch, monitor=CLASSIFIED).until(8).tell(steered(RARE), "steer --shares").until(20)
    assert stream.events == []
    assert all(verdict.window.newest.sample is None for verdict in stream.watch.memory.verdicts)
    assert stream.said("command") == [f"steer --shares ({stream.stream.answers()[0]['by']})"]
    (said,) = stream.said("announced")
    assert said.startswith("drawn from the stream's artifact steered {shares: {colour: {red: 0.1}}}, and compared")
    stream.tell(drifting(DEARER), "drift dearer").until(28)
    assert stream.opened == {"price", "range:price", ""}
    assert len(stream.said("announced")) == 1
    assert len(stream.said("command")) == 2


def test_nobody_who_looks_at_the_page_waits_while_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = live(monkeypatch, monitor=CLASSIFIED).until(6)
    follower, free = stream.watch.judges.follower, list[bool]()
    drawn, told = follower._basis, follower._catcher

    def looked_at(making: Making) -> Basis:
        free.append(not stream.watch.lock.locked())
        return drawn(making)

    assert told is not None
    tell = told.tell

    def learned_from(pane: Pane) -> None:
        free.append(not stream.watch.lock.locked())
        tell(pane)

    monkeypatch.setattr(follower, "_basis", looked_at)
    monkeypatch.setattr(told, "tell", learned_from)
    stream.tell(steered(RARE), "steer").until(12)
    assert len(free) > 4
    assert all(free)


def test_a_pane_that_holds_both_is_compared_with_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = live(monkeypatch).until(7.5).tell(steered(RARE), "steer").until(16)
    verdicts = list(stream.watch.memory.verdicts)
    compared = [any(m.reference == CHANGE for m in verdict.measurements) for verdict in verdicts]
    assert compared[:7] == [True] * 7
    assert compared[7] is False
    assert all(compared[8:])
    lengths = [round(verdict.window.length_s) for verdict in verdicts]
    assert lengths == [1, 2, 3, 4, 4, 4, 4, 1, 1, 2, 3, 4, 4, 4, 4][: len(lengths)]


def test_what_the_file_steers_comes_back_with_the_reference_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = live(monkeypatch, steer=RARE.to_json()).until(6)
    first = stream.watch.judges.references[0]
    stream.tell(steered(Steering()), "steer").until(12)
    assert stream.watch.judges.references[0] is not first
    stream.tell(steered(RARE), "steer --reset").until(24)
    assert stream.watch.judges.references[0] is first
    assert stream.events == []


def test_open_alarms_about_what_is_steered_are_over_with_a_reason_and_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    red = storm("pieces", 5, "more").drift
    stream = live(monkeypatch).until(6).tell(drifting(DEARER), "drift").tell(drifting(red), "drift").until(14)
    assert {"price", "pieces"} <= stream.opened
    stream.tell(steered(Steering(given={"pieces": 3})), "steer pieces=3").tell(drift_ended("more"), "end").until(20)
    over = {event.column: event.reason for _, event in stream.events if event.kind == "cleared" and event.reason}
    assert over == {"pieces": ANNOUNCED}
    assert "pieces is no alarm any more: what was announced changed it" in stream.said("alarm_cleared")
    assert "price" in {subject.column for subject in stream.watch.judges.alarms.open}


def test_another_artifact_is_compared_with_its_own_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    later = other()
    save(later, tmp_path / "later")
    model = Model(later.identity, str(tmp_path / "later"))
    stream = live(monkeypatch, another=recipe(2, artifact=later), rules=()).until(6)
    stream.tell(swapped(model, 1_600), "swap later").until(18)  # the records due from second 8 on
    assert stream.events == []
    (said,) = stream.said("announced")
    assert said.startswith(f"drawn from artifact {later.identity[:12]}, and compared")
    price = stream.watch.judges.references[0].counts["price"]
    assert np.argmax(np.cumsum(price) > price.sum() / 2) > len(price) / 2
    stream.tell(swapped(None, 0), "swap --back").until(26)
    assert stream.events == []
    assert stream.said("announced")[1].startswith("drawn from the stream's artifact, and compared")


@pytest.mark.parametrize("second", [10, 11.5])
def test_a_monitor_that_goes_on_compares_with_what_was_announced_before(
    monkeypatch: pytest.MonkeyPatch, second: float
) -> None:
    def watched(by: Callable[[Live], Live]) -> Live:
        begun = live(monkeypatch).until(6).tell(steered(RARE), "steer").until(second)
        return by(begun).until(13).tell(drifting(DEARER), "drift").until(20)

    whole, parted = watched(lambda stream: stream), watched(Live.watched_by_another)
    assert parted.opened == {"price", "range:price"}
    assert [event for _, event in parted.events] == [event for _, event in whole.events]
    for name, array in whole.watch.judges.alarms.evidence.state.items():
        np.testing.assert_array_equal(parted.watch.judges.alarms.evidence.state[name], array)


def test_a_monitor_does_not_go_on_where_what_was_announced_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    later, folder = other(), tmp_path / "later"
    save(later, folder)
    stream = live(monkeypatch, another=recipe(2, artifact=later), rules=()).until(6)
    stream.tell(swapped(Model(later.identity, str(folder)), 0), "swap").until(10)
    folder.rename(tmp_path / "gone")
    with pytest.raises(Problem, match="later"):
        stream.watched_by_another()


def test_an_artifact_that_is_not_here_is_compared_with_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    later = other()
    model = Model(later.identity, str(tmp_path / "elsewhere"))
    stream = live(monkeypatch, another=recipe(2, artifact=later)).until(6).tell(swapped(model, 0), "swap").until(14)
    assert stream.opened <= {"range:price"}, "rules are facts whatever draws"
    (said,) = stream.said("announced")
    assert "compared with nothing: " in said
    assert str(tmp_path) in said


def test_nothing_is_followed_where_nobody_looks_at_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"window_s": 4, "allowed_lateness_s": 1, "min_records": 200, "sequences": False}
    stream = live(monkeypatch, monitor=asked).until(6).tell(steered(RARE), "steer").until(14)
    assert stream.opened == {"colour"}


def test_one_that_watches_from_the_start_of_the_topic_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: Live = live(monkeypatch).until(8).tell(steered(RARE), "steer").until(16)
    late = live(monkeypatch)
    late.watch.judges.follower.announced = ran.watch.judges.follower.announced
    late.topic.records += ran.topic.records
    late.stream.now_ms = ran.stream.now_ms
    for _ in range(3):
        assert late.watch.step() == []
    assert len(late.watch.memory.verdicts) == len(ran.watch.memory.verdicts)
    assert len(late.said("announced")) == 1
