"""What the page is told, held against what it is made for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from monitors.evidence import Subject
from schemas.monitoring import Monitoring
from stream_app.watching.snapshot import Snapshots
from tests.stream_app import made_up
from tests.stream_app.watched import DRIFT_S, RATE, SECONDS, SHARDS, drifted, records, scene

OWN = ("metrics", "partitions", "value")
"""Keys whose own keys are a stream's: its columns, its partitions, what was measured."""


def shape(form: Any) -> Any:
    """The keys of a form, one of a list for all of it."""
    if isinstance(form, dict):
        return {key: shape(value) for key, value in form.items() if key not in OWN}
    return [shape(form[0])] if isinstance(form, list) and form and isinstance(form[0], dict) else None


def test_it_has_the_keys_the_page_was_made_for() -> None:
    state = drifted().snapshots.take()
    wanted = made_up.alarmed()
    wanted.pop("incident", None)
    assert shape(state) == shape(wanted)
    json.dumps(state, allow_nan=True, default=str)


def test_the_totals_are_those_of_the_stream() -> None:
    state = drifted().snapshots.take()
    count = RATE * SECONDS
    assert state["totals"]["monitored"] == state["totals"]["published"] == count
    assert (state["totals"]["late"], state["totals"]["foreign"], state["totals"]["offset_resets"]) == (0, 0, 0)
    assert (state["totals"]["asked_per_s"], state["stream"]["shards"]) == (RATE, SHARDS)
    assert state["series"]["monitored_per_s"] == [RATE] * (SECONDS - 2)
    assert len({len(values) for values in state["series"].values()}) == 1


def test_an_alarm_is_shown_while_it_is_open_and_after() -> None:
    watched = scene(records()).until(DRIFT_S[1])
    state = watched.snapshots.take()
    price = next(column for column in state["columns"] if column["name"] == "price")
    assert (price["alarm"], price["primary"]) == (True, "ks")
    assert price["metrics"]["ks"]["low"] > price["threshold"]
    assert [c["name"] for c in state["columns"] if c["alarm"]] == ["price"]
    opened = next(alarm for alarm in state["alarms"] if alarm["column"] == "price")
    assert opened["cleared_ms"] is None
    assert set(opened["partitions"]) <= {"0", "1"}
    assert all(low <= high for low, high in opened["partitions"].values())
    past = drifted().snapshots.take()
    assert all(alarm["cleared_ms"] is not None and alarm["cleared_ms"] > alarm["opened_ms"] for alarm in past["alarms"])
    assert [alarm["opened_ms"] for alarm in past["alarms"]] == sorted(
        (a["opened_ms"] for a in past["alarms"]), reverse=True
    )
    assert not any(column["alarm"] for column in past["columns"])


def test_the_evidence_is_shown_with_what_it_must_reach_and_over_which_windows() -> None:
    state = drifted().snapshots.take()
    told = state["evidence"]
    assert (told["threshold"], told["panes"], told["pane_s"], told["min_records"]) == (
        pytest.approx(4),
        [1, 4, 16, 64],
        1,
        200,
    )
    before, during = state["series"]["evidence"][5], max(state["series"]["evidence"])
    assert before < told["threshold"] < during
    assert [window["name"] for window in state["windows"]] == ["4s"]
    asked = {"window_s": 4, "allowed_lateness_s": 1, "min_records": 200, "longer_s": [10]}
    longer = scene(records(), monitor=asked).until(DRIFT_S[1]).snapshots.take()["windows"]
    assert [window["name"] for window in longer] == ["4s", "10s"]
    assert longer[1]["n"] > longer[0]["n"]
    assert 0 < longer[1]["worst"] < longer[0]["worst"]


def test_how_many_records_count_as_one_is_shown() -> None:
    assert drifted().snapshots.take()["evidence"]["dependence"] is None
    asked = {"window_s": 4, "allowed_lateness_s": 1, "min_records": 200, "dependence": 3}
    all_alike = scene([], monitor=asked)
    assert all_alike.snapshots.take()["evidence"]["dependence"] == {"column": "", "factor": 3}
    all_alike.watch.judges = replace(all_alike.watch.judges, inflation={Subject("drift_ks", "price"): 5.0})
    assert all_alike.snapshots.take()["evidence"]["dependence"] == {"column": "price", "factor": 5.0}


def test_observed_shares_are_shares_beside_what_is_expected() -> None:
    for column in drifted().snapshots.take()["columns"]:
        cells = column["cells"]
        assert len(cells["labels"]) == len(cells["expected"]) == len(cells["observed"])
        assert sum(cells["expected"]) == pytest.approx(1)
        assert sum(cells["observed"]) == pytest.approx(1)


def test_rules_tell_how_often_they_were_broken() -> None:
    rules = {rule["name"]: rule for rule in scene(records()).until(DRIFT_S[1]).snapshots.take()["rules"]}
    assert list(rules) == ["range:price", "not_null:colour"]
    assert rules["range:price"]["violations"] > 0
    assert rules["range:price"]["rate"]["value"] == rules["range:price"]["violations"] / rules["range:price"]["n"]
    assert rules["not_null:colour"]["violations"] == 0


def test_before_the_first_record_every_number_is_unknown() -> None:
    state = scene([]).snapshots.take()
    assert state["window"] == {"start_ms": None, "end_ms": None, "n": 0}
    assert (state["records"], state["alarms"], state["timeline"]) == ([], [], [])
    assert state["totals"]["published_per_s"] is None
    assert all(column["metrics"] == {} and column["cells"]["observed"] == [] for column in state["columns"])
    assert all(rule["n"] == 0 and rule["rate"]["value"] is None for rule in state["rules"])


def test_records_come_newest_first_with_their_keys_as_text() -> None:
    shown = drifted().snapshots.take()["records"]
    assert [r["timestamp_ms"] for r in shown] == sorted((r["timestamp_ms"] for r in shown), reverse=True)
    assert shown[0]["key"] == str(shown[0]["value"]["id"])


def test_a_publisher_in_this_process_tells_what_it_handed_over() -> None:
    watched = drifted()
    snapshots = Snapshots(watched.snapshots._about, watched.watch, watched.timeline, Monitoring(), {0: 5, 1: 6})
    assert snapshots.take()["totals"]["published"] == 11
