"""How librdkafka's security settings read to a client that is not librdkafka: TLS and SASL by the same names."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import InputError
from schemas.secrets import Setting

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

HONOURED = frozenset(
    {
        "security.protocol",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.username",
        "sasl.password",
    }
)
"""The security settings that other clients can follow too."""

NO = ("false", "f", "0")
"""How librdkafka lets one say no."""

ABOUT_SECURITY = ("security.", "ssl.", "sasl.", "enable.ssl.", "enable.sasl.")
"""How the names of security settings begin."""


@dataclass(frozen=True)
class Login:
    """A user's name and password, and how they are proven."""

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Security:
    """How connections to a broker are secured.

    Args:
        tls: what certificates are trusted and shown; None without TLS.
        login: who connects, by SASL; None without.
    """

    tls: ssl.SSLContext | None
    login: Login | None


def security(settings: Mapping[str, Setting]) -> Security:
    """Read librdkafka's security settings.

    Args:
        settings: librdkafka settings by their own names; those not about security are passed over.

    Raises:
        InputError: a setting that only librdkafka can follow, a missing one, or a file that can not be used.
    """
    for name in settings:
        if name.startswith(ABOUT_SECURITY) and name not in HONOURED:
            raise InputError(
                f"kafka.{name}: workers can not follow this setting, because their control path is not librdkafka's; "
                f"leave it out, or use `synthstream publish`; they follow {', '.join(sorted(HONOURED))}"
            )
    protocol = str(settings.get("security.protocol", "PLAINTEXT")).upper()
    if protocol not in PROTOCOLS:
        raise InputError(f"kafka.security.protocol={protocol}: expected one of {', '.join(PROTOCOLS)}")
    return Security(
        _tls(settings) if protocol.endswith("SSL") else None,
        _login(settings) if protocol.startswith("SASL") else None,
    )


def _login(settings: Mapping[str, Setting]) -> Login:
    mechanism = settings.get("sasl.mechanism", settings.get("sasl.mechanisms", "GSSAPI"))
    if mechanism not in MECHANISMS:
        raise InputError(
            f"kafka.sasl.mechanism={mechanism}: workers log in by {', '.join(MECHANISMS)}; "
            "name one of them, or use `synthstream publish`"
        )
    for name in ("sasl.username", "sasl.password"):
        if not settings.get(name):
            raise InputError(f"kafka.{name}: is missing; {mechanism} needs it")
    return Login(str(mechanism), str(settings["sasl.username"]), str(settings["sasl.password"]))


def _tls(settings: Mapping[str, Setting]) -> ssl.SSLContext:
    given = {name: str(value) for name, value in settings.items()}
    authority = given.get("ssl.ca.location", "probe")
    trusted = None if authority == "probe" else Path(authority)
    try:
        context = ssl.create_default_context(
            cafile=None if trusted is None or trusted.is_dir() else trusted,
            capath=trusted if trusted is not None and trusted.is_dir() else None,
            cadata=given.get("ssl.ca.pem"),
        )
    except OSError as error:
        raise _unusable("ssl.ca.location", authority, error) from error
    if given.get("enable.ssl.certificate.verification", "true").lower() in NO:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif given.get("ssl.endpoint.identification.algorithm", "https") == "none":
        context.check_hostname = False
    certificate = given.get("ssl.certificate.location")
    if certificate is not None:
        try:  # without a password OpenSSL would ask for one at the terminal
            context.load_cert_chain(certificate, given.get("ssl.key.location"), given.get("ssl.key.password", ""))
        except OSError as error:
            raise _unusable("ssl.certificate.location", certificate, error) from error
    return context


def _unusable(name: str, path: str, error: OSError) -> InputError:
    return InputError(
        f"kafka.{name}={path}: can not be used ({error.strerror}); expected PEM files, "
        "a key that belongs to its certificate, and ssl.key.password where the key has one"
    )
