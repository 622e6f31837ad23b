"""The stream's specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
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


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stream": "a b"}, "stream='a b': "),
        ({"topic": ".."}, "topic='..': must be at most 200"),
        ({"rate_per_s": 0}, "rate_per_s=0: must be a number > 0, or max (to stop for a while: `synthstream pause"),
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
        ({"kafka": 3}, "kafka=3: "),
        ({"topic_settings": {"replicas": 1}}, "topic_settings.replicas: no such key; did you mean"),
        ({"monitor": {"window_s": 0}}, "monitor.window_s=0: "),
        ({"monitor": {"window_s": 2.5}}, "monitor.window_s=2.5: must be a whole number of panes"),
        ({"monitor": {"family_alpha": 1}}, "monitor.family_alpha=1: "),
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
    spec = from_mapping({**LEAST, "kafka": kafka}, Path("/"))
    assert spec.kafka["sasl.password"] == "hunter2"
    assert "hunter2" not in repr(spec) + spec.model_dump_json()
    assert '"sasl.username":"me"' in spec.model_dump_json()


def test_a_specification_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        StreamSpec(stream="s", topic="t").seed = 1
