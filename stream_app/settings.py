"""Where things are: flags before environment before the stream's file. Built once, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import InputError

BOOTSTRAP_VARIABLE = "SYNTHSTREAM_BOOTSTRAP"
REGISTRY_VARIABLE = "SYNTHSTREAM_REGISTRY"
EMBEDDED = "embedded"
PAGE_PORT = 8080
METRICS_PORT = 9464


@dataclass(frozen=True)
class Place:
    """Where the broker and the registry are.

    Args:
        bootstrap: host:port of the broker, several joined by commas, or "embedded".
        registry: URL of the schema registry, or "embedded".
        kafka: librdkafka settings, by their own names.
    """

    bootstrap: str
    registry: str
    kafka: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def place(
    bootstrap: str | None,
    registry: str | None,
    kafka: Mapping[str, str | int | float | bool],
    environment: Mapping[str, str],
) -> Place:
    """Settle where broker and registry are.

    Args:
        bootstrap: as given by flag or stream file, if any.
        registry: as given by flag or stream file, if any.
        kafka: librdkafka settings of the stream file.
        environment: the process's environment.

    Raises:
        InputError: no broker named (with the three ways to get one), or no registry for a real broker.

    >>> place(None, None, {}, {"SYNTHSTREAM_BOOTSTRAP": "embedded"}).registry
    'embedded'
    """
    broker = environment.get(BOOTSTRAP_VARIABLE) if bootstrap is None else bootstrap
    if not broker:
        raise InputError(
            f"bootstrap: no broker named; pass --bootstrap HOST:PORT or set {BOOTSTRAP_VARIABLE}, "
            "start one with `synthstream broker up`, or use --bootstrap embedded"
        )
    where = environment.get(REGISTRY_VARIABLE) if registry is None else registry
    if not where:
        where = EMBEDDED if broker == EMBEDDED else None
    if not where:
        raise InputError(
            f"registry: no schema registry named; pass --registry URL or set {REGISTRY_VARIABLE}, "
            "or start one with `synthstream registry`"
        )
    return Place(broker, where, dict(kafka))
