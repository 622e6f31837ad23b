"""Byte strings side by side in one buffer: many values, and no Python object for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from schemas.arrow_views import bytes_of

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blobs(Sequence[bytes | None]):
    """Byte strings, some of them perhaps missing; they may overlap, and lie in any order.

    Args:
        buffer: holds them all.
        starts: where each begins, shape (n,).
        sizes: how many bytes each has, -1 for none at all, shape (n,).

    >>> blobs = Blobs.of([b"ab", None, b"c"])
    >>> list(blobs), blobs[1:].sizes.tolist(), list(blobs.take(np.array([2, 0])))
    ([b'ab', None, b'c'], [-1, 1], [b'c', b'ab'])
    """

    buffer: npt.NDArray[np.uint8]
    starts: Longs
    sizes: Longs

    @classmethod
    def of(cls, values: Iterable[bytes | None]) -> Blobs:
        """Put values side by side."""
        listed = list(values)
        sizes = np.fromiter((-1 if value is None else len(value) for value in listed), np.int64, len(listed))
        ends = np.cumsum(sizes.clip(min=0))
        return cls(bytes_of(b"".join(value for value in listed if value)), ends - sizes.clip(min=0), sizes)

    @classmethod
    def cut(cls, buffer: bytes | npt.NDArray[np.uint8], offsets: Longs) -> Blobs:
        """Values one after another.

        Args:
            buffer: their bytes.
            offsets: where each begins, and the end of the last, shape (n + 1,).
        """
        held = bytes_of(buffer) if isinstance(buffer, bytes) else buffer
        return cls(held, offsets[:-1], np.diff(offsets))

    @classmethod
    def same(cls, value: bytes | None, count: int) -> Blobs:
        """One value, so many times."""
        size = -1 if value is None else len(value)
        return cls(bytes_of(value or b""), np.zeros(count, np.int64), np.full(count, size))

    @classmethod
    def joined(cls, parts: Sequence[Blobs]) -> Blobs:
        """The values of several, one behind the other."""
        if len(parts) == 1:
            return parts[0]
        shifts = np.cumsum([0, *(len(part.buffer) for part in parts)])
        return cls(
            np.concatenate([np.empty(0, np.uint8), *(part.buffer for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(p.starts + s for p, s in zip(parts, shifts, strict=False))]),
            np.concatenate([np.empty(0, np.int64), *(part.sizes for part in parts)]),
        )

    def take(self, indices: Longs) -> Blobs:
        """Some of the values, in any order, without copying them."""
        return Blobs(self.buffer, self.starts[indices], self.sizes[indices])

    def without(self, gone: npt.NDArray[np.bool_]) -> Blobs:
        """The same with none where something is gone, shape (n,)."""
        return Blobs(self.buffer, self.starts, np.where(gone, -1, self.sizes))

    def equal(self, value: bytes) -> npt.NDArray[np.bool_]:
        """Which of the values are this one, shape (n,)."""
        same: npt.NDArray[np.bool_] = self.sizes == len(value)
        for i, byte in enumerate(value):
            same[same] = self.buffer[self.starts[same] + i] == byte
        return same

    def __len__(self) -> int:
        return len(self.starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as lists have none

    @overload
    def __getitem__(self, index: int) -> bytes | None: ...
    @overload
    def __getitem__(self, index: slice) -> Blobs: ...
    def __getitem__(self, index: int | slice) -> bytes | Blobs | None:
        if isinstance(index, slice):
            return Blobs(self.buffer, self.starts[index], self.sizes[index])
        size, start = int(self.sizes[index]), int(self.starts[index])
        return None if size < 0 else self.buffer[start : start + size].tobytes()
