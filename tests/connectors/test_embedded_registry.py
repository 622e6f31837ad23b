"""The in-process registry, asked by Confluent's own client and serializers from another process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.registry import Registry
from connectors.subjects import LEVELS, Subjects
from schemas.errors import InputError, ServiceError


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields)}


A = {"name": "a", "type": "long"}
OPTIONAL = {"name": "b", "type": ["null", "string"], "default": None}
REQUIRED = {"name": "c", "type": "string"}


@pytest.fixture
def server() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as server:
        yield server


@pytest.fixture
def registry(server: EmbeddedRegistry) -> Iterator[Registry]:
    with Registry(server.url) as registry:
        yield registry


STOCK = """
import sys
from uuid import UUID
from confluent_kafka.schema_registry import dual_schema_id_deserializer, header_schema_id_serializer
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, SchemaRegistryClient, Schema, ServerConfig
from confluent_kafka.schema_registry.avro import AvroSerializer, AvroDeserializer
from confluent_kafka.serialization import SerializationContext, MessageField
from confluent_kafka.schema_registry import topic_subject_name_strategy as by_topic
client = SchemaRegistryClient({"url": sys.argv[1]})
text = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}'
context = SerializationContext("orders", MessageField.VALUE)
data = AvroSerializer(client, text, conf={"subject.name.strategy": by_topic})({"a": 7}, context)
assert AvroDeserializer(client)(data, context) == {"a": 7}, "round trip"
assert client.get_subjects() == ["orders-value"]
assert client.get_versions("orders-value") == [1]
latest = client.get_latest_version("orders-value")
assert (latest.version, latest.schema_id) == (1, 1)
by_header = {"subject.name.strategy": by_topic, "schema.id.serializer": header_schema_id_serializer}
context = SerializationContext("orders", MessageField.VALUE, [])
data = AvroSerializer(client, text, conf=by_header)({"a": 1 << 40}, context)
assert len(data) == 6  # it reads none that is shorter
assert context.headers == [("__value_schema_id", bytes([1]) + UUID(latest.guid).bytes)]
fresh = SchemaRegistryClient({"url": sys.argv[1]})
either = {"schema.id.deserializer": dual_schema_id_deserializer}
assert AvroDeserializer(fresh, conf=either)(data, context) == {"a": 1 << 40}
assert client.get_version("orders-value", 1).schema.schema_str == latest.schema.schema_str
assert client.lookup_schema("orders-value", Schema(text, "AVRO")).version == 1
assert client.test_compatibility("orders-value", Schema(text, "AVRO"))
assert client.get_config("orders-value").compatibility_level == "BACKWARD"
client.set_config("orders-value", ServerConfig(ConfigCompatibilityLevel.FULL))
assert client.get_config("orders-value").compatibility_level == "FULL"
assert client.delete_subject("orders-value") == [1]
assert client.get_subjects() == []
sys.stdout.write("all well")
"""


def test_stock_clients_of_another_process_take_it_for_a_real_one(server: EmbeddedRegistry) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOCK, server.url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("all well", "")


def test_one_schema_has_one_id_wherever_it_is_registered(registry: Registry) -> None:
    first = registry.register("x-value", record(A))
    assert registry.register("x-value", record(A)) == first
    assert registry.register("y-value", record(A)) == first
    assert registry.register("y-value", record(A, OPTIONAL)) == first + 1
    assert registry.schema(first) == record(A)
    assert registry.latest("y-value") == (first + 1, record(A, OPTIONAL))
    assert registry.latest("never") is None


@pytest.mark.parametrize(
    ("level", "new", "taken"),
    [
        ("BACKWARD", record(A, REQUIRED), False),
        ("BACKWARD", record(A, OPTIONAL), True),
        ("FORWARD", record(A, REQUIRED), True),
        ("FORWARD", record(OPTIONAL), False),
        ("FULL", record(A, OPTIONAL), True),
        ("FULL", record(A, REQUIRED), False),
        ("NONE", record(REQUIRED), True),
    ],
)
def test_a_level_says_what_may_follow(
    server: EmbeddedRegistry, registry: Registry, level: str, new: dict[str, Any], taken: bool
) -> None:
    registry.register("s-value", record(A))
    httpx.put(f"{server.url}/config/s-value", json={"compatibility": level}).raise_for_status()
    assert registry.compatible("s-value", new) is taken
    if taken:
        registry.register("s-value", new)
    else:
        with pytest.raises(ServiceError, match="refuses the schema for s-value"):
            registry.register("s-value", new)
        assert registry.latest("s-value") == (1, record(A))


def test_a_transitive_level_looks_at_every_version() -> None:
    subjects = Subjects()
    subjects.set_level("s", "NONE")
    subjects.register("s", json.dumps(record(REQUIRED)))
    subjects.register("s", json.dumps(record(A)))
    new = json.dumps(record(A, OPTIONAL))
    subjects.set_level("s", "BACKWARD")
    assert subjects.compatible("s", None, new)
    subjects.set_level("s", "BACKWARD_TRANSITIVE")
    assert not subjects.compatible("s", None, new)
    assert "BACKWARD_TRANSITIVE" in LEVELS


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/subjects/none/versions", None, 40401),
        ("GET", "/schemas/ids/99", None, 40403),
        ("GET", "/schemas/guids/89791762-2336-41ad-8c0c-1c1f1d0f4b1e", None, 40403),
        ("GET", "/schemas/guids/nonsense", None, 40403),
        ("POST", "/subjects/s/versions", {"schema": "{}"}, 42201),
        ("POST", "/subjects/s/versions", {}, 42201),
        ("POST", "/subjects/s/versions", {"schema": "nonsense"}, 42201),
        ("POST", "/subjects/s/versions", ["not", "an object"], 400),
        ("GET", "/subjects/s%2F/versions/latest", None, 40401),
        ("POST", "/subjects/s/versions", {"schema": "{}", "schemaType": "JSON"}, 42201),
        ("PUT", "/config", {"compatibility": "SOMETIMES"}, 42203),
        ("GET", "/nowhere", None, 404),
    ],
)
def test_refusals_carry_confluents_codes(
    server: EmbeddedRegistry, method: str, path: str, body: object, code: int
) -> None:
    answer = httpx.request(method, server.url + path, json=body)
    assert answer.status_code == int(str(code)[:3])
    assert answer.json()["error_code"] == code


def test_versions_are_found_by_number_or_as_the_latest(server: EmbeddedRegistry, registry: Registry) -> None:
    registry.register("s", record(A))
    versions = f"{server.url}/subjects/s/versions"
    assert httpx.get(f"{versions}/1").json() == httpx.get(f"{versions}/latest").json()
    assert httpx.get(f"{versions}/2").json()["error_code"] == 40402
    assert httpx.get(f"{versions}/two").json()["error_code"] == 42202
    assert httpx.get(f"{server.url}/schemas/ids/1/versions").json() == [{"subject": "s", "version": 1}]
    assert httpx.post(f"{server.url}/subjects/s", content=b"not json").status_code == 400


def test_every_answer_that_names_a_schema_gives_its_guid_which_is_the_schemas_own(server: EmbeddedRegistry) -> None:
    text, spaced = json.dumps(record(A)), json.dumps(record(A), indent=1)
    registered = httpx.post(f"{server.url}/subjects/s/versions", json={"schema": text}).json()
    guid = registered["guid"]
    assert registered == {"id": 1, "guid": guid}
    for path in ("subjects/s/versions/1", "subjects/s/versions/latest", "schemas/ids/1", f"schemas/guids/{guid}"):
        answer = httpx.get(f"{server.url}/{path}").json()
        assert (answer["guid"], answer["schema"]) == (guid, text)
    assert httpx.get(f"{server.url}/schemas/guids/{guid.upper()}").json()["guid"] == guid
    assert httpx.post(f"{server.url}/subjects/s", json={"schema": text}).json()["guid"] == guid
    again, other = Subjects(), record(A, OPTIONAL)
    assert again.guid(again.register("elsewhere", json.dumps(other))) != guid
    assert again.guid(again.register("elsewhere-2", spaced)) == guid


@pytest.mark.parametrize("logical", ["local-timestamp-millis", "timestamp-micros", "never-heard-of"])
def test_any_logical_type_is_kept_as_it_is(registry: Registry, logical: str) -> None:
    form = record({"name": "t", "type": {"type": "long", "logicalType": logical}})
    assert registry.schema(registry.register("s", form)) == form
    plain = record({"name": "t", "type": "long"})
    assert registry.compatible("s", plain)
    assert registry.register("s", plain) == 2


def test_a_schema_that_is_none_is_not_looked_up(server: EmbeddedRegistry, registry: Registry) -> None:
    registry.register("s", record(A))
    assert httpx.post(f"{server.url}/subjects/s", json={"schema": "nonsense"}).json()["error_code"] == 42201
    assert httpx.post(f"{server.url}/subjects/s", json={"schema": json.dumps(record(REQUIRED))}).status_code == 404
    assert httpx.post(f"{server.url}/subjects/s", json={"schema": json.dumps(record(A))}).json()["version"] == 1


def test_a_folder_keeps_the_schemas(tmp_path: Path) -> None:
    with EmbeddedRegistry(folder=tmp_path) as server, Registry(server.url) as registry:
        identity, guid = registry.register("s", record(A)), registry.register_guid("s", record(A))
    with EmbeddedRegistry(folder=tmp_path) as server, Registry(server.url) as registry:
        assert registry.latest("s") == (identity, record(A))
        assert registry.schema(guid) == record(A)


def test_a_registry_that_does_not_answer_is_named() -> None:
    with (
        Registry("http://127.0.0.1:1") as registry,
        pytest.raises(ServiceError, match=r"registry=http://127\.0\.0\.1:1: does not answer"),
    ):
        registry.register("s", record(A))
    with pytest.raises(InputError, match=r"registry=nonsense: .*expected a URL"):
        Registry("nonsense")


def test_a_taken_port_is_named(server: EmbeddedRegistry) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(ServiceError, match=f"port={port}: can not serve a registry there"):
        EmbeddedRegistry(port=port)
