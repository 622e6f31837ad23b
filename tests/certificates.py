"""Certificates of an authority of our own, for servers and clients on this machine."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

KEY_PASSWORD = "key-hunter2-client"


class Authority:
    """A certificate authority that writes what it signs into a folder, as PEM."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        public = self._key.public_key()
        self.certificate = (
            self._form(self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _form(self, subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def write(self, path: Path) -> None:
        """Write its own certificate."""
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def signed(self, name: str, password: str | None = None) -> tuple[bytes, bytes]:
        """A new key for this machine, and its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            self._form(_named(name), key.public_key())
            .add_extension(here, critical=False)
            .add_extension(_usage(signs=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        lock = NoEncryption() if password is None else BestAvailableEncryption(password.encode())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        return pem, certificate.public_bytes(Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def write_certificates(folder: Path) -> None:
    """Fill a folder: ca.pem, server.pem (key and certificate), client.key (locked), client.pem, stranger.pem."""
    authority = Authority("synthstream test authority")
    authority.write(folder / "ca.pem")
    Authority("somebody else").write(folder / "stranger.pem")
    (folder / "server.pem").write_bytes(b"".join(authority.signed("server")))
    key, certificate = authority.signed("client", KEY_PASSWORD)
    (folder / "client.key").write_bytes(key)
    (folder / "client.pem").write_bytes(certificate)
