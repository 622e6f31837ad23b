"""Records as they are handed over: columns of bytes, and no Python object for each record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.blobs import Blobs, Longs

Headers = list[tuple[str, str | bytes | None]]
"""The headers of one record, as they are read."""


@dataclass(frozen=True, eq=False)
class Records:
    """Consecutive records.

    Args:
        values: a message each; None for no value.
        keys: a key each, null keys among them; None for null keys only.
        heads: headers by name, in order; a record has those that are not None.

    Raises:
        ValueError: not as many keys or headers as values.
    """

    values: Blobs
    keys: Blobs | None = None
    heads: Sequence[tuple[str, Blobs]] = ()

    def __post_init__(self) -> None:
        columns = [("keys", self.keys), *self.heads]
        wrong = [name for name, column in columns if column is not None and len(column) != len(self.values)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: expected one for each of {len(self.values)} values")

    @classmethod
    def of(
        cls,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None = None,
        heads: Iterable[tuple[str, Sequence[bytes | None]]] = (),
    ) -> Records:
        """Records from lists."""
        columns = [(name, Blobs.of(column)) for name, column in heads]
        return cls(Blobs.of(values), None if keys is None else Blobs.of(keys), columns)

    @classmethod
    def joined(cls, parts: Sequence[Records]) -> Records:
        """The records of several, one behind the other; of one kind, that is all with keys or none."""
        names = dict.fromkeys(name for part in parts for name, _ in part.heads)
        columns = [
            (name, Blobs.joined([dict(part.heads).get(name, Blobs.same(None, len(part))) for part in parts]))
            for name in names
        ]
        keys = [part.keys for part in parts if part.keys is not None]
        return cls(Blobs.joined([part.values for part in parts]), Blobs.joined(keys) if keys else None, columns)

    def __len__(self) -> int:
        return len(self.values)

    def part(self, where: slice) -> Records:
        """Some of them."""
        keys = None if self.keys is None else self.keys[where]
        return Records(self.values[where], keys, [(name, column[where]) for name, column in self.heads])

    def take(self, indices: Longs) -> Records:
        """Some of them, in any order."""
        keys = None if self.keys is None else self.keys.take(indices)
        return Records(self.values.take(indices), keys, [(name, column.take(indices)) for name, column in self.heads])

    def headers(self, row: int) -> Headers:
        """The headers of one record, as a reader finds them."""
        return [(name, column[row]) for name, column in self.heads if column.sizes[row] >= 0]

    @property
    def sizes(self) -> Longs:
        """The bytes of every value, none counting as 0, shape (records,)."""
        return np.maximum(self.values.sizes, 0)
