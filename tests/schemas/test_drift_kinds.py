"""The kinds of drift on columns: what each changes, what it leaves alone, and which columns it does not fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.adoption import adopt, text_columns
from schemas.drift_kinds import check_drifts, drifts_of
from schemas.drifts import Hits, Known
from schemas.errors import InputError
from schemas.profile import profile_table
from schemas.table import Column, Kind, Role, TableSchema

N = 40
COLUMNS: list[tuple[Column, list[Any]]] = [
    (Column("id", Kind.INTEGER, role=Role.KEY), list(range(N))),
    (Column("n", Kind.INTEGER, nullable=True), [None, *range(N - 1)]),
    (Column("flag", Kind.INTEGER), [0, 1] * (N // 2)),
    (Column("x", Kind.NUMBER, decimals=2), [k / 4 for k in range(N)]),
    (Column("exact", Kind.NUMBER), [k / 7 for k in range(N)]),
    (Column("c", Kind.CATEGORY, nullable=True), [None, *(["a", "b", "b"] * 13)]),
    (Column("y", Kind.CATEGORY, role=Role.TARGET), ["yes"] * 30 + ["no"] * 10),
    (Column("ok", Kind.BOOLEAN, nullable=True), [None, *([True, False, False] * 13)]),
    (Column("day", Kind.DATE), [date(2024, 2, 28)] * N),
    (Column("at", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"), [datetime(2024, 1, 1, tzinfo=UTC)] * N),
    (Column("code", Kind.INTEGER, role=Role.IDENTIFIER), [7 * k for k in range(N)]),
    (Column("t", Kind.TEXT), [f"text {k}" for k in range(N)]),
]
SCHEMA = TableSchema("things", tuple(column for column, _ in COLUMNS))


def table() -> pa.Table:
    arrays = []
    for column, cells in COLUMNS:
        plain = pa.array(cells, pa.string() if column.kind is Kind.CATEGORY else column.arrow_type)
        arrays.append(plain.dictionary_encode() if column.kind is Kind.CATEGORY else plain)
    return pa.table(arrays, schema=SCHEMA.arrow_schema)


PROFILE = profile_table(table(), SCHEMA)


def known(name: str) -> Known:
    return Known(SCHEMA[name], PROFILE[name])


def changed(
    kind: str, name: str, hit: Any = None, size: float = 1.0, values: Any = None, **form: Any
) -> tuple[list[Any], list[Any]]:
    """A column before and after it drifted."""
    drift = drifts_of([{"name": "d", "kind": kind, "column": name, **form}])[0]
    before = table().column(name).combine_chunks() if values is None else values
    n = len(before)
    rows = np.ones(n, np.bool_) if hit is None else np.isin(np.arange(n), hit)
    u = np.random.Generator(np.random.PCG64(1)).random(n)
    after = drift.changed(known(name), before, Hits(rows, np.full(n, size), lambda: u))
    assert after.type == before.type
    assert len(after) == n
    after.validate(full=True)
    return before.to_pylist(), after.to_pylist()


@pytest.mark.parametrize(
    ("kind", "name", "form"),
    [
        ("shift", "n", {"by": 3}),
        ("shift", "x", {"by": 0.125}),
        ("scale", "exact", {"factor": -2}),
        ("nulls", "c", {}),
        ("unseen", "c", {"value": "z"}),
        ("label", "y", {}),
        ("label", "ok", {}),
        ("label", "flag", {}),
        ("correlation", "c", {}),
        ("correlation", "t", {}),
        ("correlation", "at", {}),
    ],
)
def test_records_that_are_not_hit_stay_as_they_are(kind: str, name: str, form: dict[str, Any]) -> None:
    before, after = changed(kind, name, hit=[3, 5, 39], **form)
    assert [a for i, a in enumerate(after) if i not in (3, 5, 39)] == [
        b for i, b in enumerate(before) if i not in (3, 5, 39)
    ]
    before, after = changed(kind, name, hit=[], **form)
    assert before == after


def test_numbers_are_shifted_and_scaled_and_what_is_missing_stays_missing() -> None:
    assert changed("shift", "n", by=3)[1] == [None, *range(3, N + 2)]
    assert changed("shift", "n", by=-3, size=0.5)[1][1:4] == [-2, -1, 0]  # half to even
    assert changed("shift", "x", by=0.126)[1][:2] == [0.13, 0.38]
    assert changed("scale", "n", factor=1.5)[1][:5] == [None, 0, 2, 3, 4]
    assert changed("scale", "x", factor=3, size=0.5)[1][:3] == [0.0, 0.5, 1.0]
    assert changed("shift", "exact", by=1)[1][3] == 3 / 7 + 1


def test_large_integers_are_shifted_exactly() -> None:
    values = pa.array([2**53 + 1, -(2**62) - 1, None])
    assert changed("shift", "n", by=7, values=values)[1] == [2**53 + 8, -(2**62) + 6, None]


def test_dates_are_shifted_by_days_and_timestamps_by_seconds() -> None:
    assert set(changed("shift", "day", by=2)[1]) == {date(2024, 3, 1)}
    assert set(changed("shift", "at", by=-0.5)[1]) == {datetime(2023, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)}


def test_values_go_missing_and_unseen_ones_come() -> None:
    assert changed("nulls", "n", hit=[2, 4])[1][:6] == [None, 0, None, 2, None, 4]
    assert changed("unseen", "c", hit=[0, 2], value="z")[1][:4] == [None, "a", "z", "b"]


def test_labels_turn_into_the_next_of_their_values() -> None:
    before, after = changed("label", "y")
    assert after == [{"yes": "no", "no": "yes"}[label] for label in before]
    before, after = changed("label", "ok")
    assert after == [None if label is None else not label for label in before]
    before, after = changed("label", "flag")
    assert after == [1 - label for label in before]
    assert changed("label", "flag", values=pa.array([5, 1]))[1] == [5, 0]  # what is no label stays


def test_labels_are_the_target_unless_a_column_is_named() -> None:
    assert drifts_of([{"name": "d", "kind": "label"}])[0].target(SCHEMA) == "y"
    assert drifts_of([{"name": "d", "kind": "label", "column": "ok"}])[0].target(SCHEMA) == "ok"


def test_a_shuffled_column_keeps_its_values_and_loses_its_order() -> None:
    for name in ("n", "c", "t"):
        before, after = changed("correlation", name)
        assert sorted(map(str, before)) == sorted(map(str, after))
        assert before != after


def check(*forms: dict[str, Any], schema: TableSchema = SCHEMA, settled: dict[str, str] | None = None) -> None:
    drifts = drifts_of([{"name": f"d{i}", **form} for i, form in enumerate(forms)])
    check_drifts(drifts, schema, PROFILE, {} if settled is None else settled)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "shift", "column": "c", "by": 1}, "drift d0 column=c: is a category; a shift needs an integer"),
        ({"kind": "shift", "column": "nonsense", "by": 1}, "drift d0 column=nonsense: not in table 'things'"),
        ({"kind": "shift", "column": "id", "by": 1}, "drift d0 column=id: is the key of the table; choose another"),
        ({"kind": "shift", "column": "n", "by": 9.3e18}, "would reach from 2 to 9.3e.18, and a integer holds"),
        ({"kind": "scale", "column": "n", "factor": -1e18}, "would reach from -3.6e.19"),
        ({"kind": "scale", "column": "exact", "factor": 1e308}, "would reach from 0.285714 to inf, and a number holds"),
        ({"kind": "shift", "column": "day", "by": 2.95e6}, "would reach from .*, and a date holds -719162 to"),
        ({"kind": "shift", "column": "at", "by": -1e11}, "would reach from .*, and a timestamp holds"),
        ({"kind": "scale", "column": "day", "factor": 2}, "column=day: is a date, which has no zero; say kind: shift"),
        (
            {"kind": "shift", "column": "code", "by": 1},
            "column=code: has invented values, of which nobody knows",
        ),
        ({"kind": "nulls", "column": "x"}, "column=x: is never missing, so its Avro field takes no null"),
        ({"kind": "unseen", "column": "n"}, "column=n: is a integer; an unseen value needs a category"),
        ({"kind": "unseen", "column": "t"}, "column=t: is a text; an unseen value needs a category"),
        ({"kind": "unseen", "column": "c", "value": "a"}, "column=c: has value=a already; choose one"),
        ({"kind": "label", "column": "x"}, "column=x: is a number of other than 2 to 1,000 values"),
        ({"kind": "label", "column": "n"}, "column=n: is a integer of other than 2 to 1,000 values"),
    ],
    ids=str,
)
def test_a_column_that_does_not_fit_is_one_line(form: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        check(form)
    assert len(refused.value.faults) == 1


def test_every_drift_at_fault_is_told_and_drifts_of_one_column_add_up() -> None:
    with pytest.raises(InputError) as refused:
        check({"kind": "nulls", "column": "x"}, {"kind": "unseen", "column": "n"})
    assert len(refused.value.faults) == 2
    half = {"kind": "shift", "column": "n", "by": 6e18}
    check(half)
    with pytest.raises(InputError, match="drift d1 column=n: would reach"):
        check(half, half)


def test_a_table_without_a_target_needs_the_column_of_the_labels() -> None:
    plain = replace(SCHEMA, columns=tuple(replace(c, role=Role.ATTRIBUTE) for c in SCHEMA))
    with pytest.raises(InputError, match="drift d0: table 'things' has no target; name the column of the labels"):
        check({"kind": "label"}, schema=plain)


def test_a_column_that_is_filled_otherwise_can_not_drift() -> None:
    with pytest.raises(InputError, match="drift d0 column=at: is the event time; choose another column"):
        check({"kind": "shift", "column": "at", "by": 1}, settled={"at": "is the event time"})


def test_an_avro_schema_of_peoples_own_has_its_say() -> None:
    fields = [
        {"name": "n", "type": ["null", "int"]},
        {"name": "c", "type": ["null", {"type": "enum", "name": "E", "symbols": ["a", "b"]}]},
    ]
    avro = {"type": "record", "name": "r", "fields": fields}
    own = adopt(SCHEMA, avro)
    assert "c" in text_columns(avro)
    check({"kind": "shift", "column": "n", "by": 2e9}, schema=own)
    with pytest.raises(InputError, match="drift d0 column=n: holds 2500000036; field 'n' is an int of 32 bits"):
        check({"kind": "shift", "column": "n", "by": 2.5e9}, schema=own)
    with pytest.raises(InputError, match="drift d0 column=c: holds 'z'; enum field 'c' has only 'a', 'b'"):
        check({"kind": "unseen", "column": "c", "value": "z"}, schema=own)
