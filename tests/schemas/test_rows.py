"""The rows of a long table are those of the table, however they are come by."""

import pyarrow as pa

from schemas.rows import Rows
from tests.generators.tables import in_pieces, orders


def test_columns_of_a_long_table_are_read_whole() -> None:
    table, _ = orders(500)
    rows = in_pieces(table, 100)
    assert rows.is_long
    assert (rows.count, rows.table.num_rows) == (500, 100)
    assert rows.whole(["colour", "day"]).to_pydict() == table.select(["colour", "day"]).to_pydict()
    assert rows.whole([]).num_columns == 0


def test_a_table_in_memory_is_one_piece() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    rows = Rows.of(table)
    assert not rows.is_long
    assert rows.whole(["b"]) == table.select(["b"])
    assert list(rows.pieces()) == list(rows.pieces()) == [table]
