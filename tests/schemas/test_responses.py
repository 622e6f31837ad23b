"""What a stream's file may say of alarms that act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.responses import Response
from schemas.stream import StreamSpec, from_mapping


def spec(*on_alarm: Any, **form: Any) -> StreamSpec:
    return from_mapping({"stream": "s", "topic": "t", **form, "monitor": {"on_alarm": list(on_alarm)}}, Path())


def test_nothing_is_done_unless_the_file_says_so() -> None:
    assert from_mapping({"stream": "s", "topic": "t"}, Path()).monitor.on_alarm == ()
    (pause, rate) = spec({"do": "pause"}, {"do": "rate", "rate_per_s": 100, "severity": "page"}).monitor.on_alarm
    assert (pause.severity, pause.metric, pause.column, pause.words) == ("warning", None, None, "pause")
    assert (rate.severity, rate.words, rate.undo) == ("page", "rate 100", False)
    assert spec({"do": "rate", "rate_per_s": 10**6}, rate_per_s="max").monitor.on_alarm[0].rate_per_s == 10**6
    assert spec({"do": "quarantine"}, quarantine={}).monitor.on_alarm == (Response(do="quarantine"),)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"do": "explode"}, r"monitor\.on_alarm\.0\.do='explode': input should be 'pause', 'rate', 'previous' or 'q"),
        ({"severity": "page"}, r"monitor\.on_alarm\.0\.do: is missing"),
        ({"do": "pause", "colum": "x"}, r"monitor\.on_alarm\.0\.colum: no such key; did you mean column\?"),
        ({"do": "rate"}, r"monitor\.on_alarm\.0: do=rate: a rate_per_s is for rate, which needs one"),
        ({"do": "pause", "rate_per_s": 5}, r"monitor\.on_alarm\.0: do=pause: a rate_per_s is for rate"),
        ({"do": "rate", "rate_per_s": 0}, r"monitor\.on_alarm\.0\.rate_per_s=0: input should be greater than 0"),
        (
            {"do": "rate", "rate_per_s": 1_000},
            r"rate_per_s=1000: must be below the stream's own rate_per_s, which is 1",
        ),
        ({"do": "previous", "undo": True}, r"do=previous: undo is for rate; drop it"),
        ({"do": "quarantine"}, r"do=quarantine: the stream has none; say `quarantine: \{\}` beside `monitor`"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(response: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        spec(response)
    assert len(refused.value.faults) == 1


def test_a_rate_is_not_lowered_where_it_is_a_profile() -> None:
    with pytest.raises(InputError, match=r"on_alarm\.0\.do=rate: the stream's rate is a profile"):
        spec({"do": "rate", "rate_per_s": 5}, rate_per_s={"constant": 100})
