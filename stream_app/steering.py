"""Steering and drifts that a command asks for, from what people write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from generators.artifact import Artifact
from generators.blocks import Source
from generators.randomness import Purpose
from generators.steered import steered
from schemas.drift_kinds import AnyDrift, drifts_of
from schemas.errors import InputError
from schemas.keying import Keying
from schemas.steering import Steering, part_of, steering_of
from schemas.table import Kind

SPOKEN = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN})
"""Kinds whose values are written as in JSON; all others are text."""


def asked_steering(
    artifact: Artifact, given: Sequence[str], shares: str | None, boost: str | None, key: Keying = "surrogate"
) -> Steering:
    """Steering from what a command line says.

    Args:
        artifact: what will be steered.
        given: columns held at a value, as in `carrier=UA`: a number, true, false, null or text, as the column is.
        shares: by column the shares of some of its values, YAML text as in a stream's file.
        boost: a value that is published more often, likewise.
        key: what records are keyed by.

    Raises:
        InputError: an unknown column, a value it can not have or that rules leave no rows for, or the column that
            records are keyed by.
    """
    form: dict[str, Any] = {"given": _given(artifact, dict(_pair(text) for text in given))}
    form |= {} if shares is None else {"shares": part_of("shares", shares)}
    form |= {} if boost is None else {"boost": part_of("boost", boost)}
    steering = steering_of(form)
    steering.check_key(key)
    meant = steered(artifact.generator, steering)
    Source(artifact, seed=0, epoch=0, shard=0, shards=1, purpose=Purpose.REFERENCE).block(0, meant)
    return steering


def asked_drift(script: str) -> AnyDrift:
    """A drift from what a command line says.

    Raises:
        InputError: it is not YAML, or no drift.
    """
    form = part_of("drift", script)
    try:
        return drifts_of([form])[0]
    except InputError as error:
        raise InputError(*(f"drift{fault.removeprefix('drifts.0')}" for fault in error.faults)) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{text}: expected COLUMN=VALUE, as in carrier=UA")
    return name, value


def _given(artifact: Artifact, texts: dict[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, text in texts.items():
        if name in artifact.schema.names and artifact.schema[name].kind in SPOKEN:
            try:
                given[name] = json.loads(text)
            except ValueError as error:
                raise InputError(f"{name}={text}: expected a value of a {artifact.schema[name].kind} column") from error
        else:
            given[name] = None if text == "null" else text
    return given
