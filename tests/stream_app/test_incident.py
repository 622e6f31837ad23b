"""Injected drift: the column moves, nothing else does."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema
from stream_app.incident import Incident

SCHEMA = TableSchema("t", (Column("delay", Kind.INTEGER, nullable=True), Column("who", Kind.CATEGORY)))


def batch() -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array([1, None, -3], pa.int64()), pa.array(["a", "b", "a"]).dictionary_encode()], schema=SCHEMA.arrow_schema
    )


def test_the_column_is_shifted_and_nulls_and_the_rest_stay() -> None:
    drifted = Incident("storm", "delay", 30).applied(batch())
    assert drifted.column("delay").to_pylist() == [31, None, 27]
    assert drifted.column("who") == batch().column("who")
    assert drifted.schema == batch().schema


def test_what_can_not_drift_is_refused() -> None:
    with pytest.raises(InputError, match="shift=0: must be a number other than 0"):
        Incident("none", "delay", 0)
    with pytest.raises(InputError, match="incident column=who: is a category; choose a number: delay"):
        Incident("storm", "who", 1).check(SCHEMA)
    with pytest.raises(InputError, match="column='when': not in table"):
        Incident("storm", "when", 1).check(SCHEMA)
