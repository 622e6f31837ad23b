from __future__ import annotations

import json
from dataclasses import replace

from monitors.alarms import Event
from monitors.estimate import Estimate
from monitors.evidence import Subject
from monitors.metric import Severity
from monitors.ongoing import OpenAlarms

OPENED = Event("opened", Severity.WARNING, "size", "drift_ks", 9, Estimate(0.2, 0.1, 0.3, 500), 5, 9, ((0, 3), (1, 7)))
RAISED = replace(OPENED, kind="raised", severity=Severity.PAGE, at_s=12)
CLEARED = replace(RAISED, kind="cleared", at_s=20, examples=())
OTHER = replace(OPENED, column="color")


def test_an_alarm_is_open_from_its_opening_until_it_clears() -> None:
    alarms = OpenAlarms()
    alarms.take([OPENED, OTHER])
    alarms.take([RAISED])
    raised, other = alarms.all
    assert (raised.subject, raised.newest, raised.events) == (Subject("drift_ks", "size"), RAISED, (OPENED, RAISED))
    assert (other.newest, other.events) == (OTHER, (OTHER,))
    alarms.take([CLEARED])
    assert alarms.all == (other,)


def test_what_is_open_survives_as_json() -> None:
    alarms = OpenAlarms()
    alarms.take([OPENED, OTHER, RAISED])
    assert OpenAlarms.from_json(json.loads(json.dumps(alarms.to_json()))).all == alarms.all


def test_what_became_of_an_alarm_that_is_not_open_is_passed_over() -> None:
    alarms = OpenAlarms()
    alarms.take([RAISED, CLEARED])
    assert alarms.all == ()
