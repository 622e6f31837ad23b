"""librdkafka's security settings as another client follows them, and what is said when a peer is not trusted."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Security, check, security
from connectors.kafka.cluster import CONTACT_S, REFUSAL_S
from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting
from tests.certificates import KEY_PASSWORD, write_certificates

LOGIN: dict[str, Setting] = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "me", "sasl.password": "hunter2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates")
    write_certificates(path)
    return path


def test_nothing_said_is_nothing_secured() -> None:
    assert security({"compression.type": "lz4", "socket.timeout.ms": 5}) == Security(None, None)


def test_certificates_and_host_names_are_checked_unless_told(folder: Path) -> None:
    settings: dict[str, Setting] = {"security.protocol": "ssl", "ssl.ca.location": str(folder / "ca.pem")}
    tls = security(settings).tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert [dict(part[0] for part in held["subject"])["commonName"] for held in tls.get_ca_certs()] == [  # type: ignore[misc]
        "synthstream test authority"
    ]
    no_name = security({**settings, "ssl.endpoint.identification.algorithm": "none"}).tls
    assert no_name is not None
    assert (no_name.verify_mode, no_name.check_hostname) == (ssl.CERT_REQUIRED, False)
    for no in (False, "false", "f", 0):
        nothing = security({**settings, "enable.ssl.certificate.verification": no}).tls
        assert nothing is not None
        assert (nothing.verify_mode, nothing.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize("settings", [{}, {"ssl.ca.location": "probe"}])
def test_the_systems_authorities_are_trusted_where_none_is_named(settings: dict[str, Setting]) -> None:
    tls = security({"security.protocol": "SSL", **settings}).tls
    assert tls is not None
    assert tls.get_ca_certs() == ssl.create_default_context().get_ca_certs()


def test_authorities_may_be_given_as_text(folder: Path) -> None:
    tls = security({"security.protocol": "SSL", "ssl.ca.pem": (folder / "ca.pem").read_text()}).tls
    assert tls is not None
    assert len(tls.get_ca_certs()) == 1


@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.mechanisms"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_users_log_in_by_password(name: str, mechanism: str) -> None:
    rest = {k: v for k, v in LOGIN.items() if k != "sasl.mechanism"}
    secured = security({"security.protocol": "SASL_PLAINTEXT", name: mechanism, **rest})
    assert secured.tls is None
    assert secured.login is not None
    assert (secured.login.mechanism, secured.login.username, secured.login.password) == (mechanism, "me", "hunter2")
    assert "hunter2" not in repr(secured)
    both = security({"security.protocol": "SASL_SSL", **LOGIN})
    assert both.tls is not None
    assert both.login is not None


def test_a_locked_key_needs_its_password(folder: Path) -> None:
    settings: dict[str, Setting] = {
        "security.protocol": "SSL",
        "ssl.ca.location": str(folder / "ca.pem"),
        "ssl.certificate.location": str(folder / "client.pem"),
        "ssl.key.location": str(folder / "client.key"),
    }
    assert security({**settings, "ssl.key.password": KEY_PASSWORD}).tls is not None
    for wrong in ({}, {"ssl.key.password": "hunter2"}, {"ssl.key.location": str(folder / "nowhere")}):
        with pytest.raises(InputError, match=r"kafka\.ssl\.certificate\.location=.*: can not be used \(") as refused:
            security({**settings, **wrong})
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["nowhere.pem", "client.key"])
def test_authorities_that_can_not_be_read_are_named(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"kafka\.ssl\.ca\.location=.*{name}: can not be used"):
        security({"security.protocol": "SSL", "ssl.ca.location": str(folder / name)})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"security.protocol": "TLS"}, "kafka.security.protocol=TLS: expected one of PLAINTEXT, SSL, SASL_"),
        ({**LOGIN, "sasl.mechanism": "GSSAPI"}, "kafka.sasl.mechanism=GSSAPI: workers log in by PLAIN, SCRAM-SHA-256"),
        ({**LOGIN, "sasl.mechanism": "OAUTHBEARER"}, "kafka.sasl.mechanism=OAUTHBEARER: workers log in by"),
        ({"sasl.username": "me", "sasl.password": "hunter2"}, "kafka.sasl.mechanism=GSSAPI: "),
        ({**LOGIN, "sasl.password": ""}, "kafka.sasl.password: is missing"),
        ({k: v for k, v in LOGIN.items() if k != "sasl.username"}, "kafka.sasl.username: is missing"),
        ({**LOGIN, "ssl.keystore.location": "k.p12"}, "kafka.ssl.keystore.location: workers can not follow"),
        ({**LOGIN, "ssl.keystore.password": "hunter2"}, "kafka.ssl.keystore.password: workers can not follow"),
        ({**LOGIN, "ssl.certificate.pem": "hunter2"}, "kafka.ssl.certificate.pem: workers can not follow"),
        ({**LOGIN, "ssl.crl.location": "l"}, "kafka.ssl.crl.location: workers can not follow"),
        ({**LOGIN, "sasl.oauthbearer.config": "x"}, "kafka.sasl.oauthbearer.config: workers can not follow"),
        (
            {**LOGIN, "enable.sasl.oauthbearer.unsecure.jwt": True},
            "kafka.enable.sasl.oauthbearer.unsecure.jwt: workers",
        ),
    ],
)
def test_what_can_not_be_followed_is_refused_and_not_passed_over(settings: dict[str, Setting], says: str) -> None:
    with pytest.raises(InputError) as refused:
        security({"security.protocol": "SASL_PLAINTEXT", **settings})
    assert str(refused.value).startswith(says)
    assert "hunter2" not in str(refused.value)


def test_a_peer_that_is_not_trusted_is_told_from_one_that_is_silent(folder: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.pem")
    settings: dict[str, Setting] = {"security.protocol": "SSL", "ssl.ca.location": str(folder / "stranger.pem")}
    with EmbeddedRegistry(tls=tls) as peer:  # it speaks TLS, which is all that is asked of it
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"do not trust each other .*certificate verify failed.*ssl") as refused:
            check(Cluster(peer.url.removeprefix("https://"), settings), CONTACT_S)
    assert time.monotonic() - began < REFUSAL_S + 3
    assert "\n" not in str(refused.value)
