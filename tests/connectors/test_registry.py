"""The registry's client over TLS and with a log-in, and what it says when one of them fails."""

from __future__ import annotations

import base64
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.registry import Registry
from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting
from tests.certificates import KEY_PASSWORD, write_certificates
from tests.connectors.older_registry import older_registry

USER, PASSWORD, TOKEN = "carol", "p@ss:hunter2", "token-hunter2"
AVRO = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates")
    write_certificates(path)
    return path


@pytest.fixture
def tls(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.fixture
def server(tls: ssl.SSLContext) -> Iterator[EmbeddedRegistry]:
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with EmbeddedRegistry(tls=tls, authorization=f"Basic {login}") as server:
        yield server


@pytest.fixture
def trusting(folder: Path) -> dict[str, Setting]:
    return {"ssl.ca.location": str(folder / "ca.pem")}


def test_a_user_may_stand_in_the_settings_or_in_the_url(
    server: EmbeddedRegistry, trusting: dict[str, Setting], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Registry(server.url, {**trusting, "basic.auth.user.info": f"{USER}:{PASSWORD}"}) as registry:
        identity = registry.register("t-value", AVRO)
    with Registry(server.url.replace("://", f"://{USER}:p%40ss%3Ahunter2@"), trusting) as registry:
        assert registry.url == server.url
        assert registry.schema(identity) == AVRO
    assert server.url in caplog.text
    assert "hunter2" not in caplog.text


def test_a_token_will_do(tls: ssl.SSLContext, trusting: dict[str, Setting]) -> None:
    bearer: dict[str, Setting] = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": TOKEN,
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-1",
    }
    with (
        EmbeddedRegistry(tls=tls, authorization=f"Bearer {TOKEN}") as server,
        Registry(server.url, trusting | bearer) as registry,
    ):
        assert registry.latest("t-value") is None


def test_certificates_are_shown_where_they_are_asked_for(folder: Path, tls: ssl.SSLContext) -> None:
    tls.load_verify_locations(folder / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    settings: dict[str, Setting] = {"ssl.ca.location": str(folder / "ca.pem")}
    holding = settings | {
        "ssl.certificate.location": str(folder / "client.pem"),
        "ssl.key.location": str(folder / "client.key"),
    }
    with EmbeddedRegistry(tls=tls) as server:
        with Registry(server.url, holding | {"ssl.key.password": KEY_PASSWORD}) as registry:
            assert registry.latest("t-value") is None
        with Registry(server.url, settings) as registry, pytest.raises(ServiceError, match="does not answer"):
            registry.latest("t-value")
        for wrong in ({}, {"ssl.key.password": "wrong"}):
            with pytest.raises(InputError, match=r"registry_settings: a file under ssl\.\* can not be used"):
                Registry(server.url, holding | wrong)


@pytest.mark.parametrize("url", ["https://carol:wrong@", "https://"])
def test_a_wrong_log_in_is_refused_in_one_line(
    server: EmbeddedRegistry, trusting: dict[str, Setting], url: str
) -> None:
    with Registry(server.url.replace("https://", url), trusting) as registry:
        for ask in (lambda: registry.latest("t-value"), lambda: registry.register("t-value", AVRO)):
            with pytest.raises(
                ServiceError, match=r"refuses this client \(Unauthorized.*basic\.auth\.user\.info"
            ) as no:
                ask()
            assert "wrong" not in str(no.value)
            assert "\n" not in str(no.value)


def test_an_unknown_authority_is_not_trusted(server: EmbeddedRegistry, folder: Path) -> None:
    with (
        Registry(server.url, {"ssl.ca.location": str(folder / "stranger.pem"), "max.retries": 0}) as registry,
        pytest.raises(ServiceError, match=r"CERTIFICATE_VERIFY_FAILED.*ssl\.\* under `registry_settings:`"),
    ):
        registry.latest("t-value")


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("carol:hunter2@r:8081", {}),
        ("https://carol:hun/ter2@r:8081", {}),
        ("https://:hunter2@r:8081", {}),
        ("ftp://r", {"basic.auth.user.info": "carol:hunter2"}),
        ("https://r", {"basic.auth.user.info": "hunter2"}),
        ("https://r", {"bearer.auth.credentials.source": "hunter2", "bearer.auth.token": "hunter2"}),
        ("https://r", {"no.such.setting": "hunter2"}),
        ("https://r", {"ssl.key.location": "k", "ssl.key.password": "hunter2"}),
        ("https://r", {"cache.capacity": "hunter2"}),
        ("https://r", {"proxy": "nonsense-hunter2"}),
    ],
)
def test_what_can_not_be_used_is_refused_without_showing_it(url: str, settings: dict[str, Setting]) -> None:
    with pytest.raises(InputError) as refused:
        Registry(url, settings)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).startswith("registry")


@pytest.mark.parametrize("token", ["hunter2\x00", "hunter2\nx", "hunter2 ü"])
def test_what_a_client_says_is_shown_without_secrets(token: str) -> None:
    settings: dict[str, Setting] = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": token,
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-1",
        "max.retries": 0,
    }
    with (
        EmbeddedRegistry() as server,
        Registry(server.url, settings) as registry,
        pytest.raises(ServiceError, match=r"LocalProtocolError|UnicodeEncodeError") as silent,
    ):
        registry.latest("t-value")
    assert "hunter2" not in str(silent.value)


def test_a_schema_is_found_by_its_guid_or_by_its_id() -> None:
    with EmbeddedRegistry() as server:
        with Registry(server.url) as registry:
            registry.check_guids()
            assert registry.latest("t-value") is None
            guid = registry.register_guid("t-value", AVRO)
            assert registry.register_guid("u-value", AVRO) == guid
            assert registry.latest("t-value") == (registry.register("t-value", AVRO), AVRO)
        with Registry(server.url) as fresh:
            assert fresh.schema(guid) == fresh.schema(1) == AVRO
            with pytest.raises(InputError, match=f"knows no schema of GUID {UUID(int=1)}"):
                fresh.schema(UUID(int=1))
            with pytest.raises(InputError, match="knows no schema of id 2"):
                fresh.schema(2)


def test_a_registry_without_guids_is_refused_in_one_line_that_says_what_to_do() -> None:
    with older_registry() as server, Registry(server.url) as registry:
        for ask in (registry.check_guids, lambda: registry.register_guid("t-value", AVRO)):
            with pytest.raises(ServiceError, match=r"gives schemas no GUID.*use `framing: prefix`") as refused:
                ask()
            assert "\n" not in str(refused.value)
        assert registry.latest("t-value") == (1, AVRO)  # and all else works


def test_who_is_not_let_in_or_not_answered_is_not_told_about_guids(
    server: EmbeddedRegistry, trusting: dict[str, Setting]
) -> None:
    with Registry(server.url, trusting) as registry, pytest.raises(ServiceError, match="refuses this client"):
        registry.check_guids()
    with Registry("http://127.0.0.1:1") as registry, pytest.raises(ServiceError, match="does not answer"):
        registry.check_guids()


def test_a_record_of_another_name_is_refused_with_what_to_do_about_it() -> None:
    with EmbeddedRegistry() as server, Registry(server.url) as registry:
        assert registry.renamed("t-value", AVRO) == ""
        registry.register("t-value", AVRO)
        assert registry.renamed("t-value", AVRO) == ""
        with pytest.raises(ServiceError, match=r"refuses the schema.*its record is called S and that one R.*--name R"):
            registry.register("t-value", {**AVRO, "name": "S"})
        with pytest.raises(ServiceError, match=r"compatibility level$"):
            registry.register("t-value", {**AVRO, "fields": [{"name": "b", "type": "long"}]})
