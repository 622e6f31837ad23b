"""Pools of invented strings: distinct, in the format of the real ones, none of them real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.invented.strings import strings
from generators.randomness import Purpose, stream_key, words
from schemas.formats import Template, TextFormat
from schemas.table import Column, Kind

MAX_POOL = 50_000
"""A column repeats at most this many invented values."""

ALMOST_UNIQUE = 0.95
"""From this share of distinct values on, a column gets a fresh value each row, if its format has the room."""

POPULARITY_KNOTS = 256

TELLING = range(4, 13)
"""Real values of these lengths are avoided as parts of invented ones too, for the first `ROUNDS` rounds; no longer one
is ever a part by chance."""

ROUNDS = 8
"""After so many rounds that did not fill a pool, its format grows by a place."""

Floats = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]


def stored(texts: Sequence[str]) -> Arrays:
    """Strings as arrays that weights can hold."""
    encoded = [text.encode() for text in texts]
    return {
        "pool": np.frombuffer(b"\0".join(encoded), np.uint8).copy(),
        "ends": np.cumsum([len(text) + 1 for text in encoded]).astype(np.int64),
    }


def restored(arrays: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    """The strings that `stored` was given."""
    data, ends = arrays["pool"].tobytes(), arrays["ends"].tolist()
    return [data[a : b - 1].decode() for a, b in pairwise([0, *ends])]


def popularity(counts: npt.NDArray[np.int64], size: int) -> tuple[Floats, Floats]:
    """The popularity curve of so many invented values.

    Args:
        counts: how many rows hold each real value, the most frequent first, shape (k,).
        size: how many are invented.

    Returns:
        Knots: how many of the most frequent values, rising from 0 to `size`; and the share of the rows these hold.
    """
    if len(counts) == 0:
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    at = np.unique(np.rint(np.geomspace(1, len(counts), POPULARITY_KNOTS))).astype(np.int64)
    reached = np.cumsum(counts)[at - 1] / counts.sum()
    ranks = at * (size / len(counts))
    return np.concatenate([[0.0], ranks]), np.concatenate([[0.0], reached])


def invented(text: TextFormat, column: Column, real: set[str], size: int, seed: int) -> list[str]:
    """Invent distinct strings that are not real; the format grows where it has no room for them.

    Args:
        text: what they look like.
        column: the column they are for.
        real: its real values.
        size: how many.
        seed: seeds them.
    """
    key = stream_key(f"pool {column.name}", seed, 0, 0, Purpose.TRAINING)
    integer = column.kind is Kind.INTEGER
    lengths = sorted({len(value) for value in real if len(value) in TELLING})
    found: dict[str, None] = {}
    for attempt in range(1_000):
        seeds = words(key, attempt, 4 * size).reshape(-1, 2)
        for value in strings(text, seeds).tolist():
            if value in real or (integer and not _is_integer(value)):
                continue
            if attempt >= ROUNDS or not _quotes(value, real, lengths):
                found[value] = None
        if len(found) >= size:
            break
        if attempt % ROUNDS == ROUNDS - 1:
            text = _wide_integer() if integer else _grown(text)
    return list(found)[:size]


def _quotes(value: str, real: set[str], lengths: Sequence[int]) -> bool:
    """Whether a real value of a telling length is a part of this one."""
    return any(value[at : at + n] in real for n in lengths for at in range(len(value) - n + 1))


def _is_integer(value: str) -> bool:
    digits = value.removeprefix("-")
    return digits.isdecimal() and str(int(value)) == value and abs(int(value)) < 2**63


def _wide_integer() -> TextFormat:
    return TextFormat((Template(1.0, ("nonzero", *["digit"] * 16)),))


def _grown(text: TextFormat) -> TextFormat:
    if text.templates:
        return TextFormat(tuple(replace(t, places=(*t.places, "letter+digit")) for t in text.templates))
    return replace(text, letters=tuple(n + 1 for n in text.letters))
