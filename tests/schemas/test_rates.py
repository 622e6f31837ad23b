"""Profiles as a stream's file has them: read, written, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.rates import beside, profile_of
from schemas.stream import from_mapping
from tests.stream_app.pace.profiles import EVERY, HOURS

LEAST = {"stream": "s", "topic": "t"}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("poisson", [False, True])
def test_a_profile_survives_json(name: str, poisson: bool) -> None:
    form = {name: EVERY[name]}
    profile = profile_of({"poisson": form} if poisson else form)
    assert profile_of(json.loads(json.dumps(profile.to_json()))) == profile
    assert from_mapping({**LEAST, "rate_per_s": profile.to_json()}, Path()).rate_per_s == profile
    assert (profile.random, profile.text.startswith("poisson(")) == (poisson, poisson)


def test_a_list_stands_for_a_form_that_is_little_else() -> None:
    plan = [{"rate": 1, "for_s": 2}]
    assert profile_of({"steps": plan}) == profile_of({"steps": {"plan": plan, "repeat": False}})


def test_recordings_lie_beside_the_streams_file() -> None:
    spec = from_mapping({**LEAST, "rate_per_s": {"poisson": {"sum": [1, {"trace": {"file": "a.csv"}}]}}}, Path("/s"))
    assert spec.rate_per_s.to_json()["poisson"]["sum"][1]["trace"]["file"] == "/s/a.csv"  # type: ignore[union-attr]
    assert beside(5.0, Path("/s")) == 5.0


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"rmp": {}}, "rate_per_s.rmp: no such key; did you mean ramp?"),
        ({}, "rate_per_s: nothing: expected exactly one of constant, ramp,"),
        ({"constant": 1, "poisson": 2}, "rate_per_s: constant and poisson: expected exactly one"),
        ({"ramp": {"from": 1, "to": 0, "over_s": 0}}, "rate_per_s.ramp.over_s=0: "),
        ({"ramp": {"from": -1, "to": 1, "over_s": 1}}, "rate_per_s.ramp.from=-1: "),
        ({"ramp": {"from": 1, "to": 0, "over_s": 5}}, "rate_per_s: is zero from some time on for ever"),
        ({"ramp": {"fro": 1, "to": 0, "over_s": 5}}, "rate_per_s.ramp.fro: no such key; did you mean from?"),
        ({"ramp": "x"}, "rate_per_s.ramp='x': expected keys and values"),
        ({"steps": []}, "rate_per_s.steps.plan=[]: expected at least 1"),
        ({"steps": [{"rate": 1}]}, "rate_per_s.steps.plan.0.for_s: is missing"),
        ({"steps": [{"rate": 1, "for_s": 0}]}, "rate_per_s.steps.plan.0.for_s=0: "),
        ({"steps": [{"rate": 1, "for_s": 1}, {"rate": 0, "for_s": 1}]}, "rate_per_s: is zero from some time on"),
        ({"sum": 5}, "rate_per_s.sum=5: expected a list"),
        ({"sum": [-1]}, "rate_per_s.sum.0=-1: "),
        ({"sum": [True]}, "rate_per_s.sum.0=True: "),
        ({"sum": [1, {"sin": 3}]}, "rate_per_s.sum.1.sin: no such key; did you mean sine?"),
        ({"sum": [1, {"poisson": 3}]}, "rate_per_s.sum.1.poisson: no such key"),
        ({"product": [3, 0]}, "rate_per_s: is zero from some time on"),
        ({"constant": float("nan")}, "rate_per_s.constant=nan: "),
        ({"poisson": 0}, "rate_per_s: is zero from some time on"),
        ({"poisson": {"poisson": 3}}, "rate_per_s.poisson.poisson: no such key"),
        ({"diurnal": {"hours": HOURS, "timezone": "Mars"}}, "rate_per_s.diurnal.timezone='Mars': is no timezone"),
        ({"diurnal": {"hours": HOURS[1:]}}, "rate_per_s.diurnal.hours=["),
        ({"weekly": {"days": [0] * 7}}, "rate_per_s: is zero from some time on"),
        (
            {"schedule": [{"cron": "0 25 * * *", "rate": 1}]},
            "rate_per_s.schedule.entries.0.cron='0 25 * * *': hour '25'",
        ),
        (
            {"sine": {"mean": 1, "amplitude": 2, "period_s": 1}},
            "rate_per_s.sine: amplitude=2: must be at most the mean",
        ),
        ({"bursts": {"base": 1, "peak": 2, "every_s": 1, "for_s": 1}}, "rate_per_s.bursts: for_s=1: must be less than"),
        ({"mmpp": [{"rate": 1, "dwell_s": 1}]}, "rate_per_s.mmpp.states=[{"),
        ({"trace": {"file": "a", "scale": 0}}, "rate_per_s.trace.scale=0: "),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key(form: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        from_mapping({**LEAST, "rate_per_s": form}, Path())
    assert any(fault.startswith(says) for fault in error.value.faults), error.value.faults
    with pytest.raises(InputError) as alone:
        profile_of(form)
    assert alone.value.faults == error.value.faults
