"""A real topic beside its synthetic one: the bands it is in, the one advice, and that nothing else of it is shown."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from connectors.kafka import Cluster
from connectors.registry import Registry
from monitors.bands import Band, Tolerance
from monitors.prometheus import MAX_COLUMNS, AskedExporter, Series
from schemas.errors import InputError
from stream_app import comparison
from stream_app.assemble import Outside
from stream_app.comparison import Asked, Feed
from stream_app.watching.comparing import Comparing
from stream_app.web import UI, Web, app, serve
from tests.stream_app.production import (
    MARKER,
    NEWER_ID,
    NOTE,
    SHARDS,
    Beside,
    Registered,
    Turn,
    real,
    shop_feed,
    synthetic,
)
from tests.stream_app.shop import START_MS, Record, trained

SECONDS = 41
TURN_S = 16
ASKED = Asked("orders", window_s=10)
PARTIAL = Tolerance(windows_per_false_band=100)


@cache
def drawn() -> list[Record]:
    return synthetic(SECONDS)


@cache
def production(*turns: Turn, seconds: int = SECONDS) -> list[Record]:
    return real(seconds, turns)


def served(comparing: Comparing) -> dict[str, bytes]:
    """Everything the endpoint answers, by path."""
    web = Web(comparing.state, AskedExporter(comparing.series).render, lambda: comparing.judged, page="compare.html")
    files = [f"/ui/{path.relative_to(UI)}" for path in sorted(UI.rglob("*")) if path.is_file()]
    with serve(app(web), "127.0.0.1", 0) as service:
        return {path: body(service.url + path) for path in (*PATHS, *files)}


PATHS = ("/", "/api/state", "/api/incident", "/metrics", "/healthz", "/readyz", "/nothing")


def body(url: str) -> bytes:
    try:
        with urlopen(url, timeout=30) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        return error.read()


def test_a_shift_in_the_real_topic_brings_one_advice_within_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    course = production(Turn(TURN_S, dearer=10), Turn(TURN_S + 10))  # and back again
    beside = Beside(course, drawn(), ASKED).begin(monkeypatch).until(TURN_S)
    assert beside.comparing.state()["band"] == "represents"
    assert set(beside.comparing.state()["history"]) == {0}
    ((at_s, advice),) = beside.until(SECONDS + 4).advice
    assert TURN_S < at_s <= TURN_S + ASKED.window_s
    assert (advice["event"], advice["stream"], advice["real"]) == ("retrain_advised", "orders_synth", "orders")
    assert advice["columns"] == [{"column": "price", "band": "no longer represents", "changes": ["distribution"]}]
    assert advice["next"].startswith("synthstream train --model tabular.copula --from-topic orders --out ")
    ended = beside.comparing.state()
    assert (ended["band"], ended["advised"], ended["next"]) == ("represents", False, None)
    assert [event["text"] for event in ended["events"]][-1] == "training anew is no longer advised"
    (price,) = (column for column in ended["columns"] if column["name"] == "price")
    assert price["history"] == ended["history"]
    assert set(price["history"]) == {0, 1, 2}


def test_nothing_of_the_real_topic_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    course = production(Turn(TURN_S, dearer=987_654.25, new_colour=0.4))
    strange = Record(b"no avro " + MARKER.encode(), None, 0, int(START_MS) + TURN_S * 1_000, [])
    beside = Beside(sorted([*course, *[strange] * 7], key=lambda r: r.timestamp_ms), drawn(), ASKED)
    comparing = beside.begin(monkeypatch).until(SECONDS - 2).comparing
    assert comparing.real.foreign == 7
    bodies = served(comparing)
    assert b"no longer represents" in bodies["/api/state"]
    assert b'column="colour"' in bodies["/metrics"]
    for path, text in bodies.items():
        for planted in (MARKER, NOTE, "internal_note", "987", "654.25", str(comparing.real.records)):
            assert planted.encode() not in text, (path, planted)
    for colour in ("red", "green", "grün"):
        assert f'"{colour}"'.encode() not in bodies["/api/state"] + bodies["/metrics"]
    state = json.loads(bodies["/api/state"])
    wall = {state["now_ms"], *state["at_ms"], *(event["at_ms"] for event in state["events"])}
    assert set(numbers(state)) <= {-1, 0, 1, 2, 0.05, 0.1} | wall
    lines = bodies["/metrics"].decode().splitlines()
    exported = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    told = {float(value) for name, value in exported if "judged_timestamp" not in name}
    assert told <= {-1, 0, 1, 2}


def numbers(form: Any) -> list[float]:
    """Every number in a JSON value."""
    if isinstance(form, dict):
        return [n for each in form.values() for n in numbers(each)]
    if isinstance(form, list):
        return [n for each in form for n in numbers(each)]
    return [form] if isinstance(form, int | float) and not isinstance(form, bool) else []


def test_real_topics_in_the_same_bands_can_not_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    one = production(Turn(TURN_S, new_colour=0.9))
    other = real(SECONDS, [Turn(TURN_S, new_colour=0.95, colour="mauve")], seed=10)
    shown = [
        served(Beside(course, drawn(), ASKED).begin(monkeypatch).until(SECONDS - 2).comparing)
        for course in (one, other[: len(other) - 7])
    ]
    assert json.loads(shown[0]["/api/state"])["band"] == "no longer represents"
    assert shown[0] == shown[1]


def test_silence_is_said_and_passes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    first = [record for record in production() if record.timestamp_ms < START_MS + 12_000]
    beside = Beside(first, drawn(), ASKED).begin(monkeypatch).until(13)
    assert beside.comparing.state()["real"] == {"topic": "orders", "silent": False, "foreign": False}
    beside.until(23)
    assert beside.comparing.state()["real"]["silent"]
    assert not beside.comparing.state()["synthetic"]["silent"]
    assert beside.comparing.state()["band"] == "represents"  # as far as anybody could tell
    assert caplog.text.count("the real topic is silent") == 1
    beside.real = [*first, replace(first[-1], timestamp_ms=int(START_MS) + 23_500)]
    assert not beside.until(25).comparing.state()["real"]["silent"]


def test_a_feed_that_ends_is_judged_by_what_it_held(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = shop_feed(monitor={"allowed_lateness_s": 60})  # so that no window is complete before all is silent
    beside = Beside(production(), drawn(), ASKED).begin(monkeypatch, patient).until(SECONDS + 5)
    assert not beside.comparing.judged
    state = beside.until(SECONDS + 75).comparing.state()
    assert (state["band"], state["real"]["silent"]) == ("represents", True)
    assert len(state["history"]) == SECONDS - ASKED.window_s + 1


def test_a_real_topic_that_never_comes_leaves_everything_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing = Beside([], drawn(), ASKED).begin(monkeypatch).until(15).comparing
    assert (comparing.state()["band"], comparing.judged, comparing.state()["real"]["silent"]) == (
        "unknown",
        False,
        True,
    )
    alone = Beside(production(), [], ASKED).begin(monkeypatch).until(SECONDS + 4)
    assert (alone.comparing.state()["band"], alone.comparing.judged) == ("unknown", False)
    alone.drawn = drawn()
    assert alone.until(SECONDS + 5).comparing.state()["band"] == "represents"
    assert len(alone.comparing.state()["history"]) == 1


def test_records_that_can_not_be_read_are_counted_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = production()[0]
    strange = [replace(first, value=value) for value in (b"hello", b"\x00\x00\x00\x00\x63x", first.value[:-3])]
    beside = Beside([*strange, *production()], drawn(), ASKED).begin(monkeypatch).until(15)
    assert (beside.comparing.real.foreign, beside.comparing.state()["real"]["foreign"]) == (3, True)
    assert beside.comparing.state()["band"] == "represents"
    assert caplog.text.count("records of the real topic can not be read") == 1


def test_a_column_that_a_later_schema_drops_is_missing_and_no_longer_represented(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    course = production(Turn(TURN_S, schema_id=NEWER_ID))
    beside = Beside(course, drawn(), ASKED).begin(monkeypatch).until(TURN_S + 12)
    assert caplog.text.count("lacks columns") == 1
    ((_, advice),) = beside.advice
    (pieces,) = (column for column in advice["columns"] if column["column"] == "pieces")
    assert (pieces["band"], "nulls" in pieces["changes"]) == ("no longer represents", True)


def test_what_the_broker_dropped_is_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Beside(production(), drawn(), ASKED).begin(monkeypatch).until(5)
    topic = beside.topics["orders"]
    topic.resets, topic._offsets = 1, {}  # the topic was made anew
    before = beside.comparing.real.records
    assert beside.until(8).comparing.real.records > before


def test_prometheus_has_at_most_so_many_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing = Beside(production(), drawn(), ASKED).begin(monkeypatch).until(12).comparing
    (band,) = (series for series in comparing.series() if series.name == "compare_column_band")
    assert [labels[1] for labels, _ in band.values] == ["price", "pieces", "colour", "paid", "plate"]
    monkeypatch.setattr("stream_app.watching.comparing.MAX_COLUMNS", 2)
    (fewer,) = (series for series in comparing.series() if series.name == "compare_column_band")
    assert (len(fewer.values), MAX_COLUMNS) == (2, 100)


def test_the_exporter_shows_what_it_is_told() -> None:
    told = (Series("x", "What.", ("a",), ((("1",), 2.0),)), Series("y", "How often.", (), (((), 3.0),), True))
    text = AskedExporter(lambda: told).render().decode()
    assert 'synthstream_x{a="1"} 2.0' in text
    assert "synthstream_y_total 3.0" in text


def outside(bootstrap: str = "memory:1") -> Outside:
    return Outside(Cluster(bootstrap), cast(Registry, Registered()), "http://registry")


@pytest.mark.parametrize(
    ("asked", "feed", "said"),
    [
        (Asked("orders_synth"), shop_feed, "real=orders_synth: is the synthetic topic itself"),
        (Asked("gone"), shop_feed, "real=gone: the topic does not exist at memory:1"),
        (Asked("bare"), shop_feed, "topic=bare: no schema is registered under bare-value at http://registry"),
        (Asked("orders", ("price", "wide")), shop_feed, "without=wide: is a column of neither topic"),
        (
            Asked("orders", ("price", "pieces", "colour", "paid")),
            shop_feed,
            "real=orders: has only plate in common with orders_synth, whose values are invented",
        ),
        (Asked("orders", ("price", "pieces", "colour", "paid", "plate")), shop_feed, "has no column in common"),
    ],
)
def test_what_can_not_be_compared_is_refused(
    monkeypatch: pytest.MonkeyPatch, asked: Asked, feed: Callable[[], Feed], said: str
) -> None:
    there = ("orders", "orders_synth", "bare")
    monkeypatch.setattr(comparison, "topic_partitions", lambda cluster, topic: SHARDS if topic in there else None)
    with pytest.raises(InputError, match=re.escape(said)):
        comparison.matched(asked, feed(), outside(), outside())


def test_a_topic_of_the_same_name_elsewhere_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "topic_partitions", lambda cluster, topic: SHARDS)
    feed = shop_feed(topic="orders")
    found, layout = comparison.matched(ASKED, feed, outside("far:1"), outside())
    assert found.schema.names == ("price", "pieces", "colour", "paid", "plate")
    assert found.left_out == {
        "id": "not in orders",
        "day": "not in orders",
        "at": "array in orders, timestamp in the synthetic topic",
        "internal_note": "only in orders",
    }
    assert layout.bins["price"].size > 10
    monkeypatch.setattr(comparison, "topic_partitions", lambda cluster, topic: None)
    with pytest.raises(InputError, match="synthetic=orders: the topic does not exist at none:1"):
        comparison.feed_of(feed.spec, outside("none:1"))


@pytest.mark.parametrize("window_s", [0.0, -1.0, 0.001, 1.23456, float("nan")])
def test_windows_that_are_no_whole_number_of_panes_are_refused(window_s: float) -> None:
    with pytest.raises(InputError, match="window="):
        Asked("orders", window_s=window_s)


def test_the_command_to_run_next_goes_on_where_the_generator_can() -> None:
    feed, far = shop_feed(artifact="shop one"), outside("far:9092")
    assert comparison.next_command(ASKED, feed, far) == (
        "synthstream train --model tabular.copula --from-topic orders --out 'shop one-next' "
        "--bootstrap far:9092 --registry http://registry"
    )
    able = replace(feed, artifact=replace(trained(), model="tabular.mixture"))
    connected = replace(ASKED, connection=Path("far away.yaml"))
    assert comparison.next_command(connected, able, far) == (
        "SYNTHSTREAM_CONNECTION='far away.yaml' synthstream update 'shop one' --from-topic orders --out 'shop one-next'"
    )
    assert comparison.next_command(ASKED, Feed(feed.spec, feed.schema, feed.profile, None), far).startswith(
        "synthstream train --from-topic orders --out "
    )


def test_the_worst_band_is_the_tables_and_the_log_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    asked = replace(ASKED, tolerance=PARTIAL, after=1)
    beside = Beside(production(Turn(0, new_colour=0.5)), drawn(), asked).begin(monkeypatch).until(13)
    assert beside.comparing.verdict.band is Band.LOST
    (said,) = (record for record in caplog.records if record.getMessage() == "training anew is advised")
    assert vars(said)["columns"] == [
        {"column": "colour", "band": "no longer represents", "changes": ["shares", "unseen"]}
    ]
