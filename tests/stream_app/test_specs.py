"""What a stream is: a folder or a file, the environment before the file, flags before both."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from stream_app.settings import BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE
from stream_app.specs import stream_spec

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
