"""The rows of a table that may be longer than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

MOST_ROWS = 1_000_000
"""A table of more rows is long: so many of them, drawn evenly, say what its columns are and how they are spread."""

PIECE_ROWS = 65_536
"""About so many rows of a long table are looked at at once."""


@dataclass(frozen=True, eq=False)
class Rows:
    """All rows of a table at once, or, where they are too many, some of them and a way to go over all.

    Args:
        table: the rows; of a long table some, drawn evenly.
        count: how many rows there are in all.
        pieces: begins to go over all of them, a table of the same columns at a time.

    >>> rows = Rows.of(pa.table({"x": [1, 2, 3]}))
    >>> rows.count, rows.is_long, [piece.num_rows for piece in rows.pieces()]
    (3, False, [3])
    """

    table: pa.Table
    count: int
    pieces: Callable[[], Iterator[pa.Table]]

    @classmethod
    def of(cls, table: pa.Table) -> Rows:
        """The rows of a table that is in memory."""
        return cls(table, table.num_rows, lambda: iter((table,)))

    @property
    def is_long(self) -> bool:
        """Whether `table` has only some of the rows."""
        return self.count > self.table.num_rows

    def whole(self, names: Sequence[str]) -> pa.Table:
        """Some columns with all rows, in memory."""
        if not self.is_long:
            return self.table.select(names)
        if not names:
            return pa.table({})
        return pa.concat_tables([piece.select(names) for piece in self.pieces()]).unify_dictionaries()
