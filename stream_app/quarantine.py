"""The gate before the topic: records that break a hard rule or are too large for it do not pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.blobs import Blobs
from schemas.errors import InputError
from schemas.rules import Rule

HEADER = "synthstream.quarantine"
"""Name of the header that says why a record was kept out: the rules it breaks, its size and the largest allowed."""

ENVELOPE_BYTES = 512
"""More than a record takes beside value and key: its headers, its framing and that of a batch it has to itself."""

PRODUCER_LIMIT_BYTES = 1_000_000
"""The largest message librdkafka takes unless told otherwise (`message.max.bytes`)."""


@dataclass(frozen=True)
class Kept:
    """Why a record is kept out.

    Args:
        reason: in words.
        withheld: whether it is too large even for the quarantine, which then has its facts alone.
    """

    reason: str
    withheld: bool


@dataclass(frozen=True)
class Gate:
    """What may pass to a stream's topic.

    Args:
        rules: records that break one are kept out.
        limit_bytes: the largest record that topic and producer take, envelope included, before compression.
        keeps: whether what is kept out goes somewhere; where it does not, a record that is too large is an error.
        topic: where it goes; None to drop it.
        topic_limit_bytes: the largest record that topic takes.
        batch_bytes: the largest batch of records that all topics written to take.
        holdable: rules of the stream that a command may have records kept out by, too.
    """

    rules: tuple[Rule, ...] = ()
    limit_bytes: int = PRODUCER_LIMIT_BYTES
    keeps: bool = False
    topic: str | None = None
    topic_limit_bytes: int = PRODUCER_LIMIT_BYTES
    batch_bytes: int = PRODUCER_LIMIT_BYTES
    holdable: tuple[Rule, ...] = ()

    def held(self, names: Sequence[str]) -> tuple[Rule, ...]:
        """The rules of some names, those that are kept anyway left out.

        Raises:
            InputError: there is no quarantine, or no such rule that it could keep.
        """
        known = {rule.name: rule for rule in self.holdable}
        if names and not self.keeps:
            raise InputError(f"hold {names[0]}: the stream has no quarantine; its file says `quarantine: {{}}` for one")
        for name in names:
            if name not in known:
                there = ", ".join(known) or "none"
                raise InputError(
                    f"hold {name}: the stream has no such rule for its quarantine to keep; there are {there}"
                )
        hard = {rule.name for rule in self.rules}
        return tuple(known[name] for name in names if name not in hard)

    def oversized(self, sizes: npt.NDArray[np.int64], keys: Blobs | None) -> dict[int, int]:
        """The rows that are too large, with their bytes, envelope included.

        Args:
            sizes: the bytes of every value, shape (rows,).
            keys: a key each; None for null keys.
        """
        whole = _whole(sizes, keys)
        return {row: int(whole[row]) for row in np.flatnonzero(whole > self.limit_bytes).tolist()}

    def kept_out(
        self,
        batch: pa.RecordBatch,
        sizes: npt.NDArray[np.int64],
        keys: Blobs | None,
        gone: npt.NDArray[np.bool_],
        held: Sequence[str] = (),
    ) -> dict[int, Kept]:
        """The rows that do not pass, and why.

        Args:
            batch: the rows.
            sizes: the bytes of every value, shape (rows,).
            keys: a key each; None for null keys.
            gone: the rows that a delete takes away, which no rule judges, shape (rows,).
            held: names of further rules that records are kept out by.

        Raises:
            InputError: a record is too large, and there is no quarantine.
        """
        oversized = self.oversized(sizes, keys)
        if oversized and not self.keeps:
            raise InputError(
                f"record: of {max(oversized.values())} bytes, envelope included, is larger than the topic or the "
                f"producer takes ({self.limit_bytes}); raise max.message.bytes there and message.max.bytes under "
                "`kafka:`, or keep such records apart with `quarantine: {}`"
            )
        reasons: dict[int, list[str]] = {}
        for rule in (*self.rules, *self.held(held)):
            for row in np.flatnonzero(rule.violations(batch) & ~gone).tolist():
                reasons.setdefault(row, []).append(rule.name)
        for row, size in oversized.items():
            reasons.setdefault(row, []).append(f"size: {size} > {self.limit_bytes}")
        too_large = _whole(sizes, keys) > min(self.limit_bytes, self.topic_limit_bytes)
        return {row: Kept(", ".join(why), bool(too_large[row])) for row, why in reasons.items()}


def _whole(sizes: npt.NDArray[np.int64], keys: Blobs | None) -> npt.NDArray[np.int64]:
    """The bytes of records, envelope included, shape (rows,)."""
    return sizes + (0 if keys is None else keys.sizes.clip(min=0)) + ENVELOPE_BYTES
