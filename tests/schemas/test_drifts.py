"""Drifts as people write them: their courses, and what makes no sense; schemas.drifts and schemas.drift_kinds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.drift_kinds import MOST_DRIFTS, drifts_of, form_of, spelled
from schemas.drifts import Drift
from schemas.errors import InputError
from schemas.stream import from_mapping

PRICE = {"name": "d", "kind": "shift", "column": "price", "by": 5}
EVERY: list[dict[str, Any]] = [
    PRICE,
    {**PRICE, "course": "incremental", "start_s": 5, "duration_s": 60, "ramp_s": 20},
    {"name": "d", "kind": "scale", "column": "price", "factor": 1.5, "course": "gradual", "duration_records": 10},
    {"name": "d", "kind": "nulls", "column": "pieces", "share": 0.3, "start_records": 7},
    {"name": "d", "kind": "unseen", "column": "colour", "value": "pink"},
    {"name": "d", "kind": "label", "course": "recurring", "period_s": 10, "active": 0.2},
    {"name": "d", "kind": "correlation", "column": "price"},
]


def drift(**form: Any) -> Drift:
    return drifts_of([{**PRICE, **form}])[0]


@pytest.mark.parametrize("form", EVERY, ids=lambda form: f"{form['kind']}-{form.get('course')}")
def test_a_drift_survives_its_form_and_stands_in_a_streams_file(form: dict[str, Any]) -> None:
    read = drifts_of([form])
    assert drifts_of([form_of(each) for each in read]) == read
    assert from_mapping({"stream": "s", "topic": "t", "drifts": [form]}, Path()).drifts == read
    assert form["kind"] in spelled(read)
    assert spelled(()) == "none"


def test_a_sudden_drift_is_there_at_once_and_ends() -> None:
    sudden = drift(duration_s=10)
    at = np.array([-1, 0, 9.9, 10])
    assert sudden.within(at).tolist() == [False, True, True, False]
    assert sudden.chance(at).tolist() == [1] * 4
    assert drift().within(np.array([-1e-9, 0, 1e12])).tolist() == [False, True, True]
    assert drift(share=0.25).chance(at).tolist() == [0.25] * 4


def test_a_gradual_drift_goes_from_none_to_all_and_stays() -> None:
    gradual = drift(course="gradual", ramp_s=10, share=0.5)
    assert gradual.chance(np.array([0, 2.5, 10, 1e9])).tolist() == [0, 0.125, 0.5, 0.5]
    assert gradual.within(np.array([1e9])).all()
    assert drift(course="gradual", duration_s=8).chance(np.array([4.0])).tolist() == [0.5]


def test_an_incremental_drift_grows_in_every_record() -> None:
    incremental = drift(course="incremental", duration_records=8)
    assert incremental.size(np.array([0, 2, 8.0])).tolist() == [0, 0.25, 1]
    assert incremental.chance(np.array([0, 2, 8.0])).tolist() == [1, 1, 1]
    assert drift().size(np.array([0.0])).tolist() == [1]


def test_a_recurring_drift_comes_back() -> None:
    recurring = drift(course="recurring", period_s=10, active=0.3)
    assert recurring.chance(np.array([0, 2.9, 3, 9.9, 10, 12.9, 13, 1_001])).tolist() == [1, 1, 0, 0, 1, 1, 0, 1]


def test_times_are_seconds_or_records() -> None:
    assert (drift().counts_records, drift(start_records=0).counts_records) == (False, True)
    assert (drift(start_s=3).start, drift(start_records=4).start, drift().start) == (3, 4, 0)
    assert (drift(duration_records=9).duration, drift().duration) == (9, math.inf)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "storm"}, "drifts.0.kind='storm': expected one of 'shift', 'scale', 'nulls'"),
        ({"by": 0}, "drifts.0.shift.by=0: must be a number other than 0"),
        ({"by": float("inf")}, "drifts.0.shift.by=inf: input should be a finite number"),
        ({"by": "much"}, "drifts.0.shift.by='much': input should be a valid number"),
        ({"kind": "scale", "factor": 1, "by": None}, "drifts.0.scale.factor=1: must be a number other than 1"),
        ({"name": "a b"}, "drifts.0.shift.name='a b': expected letters, digits"),
        ({"start_s": True}, "drifts.0.shift.start_s=True: input should be a valid number"),
        ({"kind": None}, "drifts.0.kind: is missing; expected a value"),
        ({"share": 0}, "drifts.0.shift.share=0: input should be greater than 0"),
        ({"share": 1.1}, "drifts.0.shift.share=1.1: input should be less than or equal to 1"),
        ({"start_s": -1}, "drifts.0.shift.start_s=-1: input should be greater than or equal to 0"),
        ({"duration_records": 0}, "drifts.0.shift.duration_records=0: input should be greater than or equal to 1"),
        ({"course": "slow"}, "drifts.0.shift.course='slow': input should be 'sudden', 'gradual'"),
        ({"start_s": 1, "duration_records": 5}, "drifts.0.shift: counts in seconds and in records; choose one"),
        ({"course": "gradual"}, "course=gradual: needs a duration_s or a ramp_s"),
        ({"course": "incremental", "start_s": 4}, "course=incremental: needs a duration_s or a ramp_s"),
        ({"ramp_s": 4}, "course=sudden: does not grow, so drop the ramp"),
        ({"course": "recurring"}, "course=recurring: a period is for recurring, which needs one"),
        ({"period_s": 4}, "course=sudden: a period is for recurring"),
        ({"active": 0.2}, "course=sudden: active is for recurring; drop it"),
        ({"kind": "nulls", "by": None, "course": "incremental", "ramp_s": 3}, "incremental: is for shift and scale"),
        ({"kind": "unseen", "by": None, "value": ""}, "drifts.0.unseen.value='': "),
        ({"column": None}, "drifts.0.shift.column=None: expected text"),
        ({"wrong": 1}, "drifts.0.shift.wrong: no such key"),
        ({"kind": "scale", "factor": 2}, "drifts.0.scale.by: no such key; known are name, kind, column, .*, factor"),
        ({"kind": "unseen", "by": None, "valeu": "a"}, "drifts.0.unseen.valeu: no such key; did you mean value?"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_one_line(form: dict[str, Any], said: str) -> None:
    whole = {key: value for key, value in {**PRICE, **form}.items() if value is not None or key == "column"}
    with pytest.raises(InputError, match=said) as refused:
        drifts_of([whole])
    assert len(refused.value.faults) == 1
    assert "\n" not in str(refused.value)


def test_names_tell_drifts_apart_and_there_are_few() -> None:
    with pytest.raises(InputError, match="drift d is there twice; give each a name of its own"):
        drifts_of([PRICE, PRICE])
    with pytest.raises(InputError, match=f"there are {MOST_DRIFTS + 1} drifts; expected at most {MOST_DRIFTS}"):
        drifts_of([{**PRICE, "name": f"d{i}"} for i in range(MOST_DRIFTS + 1)])


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ({"rate_per_s": "max"}, "drifts: d counts seconds, which need a rate_per_s in numbers; count records"),
        (
            {"key": {"entities": 5}, "changes": {"form": "upserts"}},
            "drifts: an event of an entity would have to know how the one before drifted",
        ),
    ],
)
def test_streams_that_can_not_drift_so_are_refused(stream: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_mapping({"stream": "s", "topic": "t", "drifts": [PRICE], **stream}, Path())
    from_mapping({"stream": "s", "topic": "t", "rate_per_s": "max", "drifts": [{**PRICE, "start_records": 0}]}, Path())
