"""Columns that a running stream is told to hold, from what people write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from generators.artifact import Artifact
from generators.blocks import Source
from generators.randomness import Purpose
from schemas.errors import InputError
from schemas.keying import KeyForm, Keying
from schemas.table import Kind

SPOKEN = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN})
"""Kinds whose values are written as in JSON; all others are text."""


def given_columns(artifact: Artifact, texts: Mapping[str, str], key: Keying = "surrogate") -> dict[str, Any]:
    """Columns to hold at a value, from what people write.

    Args:
        artifact: what will be steered.
        texts: column to value: a number, true, false, null or text, as the column is.
        key: what records are keyed by.

    Raises:
        InputError: an unknown column, a value it can not have or that rules leave no rows for, or the column that
            records are keyed by.
    """
    if isinstance(key, KeyForm) and key.column is not None and key.column in texts:
        raise InputError(
            f"{key.column}={texts[key.column]}: records are keyed by {key.column}, so it can not be held at one value; "
            "name another column"
        )
    given: dict[str, Any] = {}
    for name, text in texts.items():
        if name in artifact.schema.names and artifact.schema[name].kind in SPOKEN:
            try:
                given[name] = json.loads(text)
            except ValueError as error:
                raise InputError(f"{name}={text}: expected a value of a {artifact.schema[name].kind} column") from error
        else:
            given[name] = None if text == "null" else text
    Source(artifact, seed=0, epoch=0, shard=0, shards=1, purpose=Purpose.REFERENCE).block(0, given)
    return given
