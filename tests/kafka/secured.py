"""A broker with TLS, mutual TLS and SASL turned on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from connectors.kafka import Cluster
from connectors.local_broker import down, up
from schemas.secrets import Setting
from tests.certificates import KEY_PASSWORD, write_certificates

USER, PASSWORD = "alice", "scram-hunter2-alice"
REGISTRY_USER, REGISTRY_PASSWORD = "carol", "registry-hunter2-carol"
SECRETS = (PASSWORD, KEY_PASSWORD, REGISTRY_PASSWORD)

FURTHER = """\
listeners=PLAINTEXT://127.0.0.1:{{port}},{more},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},{more}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}";
"""


@dataclass(frozen=True)
class Secured:
    """A broker that listens three times: plainly, for users with passwords, for holders of certificates.

    Args:
        plain: the listener without security, to look at everything from outside.
        sasl: host:port of the SASL_SSL listener.
        tls: host:port of the SSL listener, which asks for a certificate.
        folder: where the certificates are.
    """

    plain: Cluster
    sasl: str
    tls: str
    folder: Path

    def file(self, name: str) -> str:
        """The path of a certificate or key."""
        return str(self.folder / name)

    def by_password(self, mechanism: str = "SCRAM-SHA-512") -> dict[str, Setting]:
        """The settings of a user with a password."""
        return {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": self.file("ca.pem"),
            "sasl.mechanism": mechanism,
            "sasl.username": USER,
            "sasl.password": PASSWORD,
        }

    def by_certificate(self) -> dict[str, Setting]:
        """The settings of a holder of a certificate."""
        return {
            "security.protocol": "SSL",
            "ssl.ca.location": self.file("ca.pem"),
            "ssl.certificate.location": self.file("client.pem"),
            "ssl.key.location": self.file("client.key"),
            "ssl.key.password": KEY_PASSWORD,
        }


@contextmanager
def secured_broker(folder: Path) -> Iterator[Secured]:
    """Start such a broker in a folder; it ends with the block."""
    write_certificates(folder)
    sasl, tls = (f"127.0.0.1:{port}" for port in _free_ports(2))
    more = f"SASL_SSL://{sasl},SSL://{tls}"
    further = FURTHER.format(folder=folder, more=more, user=USER, password=PASSWORD)
    broker = up(folder / "broker", heap="384m", further=further)
    try:
        plain = Cluster(broker.bootstrap)
        _add_user(plain)
        yield Secured(plain, sasl, tls, folder)
    finally:
        down(folder / "broker")


def _add_user(plain: Cluster) -> None:
    admin = AdminClient(plain.configured({}))
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        change = UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        for outcome in admin.alter_user_scram_credentials([change]).values():
            outcome.result()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
