"""The stream's specification.

schemas.parts is what its sections are made of, schemas.own_topics what no record may go to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.own_topics import SUFFIXES
from schemas.rules import Range
from schemas.stream import StreamSpec, from_mapping, load

LEAST = {"stream": "s", "topic": "t"}


def test_the_least_a_stream_says() -> None:
    spec = from_mapping(LEAST, Path("/"))
    assert (spec.rate_per_s, spec.shards, spec.seed, spec.count, spec.key) == (1_000.0, 4, 0, None, "surrogate")
    assert spec.artifact is None
    assert spec.parsed_rules == ()


def test_artifacts_stand_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "stream: s\ntopic: t\nartifact: models/a\nrate_per_s: max\nrules:\n- {rule: range, column: x, low: 0}\n"
    )
    spec = load(path)
    assert spec.artifact == tmp_path / "models/a"
    assert spec.rate_per_s == "max"
    assert spec.parsed_rules == (Range("x", 0),)
    assert from_mapping({**LEAST, "artifact": "/a"}, tmp_path).artifact == Path("/a")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "going",
    [
        lambda topic: {"topic": topic},
        lambda topic: {"disorder": {"missing": {"share": 0.1}, "labels_topic": topic}},
        lambda topic: {"quarantine": {"topic": topic}},
    ],
)
def test_no_record_goes_where_the_stream_keeps_its_own_state(suffix: str, going: Any) -> None:
    with pytest.raises(InputError, match=f"topic=s.{suffix}: is where stream s keeps its own state; choose another"):
        from_mapping({**LEAST, **going(f"s.{suffix}")}, Path("/"))
    assert from_mapping({**LEAST, **going(f"other.{suffix}")}, Path("/")).stream == "s"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stream": "a b"}, "stream='a b': "),
        ({"topic": ".."}, "topic='..': must be at most 200"),
        (
            {"rate_per_s": 0},
            "rate_per_s=0: must be a number > 0, or max, or a profile (to stop for a while",
        ),
        ({"rate_per_s": -5}, "rate_per_s=-5: must be"),
        ({"rate_per_s": float("nan")}, "rate_per_s=nan: must be"),
        ({"rate_per_s": "fast"}, "rate_per_s='fast': must be"),
        ({"rate_per_s": True}, "rate_per_s=True: must be"),
        ({"shards": 0}, "shards=0: "),
        ({"shard": 1}, "shard: no such key; did you mean shards?"),
        ({"xyzzy": 1}, "xyzzy: no such key; known are stream,"),
        ({"seed": "x"}, "seed='x': "),
        ({"key": "name"}, "key='name': "),
        ({"count": 0}, "count=0: "),
        ({"kafka": 3}, "kafka: expected keys and values"),
        ({"kafka": {"sasl.password": 12345678}}, "kafka: sasl.password must be text; quote it"),
        ({"kafka": {"acks": ["all"]}}, "kafka.acks: expected text, a number, true or false"),
        ({"registry_settings": {"proxy": {"a": 1}}}, "registry_settings.proxy: expected text, a number, true or false"),
        ({"registry": ["http://r"]}, "registry: expected text; quote it"),
        ({"topic_settings": {"replicas": 1}}, "topic_settings.replicas: no such key; did you mean"),
        (
            {"topic_settings": {"compacted": True}, "key": "none"},
            "topic_settings.compacted: a compacted topic takes no",
        ),
        ({"monitor": {"window_s": 0}}, "monitor.window_s=0: "),
        ({"monitor": {"window_s": 2.5}}, "monitor.window_s=2.5: must be a whole number of panes"),
        ({"monitor": {"panes_per_false_alarm": 1}}, "monitor.panes_per_false_alarm=1: "),
        ({"monitor": {"longer_s": [60, 61.5]}}, "monitor.longer_s=61.5: must be a whole number of panes"),
        ({"monitor": {"longer_s": [10]}}, "monitor.longer_s: two windows are equally long"),
        ({"monitor": {"fidelity_budget": 0}}, "monitor.fidelity_budget=0: "),
        (
            {"monitor": {"classifier": True}, "key": {"entities": 9}, "changes": {"form": "upserts"}},
            "monitor.classifier: rows of one entity depend on each other",
        ),
        ({"until": "soon"}, "until='soon': "),
        ({"time_compression": 0}, "time_compression=0: "),
        ({"behind": "wait"}, "behind='wait': "),
        ({"behind_s": 0}, "behind_s=0: "),
        ({"framing": "headers"}, "framing='headers': "),
        ({"event_time": "at", "rate_per_s": "max"}, "event_time: needs a rate_per_s in numbers"),
        ({"rules": [{"rule": "range", "column": "x"}]}, "rules.0: range:x: has neither low nor high"),
        ({"rules": [{"rule": "rang"}]}, "rules.0: rule='rang': not known, did you mean 'range'?"),
        ({"rules": "none"}, "rules='none': "),
        ({"rules": ["x"]}, "rules.0='x': "),
    ],
)
def test_faults_say_key_value_and_what_is_expected(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as error:
        from_mapping({**LEAST, **wrong}, Path("/"))
    assert any(fault.startswith(says) for fault in error.value.faults), error.value.faults


def test_every_fault_is_listed() -> None:
    with pytest.raises(InputError) as error:
        from_mapping({"stream": "s", "seed": "x", "monitor": {"port": -1}, "rules": [{"rule": "rang"}]}, Path("/"))
    assert [fault.partition(":")[0].partition("=")[0] for fault in error.value.faults] == [
        "topic",
        "seed",
        "monitor.port",
        "rules.0",
    ]


@pytest.mark.parametrize(("text", "says"), [("a: [", "is not YAML"), ("- a", "holds no keys"), ("", "holds no keys")])
def test_files_that_are_no_specification(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        load(path)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        load(tmp_path / "latin.yaml")


def test_secrets_are_never_shown() -> None:
    kafka = {"sasl.password": "hunter2", "ssl.key.pem": "hunter2", "sasl.username": "me"}
    further = {"registry": "https://me:hunter2@r", "registry_settings": {"bearer.auth.token": "hunter2"}}
    spec = from_mapping({**LEAST, "kafka": kafka, **further}, Path("/"))
    assert spec.kafka["sasl.password"] == spec.registry_settings["bearer.auth.token"] == "hunter2"
    assert "hunter2" not in repr(spec) + spec.model_dump_json()
    for shown in ('"sasl.username":"me"', '"registry":"https://r"', '"bearer.auth.token":"***"'):
        assert shown in spec.model_dump_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka": "sasl.password=hunter2"},
        {"kafka": {"sasl.password": ["hunter2"]}},
        {"kafka": {"sasl.password": {"value": "hunter2"}}},
        {"registry_settings": ["hunter2"]},
        {"registry_settings": {"bearer.auth.token": ["hunter2"]}},
        {"registry": {"url": "https://me:hunter2@r"}},
        {"sasl.password": "hunter2"},
    ],
)
def test_faults_do_not_repeat_secrets(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        from_mapping({**LEAST, **wrong}, Path("/"))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "value", ["'hunter2", "*hunter2", "!hunter2 x", "[hunter2", "hunter2: x: y", "@hunter2", "\x01"]
)
def test_a_file_that_is_not_yaml_is_not_quoted(tmp_path: Path, value: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: s\ntopic: t\nkafka:\n  sasl.password: {value}\n")
    with pytest.raises(InputError, match=r"s\.yaml: is not YAML: (line [45]: |a character)") as error:
        load(path)
    assert "hunter2" not in str(error.value)


def test_a_specification_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        StreamSpec(stream="s", topic="t").seed = 1


def test_what_rules_tolerate_goes_by_their_names() -> None:
    rules = [{"rule": "not_null", "column": "a", "tolerated": 0.001}, {"rule": "not_null", "column": "b"}]
    spec = from_mapping({"stream": "s", "topic": "t", "rules": rules}, Path())
    assert spec.tolerated == {"not_null:a": 0.001}
    assert [rule.name for rule in spec.parsed_rules] == ["not_null:a", "not_null:b"]
