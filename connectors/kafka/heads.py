"""Headers of many records side by side, and no Python object for any before somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numba
import numpy as np
import numpy.typing as npt

from connectors.kafka.records import Headers
from schemas.blobs import Blobs, Longs

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Heads(Sequence[Headers]):
    """The headers of records; a name may come twice in one.

    Args:
        firsts: where each record's headers begin among all, and the end of the last, shape (records + 1,).
        names: in UTF-8.
        values: as many; None is a header without a value.

    >>> heads = Heads.of([[("a", b"1"), ("b", None)], None])
    >>> list(heads), list(heads.named("a"))
    ([[('a', b'1'), ('b', None)], []], [b'1', None])
    """

    firsts: Longs
    names: Blobs
    values: Blobs

    @classmethod
    def of(cls, listed: Iterable[Headers | None]) -> Heads:
        """Headers from lists; None where a record has none."""
        each = [heads or [] for heads in listed]
        firsts = np.cumsum([0, *map(len, each)], dtype=np.int64)
        pairs = [pair for heads in each for pair in heads]
        values = (value.encode() if isinstance(value, str) else value for _, value in pairs)
        return cls(firsts, Blobs.of(name.encode() for name, _ in pairs), Blobs.of(values))

    def named(self, name: str) -> Blobs:
        """What the headers of a name hold: of each record the last of that name, None where it has none."""
        found = np.full(len(self), -1, np.int64)
        names = self.names
        find_named(self.firsts, names.buffer, names.starts, names.sizes, np.frombuffer(name.encode(), np.uint8), found)
        there = found >= 0
        if not there.any():
            return Blobs.same(None, len(self))
        return self.values.take(np.maximum(found, 0)).without(~there)

    def __len__(self) -> int:
        return len(self.firsts) - 1

    @overload
    def __getitem__(self, index: int) -> Headers: ...
    @overload
    def __getitem__(self, index: slice) -> list[Headers]: ...
    def __getitem__(self, index: int | slice) -> Headers | list[Headers]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        entries = range(int(self.firsts[row]), int(self.firsts[row + 1]))
        found: Headers = [((self.names[i] or b"").decode(errors="replace"), self.values[i]) for i in entries]
        return found


@numba.njit(cache=True, nogil=True)
def find_named(firsts: Longs, data: Bytes, starts: Longs, sizes: Longs, name: Bytes, found: Longs) -> None:
    """Find the last header of a name in each record.

    Args:
        firsts: where each record's headers begin, shape (records + 1,).
        data: the bytes of all names.
        starts: where each begins, shape (headers,).
        sizes: how long each is, shape (headers,).
        name: which one, shape (bytes,).
        found: set to the header's number where there is one, shape (records,).
    """
    for row in range(found.shape[0]):
        for entry in range(firsts[row], firsts[row + 1]):
            alike = sizes[entry] == name.shape[0]
            at = 0
            while alike and at < name.shape[0]:
                alike = data[starts[entry] + at] == name[at]
                at += 1
            if alike:
                found[row] = entry
