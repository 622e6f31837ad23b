"""Where things are and how they are reached: flags before environment before files. Built once, frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import InputError, noted
from schemas.secrets import Setting, hidden, hidden_user, resolved
from schemas.stream import StreamSpec, from_mapping, read_mapping

BOOTSTRAP_VARIABLE = "SYNTHSTREAM_BOOTSTRAP"
REGISTRY_VARIABLE = "SYNTHSTREAM_REGISTRY"
CONNECTION_VARIABLE = "SYNTHSTREAM_CONNECTION"
"""Names a file that says how broker and registry are reached, for every command."""

EMBEDDED = "embedded"
PAGE_PORT = 8080
METRICS_PORT = 9464

A_FILE = re.compile(r"ssl\.(ca|certificate|key|keystore|crl)\.location")
"""Settings that name a file, which must be there."""


@dataclass(frozen=True, repr=False)
class Place:
    """Where the broker and the registry are, and how they are reached.

    Args:
        bootstrap: host:port of the broker, several joined by commas, or "embedded".
        registry: URL of the schema registry, or "embedded".
        kafka: librdkafka settings, by their own names.
        registry_settings: settings of the registry's client, by their own names.
    """

    bootstrap: str
    registry: str
    kafka: Mapping[str, Setting] = field(default_factory=dict)
    registry_settings: Mapping[str, Setting] = field(default_factory=dict)

    def __repr__(self) -> str:
        how = (hidden(self.kafka), hidden(self.registry_settings))
        return f"Place({self.bootstrap!r}, {hidden_user(self.registry)!r}, {how[0]}, {how[1]})"


def place(
    bootstrap: str | None, registry: str | None, stream: StreamSpec | None, environment: Mapping[str, str]
) -> Place:
    """Settle where broker and registry are and how they are reached; secrets come from where references point.

    Args:
        bootstrap: as given by flag or stream file, if any.
        registry: as given by flag or stream file, if any.
        stream: the stream, whose settings come before those of the connection's file; None without one.
        environment: the process's environment.

    Raises:
        InputError: no broker named (with the three ways to get one), no registry for a real broker, a reference that
            leads nowhere, or a file that is missing.

    >>> place(None, None, None, {"SYNTHSTREAM_BOOTSTRAP": "embedded"}).registry
    'embedded'
    """
    around = _around(environment)
    files = (None, None) if around is None else (around.bootstrap, around.registry)
    broker = _first(bootstrap, environment.get(BOOTSTRAP_VARIABLE), files[0])
    if not broker:
        raise InputError(
            f"bootstrap: no broker named; pass --bootstrap HOST:PORT or set {BOOTSTRAP_VARIABLE}, "
            "start one with `synthstream broker up`, or use --bootstrap embedded"
        )
    where = _first(registry, environment.get(REGISTRY_VARIABLE), files[1])
    if not where:
        where = EMBEDDED if broker == EMBEDDED else None
    if not where:
        raise InputError(
            f"registry: no schema registry named; pass --registry URL or set {REGISTRY_VARIABLE}, "
            "or start one with `synthstream registry`"
        )
    said = [spec for spec in (around, stream) if spec is not None]
    return Place(
        broker,
        resolved("registry", where, environment),
        _settled("kafka", [spec.kafka for spec in said], environment),
        _settled("registry_settings", [spec.registry_settings for spec in said], environment),
    )


def _around(environment: Mapping[str, str]) -> StreamSpec | None:
    """What the connection's file says, if one is named: a stream's file that may leave the stream out."""
    named = environment.get(CONNECTION_VARIABLE)
    if not named:
        return None
    try:
        return from_mapping({"stream": "any", "topic": "any", **read_mapping(Path(named))}, Path(named).parent)
    except InputError as error:
        raise InputError(*(f"{CONNECTION_VARIABLE}={named}: {fault}" for fault in error.faults)) from error


def _first(*said: str | None) -> str | None:
    return next((text for text in said if text), None)


def _settled(key: str, layers: list[Mapping[str, Setting]], environment: Mapping[str, str]) -> Mapping[str, Setting]:
    """The settings of all layers, later ones first, with references resolved and files found."""
    settled: dict[str, Setting] = {}
    faults: list[str] = []
    for name, value in {name: value for layer in layers for name, value in layer.items()}.items():
        with noted(faults):
            settled[name] = value if not isinstance(value, str) else resolved(f"{key}.{name}", value, environment)
            if A_FILE.fullmatch(name) and value != "probe" and not Path(str(settled[name])).exists():
                raise InputError(f"{key}.{name}={settled[name]}: there is no such file")
    if faults:
        raise InputError(*faults)
    return settled
