"""What a stream is: a folder or a file, the environment before the file, flags before both."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from schemas.stream import from_mapping
from stream_app.settings import BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE
from stream_app.specs import check_fits, stream_spec
from tests.stream_app.shop import trained

ENVIRONMENT = {BOOTSTRAP_VARIABLE: "env:1", REGISTRY_VARIABLE: "http://env"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.yaml"
    path.write_text("stream: s\ntopic: t\nbootstrap: file:1\nregistry: http://file\ntopic_settings: {replication: 3}\n")
    return path


def test_flags_come_before_the_environment_and_the_environment_before_the_file(file: Path) -> None:
    assert stream_spec(file, {"bootstrap": None}, {}).bootstrap == "file:1"
    around = stream_spec(file, {"bootstrap": "flag:1", "registry": None}, ENVIRONMENT)
    assert (around.bootstrap, around.registry) == ("flag:1", "http://env")
    assert stream_spec(file, {}, {BOOTSTRAP_VARIABLE: ""}).bootstrap == "file:1"


def test_flags_of_the_topic_change_that_key_alone(file: Path) -> None:
    settings = stream_spec(file, {"retention_ms": 7, "rate": float("inf")}, {})
    assert settings.topic_settings.model_dump() == {
        "replication": 3,
        "retention_ms": 7,
        "min_insync_replicas": None,
        "compacted": False,
    }
    assert settings.rate_per_s == "max"


def test_an_artifact_is_a_stream_once_its_topic_is_named(tmp_path: Path) -> None:
    spec = stream_spec(tmp_path, {"topic": "t"}, {})
    assert (spec.stream, spec.topic, spec.artifact) == ("t", "t", tmp_path)
    with pytest.raises(InputError, match="topic: none named"):
        stream_spec(tmp_path, {}, {})
    with pytest.raises(InputError, match="does not exist"):
        stream_spec(tmp_path / "nothing", {"topic": "t"}, {})


FAULTY = {
    "rules": [{"rule": "range", "column": "prize", "low": 0}, {"rule": "combinations", "columns": ["colour", "paid"]}],
    "event_time": "day",
    "steer": {"given": {"color": "red"}, "shares": {"colour": {"pink": 1.0}}},
    "drifts": [{"name": "up", "kind": "shift", "column": "prices", "by": 1.0, "start_records": 0}],
    "key": {"column": "plates"},
}
SAID = [
    "rule combinations:colour,paid: has no rows",
    "rule range:prize: column 'prize': not known, did you mean 'price'?",
    "event_time=day: is a date",
    "shares.colour=pink: is no value",
    "given column='color': not in the table",
    "drift up column=prices: not in table 'orders'",
    "key.column=plates: not in table 'orders'",
]


def test_every_fault_between_a_stream_and_its_artifact_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        check_fits(from_mapping({"stream": "s", "topic": "t", **FAULTY}, tmp_path), trained())
    assert [fault for fault, said in zip(error.value.faults, SAID, strict=True) if said not in fault] == []


def test_faults_of_changes_are_said_beside_those_of_their_key(tmp_path: Path) -> None:
    changes = {"form": "upserts", "columns": ["nothing"]}
    form = {"stream": "s", "topic": "t", "key": {"column": "plates"}, "changes": changes}
    with pytest.raises(InputError) as error:
        check_fits(from_mapping(form, tmp_path), trained())
    assert [fault.split(":")[0] for fault in error.value.faults] == ["key.column=plates", "changes.columns=nothing"]
    keyed = {**form, "key": {"column": "pieces"}, "topic_settings": {"compacted": True}}
    with pytest.raises(InputError) as error:
        check_fits(from_mapping(keyed, tmp_path), trained())
    starts = [fault.split(" % of the rows, ")[-1].split(" ")[0] for fault in error.value.faults]
    assert starts == ["and", "changes.columns=nothing:", "and"]
    check_fits(from_mapping({"stream": "s", "topic": "t"}, tmp_path), trained())
