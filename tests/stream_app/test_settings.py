"""Where broker and registry are: flags before environment before files, and one line when nobody says."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from schemas.secrets import Setting
from schemas.stream import StreamSpec
from stream_app.settings import BOOTSTRAP_VARIABLE, CONNECTION_VARIABLE, REGISTRY_VARIABLE, place

ENVIRONMENT = {BOOTSTRAP_VARIABLE: "env:1", REGISTRY_VARIABLE: "http://env"}


def stream(kafka: dict[str, Setting], registry: dict[str, Setting] | None = None) -> StreamSpec:
    return StreamSpec(stream="s", topic="t", kafka=kafka, registry_settings={} if registry is None else registry)


def test_flags_come_before_the_environment() -> None:
    assert place("flag:1", "http://flag", None, ENVIRONMENT) == place("flag:1", "http://flag", None, {})
    assert place(None, None, None, ENVIRONMENT).bootstrap == "env:1"
    assert place(None, None, stream({"acks": "1"}), ENVIRONMENT).kafka == {"acks": "1"}


def test_without_a_broker_the_three_ways_to_get_one_are_named() -> None:
    with pytest.raises(InputError) as refused:
        place(None, None, None, {})
    for way in ("--bootstrap HOST:PORT", "synthstream broker up", "--bootstrap embedded"):
        assert way in str(refused.value)


def test_a_real_broker_needs_a_registry_and_the_embedded_one_brings_it() -> None:
    with pytest.raises(InputError, match="registry: no schema registry named"):
        place("real:9092", None, None, {})
    assert place("embedded", None, None, {}).registry == "embedded"


@pytest.fixture
def connection(tmp_path: Path) -> Path:
    path = tmp_path / "connection.yaml"
    path.write_text(
        "bootstrap: file:1\nregistry: http://file\n"
        "kafka: {acks: 1, sasl.username: me, sasl.password: '${PASSWORD}'}\n"
        "registry_settings: {bearer.auth.token: '${TOKEN}'}\n"
    )
    return path


def test_the_connections_file_comes_last(connection: Path) -> None:
    around = {CONNECTION_VARIABLE: str(connection), "PASSWORD": "hunter2", "TOKEN": "t-hunter2"}
    alone = place(None, None, None, around)
    assert (alone.bootstrap, alone.registry) == ("file:1", "http://file")
    assert alone.kafka == {"acks": 1, "sasl.username": "me", "sasl.password": "hunter2"}
    assert alone.registry_settings == {"bearer.auth.token": "t-hunter2"}
    assert place(None, None, None, around | ENVIRONMENT).bootstrap == "env:1"
    assert place("flag:1", None, stream({"acks": "all"}), around).kafka == {**alone.kafka, "acks": "all"}
    assert place(None, None, None, {**around, BOOTSTRAP_VARIABLE: ""}).bootstrap == "file:1"


def test_a_connections_file_may_be_a_streams_file_and_is_checked(connection: Path) -> None:
    around = {CONNECTION_VARIABLE: str(connection), "PASSWORD": "p", "TOKEN": "t"}
    text = connection.read_text()
    connection.write_text(f"stream: s\ntopic: t\nrate_per_s: 5\n{text}")
    assert place(None, None, None, around).bootstrap == "file:1"
    connection.write_text(f"{text}bootstap: b\n")
    with pytest.raises(InputError, match=r"SYNTHSTREAM_CONNECTION=.*: bootstap: no such key; did you mean bootstrap\?"):
        place(None, None, None, around)
    connection.unlink()
    with pytest.raises(InputError, match=r"SYNTHSTREAM_CONNECTION=.*: can not be read"):
        place(None, None, None, around)


def test_every_reference_that_leads_nowhere_and_every_missing_file_is_named(tmp_path: Path) -> None:
    kafka: dict[str, Setting] = {"sasl.password": "${NONE}", "ssl.ca.location": "${CA}", "ssl.key.location": "nowhere"}
    with pytest.raises(InputError) as refused:
        place("b:1", "http://r", stream(kafka), {"CA": str(tmp_path / "ca.pem")})
    assert refused.value.faults == (
        "kafka.sasl.password: ${NONE} stands for nothing; set NONE in the environment",
        f"kafka.ssl.ca.location={tmp_path / 'ca.pem'}: there is no such file",
        "kafka.ssl.key.location=nowhere: there is no such file",
    )
    with pytest.raises(InputError, match=r"registry_settings\.ssl\.ca\.location=nowhere: there is no such file"):
        place("b:1", "http://r", stream({}, {"ssl.ca.location": "nowhere"}), {})
    with pytest.raises(InputError, match=r"^registry: \$\{NONE\} stands for nothing"):
        place("b:1", "http://me:${NONE}@r", None, {})
    assert place("b:1", "http://r", stream({"ssl.ca.location": "probe"}), {}).kafka == {"ssl.ca.location": "probe"}


def test_a_place_shows_no_secret() -> None:
    kafka: dict[str, Setting] = {"sasl.password": "${PASSWORD}", "sasl.username": "me"}
    found = place(
        "b:1", "https://u:${PASSWORD}@r", stream(kafka, {"basic.auth.user.info": "hunter2"}), {"PASSWORD": "hunter2"}
    )
    assert found.registry == "https://u:hunter2@r"
    assert "hunter2" not in f"{found} {found!r}"
    assert "'sasl.username': 'me'" in repr(found)
