"""What a table is like: distributions, units, gaps, ties, the target, what training makes of it, what to look at."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.inference import Choices, empty_columns
from schemas.pairs import informational
from schemas.profile import ColumnProfile
from schemas.profiling.cautions import Matter
from schemas.profiling.fates import Delicate, Fate, fates_of
from schemas.profiling.gaps import gaps_of
from schemas.profiling.spread import edges_of, shape_of, spread_of
from schemas.profiling.study import SOME
from schemas.profiling.survey import Survey, study_of, survey
from schemas.profiling.target import target_of
from schemas.profiling.ties import entropy, ties_of
from schemas.profiling.units import unit_of
from schemas.rows import Rows
from schemas.table import Column, Kind
from tests.generators.people import customers
from tests.generators.tables import AWKWARD
from tests.schemas.profiling.made import found, in_pieces, of, rng_of, shop, study, unrelated


def matters(survey: Survey) -> set[tuple[str, tuple[str, ...]]]:
    return {(each.matter.value, each.columns) for each in survey.cautions}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_tables_are_found_out_about(name: str) -> None:
    table, _ = AWKWARD[name]()
    empty = empty_columns(table)
    survey_ = survey(study_of(Rows.of(table), name, Choices(), empty), lambda share, what: None, empty)
    assert {each.column for each in survey_.fates} == set(table.column_names)
    assert {each.columns[0] for each in survey_.cautions if each.matter is Matter.EMPTY} == set(empty)
    for column in survey_.study.schema:
        spread = survey_.spreads[column.name]
        assert all(rows == 0 or rows >= 5 for rows in spread.counts)
        assert all(rows >= 5 for _, rows in spread.values)


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda rng: rng.random(4_000), "uniform"),
        (lambda rng: rng.normal(50, 8, 4_000), "normal"),
        (lambda rng: np.exp(rng.normal(3, 1, 4_000)), "log-normal"),
        (lambda rng: rng.exponential(30, 4_000), "exponential"),
        (lambda rng: np.where(rng.random(4_000) < 0.7, 0.0, rng.random(4_000)), "70% at 0"),
    ],
)
def test_simple_laws_are_named(draw: Any, shape: str) -> None:
    made = study(of({"x": draw(rng_of(1)), "y": np.arange(4_000) % 7}))
    said = spread_of(made, made.schema["x"]).shape
    assert said[2:] == shape[2:]


def test_a_histogram_counts_every_row_and_cuts_long_tails() -> None:
    known = ColumnProfile("die", 60, 0, 6, (1.0, 6.0), (1 / 6, 1 / 6), (4 / 6,), step=1.0)
    assert edges_of(known).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    values = np.append(rng_of(2).integers(0, 100, 2_000), [10**6] * 5)
    made = study(of({"x": values, "y": values % 3}))
    spread = spread_of(made, made.schema["x"])
    assert spread.edges[-1] < 200
    assert sum(spread.counts) > 1_990
    assert spread.ends[1].startswith("over ")
    assert not set(spread.edges) & set(values.tolist())
    assert shape_of(ColumnProfile("x", 9, 0, 1, (4.0,), (1.0,))) == "one value"


def test_numbers_are_told_without_zeros_that_say_nothing() -> None:
    values = np.append(np.zeros(500), np.round(rng_of(2).exponential(0.001, 500), 9))
    made = study(of({"x": values, "y": np.arange(1_000) % 7}))
    spread = spread_of(made, made.schema["x"])
    assert spread.quantiles["5"] == "0"
    assert float(spread.quantiles["95"]) == pytest.approx(np.quantile(values, 0.95), rel=0.1)


def test_units_are_read_from_names() -> None:
    names = ["pay_usd", "delayMinutes", "Weight kg", "share", "m", "temp_celsius", "mins"]
    assert [unit_of(Column(name, Kind.NUMBER)) for name in names] == ["USD", "min", "kg", "share", None, "°C", "min"]


def test_gaps_are_told_by_pattern_and_by_what_tells_of_them() -> None:
    gaps = gaps_of(study(shop()))
    assert gaps.shares[0][0] == "shipped_on"
    assert [each.columns for each in gaps.patterns] == [(), ("shipped_on",)]
    assert [(each.column, each.by) for each in gaps.told] == [("shipped_on", "state")]
    gone = rng_of(3).random(600) < 0.3
    both = {name: pa.array(rng_of(4).normal(size=600), mask=gone) for name in ("a", "b")}
    rare = pa.array(np.arange(600.0), mask=np.arange(600) < 3)
    gaps = gaps_of(study(of({**both, "rare": rare})))
    assert gaps.alike == (("a", "b"),)
    assert gaps.others == pytest.approx(3 / 600)
    assert all(each.rows >= 5 for each in gaps.patterns)


def test_ties_are_found_among_columns_of_all_kinds_and_chance_makes_none() -> None:
    rng = rng_of(5)
    base = rng.normal(size=3_000)
    made = {
        "x": base,
        "falls": -base + rng.normal(size=3_000) * 0.5,
        "kind": np.where(base > 0, "high", "low").tolist(),
        "alone": rng.random(3_000),
    }
    ties = {each.columns: each for each in ties_of(study(of(made)))}
    assert set(ties) == {("x", "falls"), ("x", "kind"), ("falls", "kind")}
    rank = ties["x", "falls"].rank
    assert rank is not None
    assert rank < -0.85
    assert abs(ties["x", "falls"].strength - 0.89) < 0.04  # the correlation itself
    assert ties["x", "kind"].rank is None
    assert informational(0.0) == 0.0
    assert entropy(np.array([0, 0, 1, 1])) == pytest.approx(np.log(2))
    assert sum(len(ties_of(study(unrelated(700, seed)))) for seed in range(10)) <= 1


def test_a_target_is_told_with_its_classes_its_predictors_and_what_leaks() -> None:
    rng = rng_of(6)
    risk = rng.normal(size=4_000)
    left = risk + rng.normal(size=4_000) > 3
    made = {"risk": risk, "left": pa.array(left), "closed_on": pa.array(risk, mask=~left), "noise": rng.random(4_000)}
    survey_ = found(of(made), target="left")
    target = survey_.target
    assert target is not None
    assert target.rarest == pytest.approx(left.mean())
    assert [name for name, _ in target.predictors] == ["closed_on", "risk"]
    assert [name for name, _ in target.leaks] == ["closed_on"]
    assert {("leak", ("closed_on",)), ("imbalance", ("left",))} <= matters(survey_)
    numbers = study(of(made))
    assert target_of(numbers, numbers.schema["risk"], ties_of(numbers)).classes is False
    for wrong, said in (("nosuch", "has no such column"), ("noise2", "did you mean 'noise'?")):
        with pytest.raises(InputError, match=said):
            found(of(made), target=wrong)
    with pytest.raises(InputError, match="fewer than two values"):
        found(of({"a": [1] * 9, "b": list(range(9))}), target="a")


def test_every_column_has_a_fate_and_delicate_ones_are_named() -> None:
    fates = {each.column: each for each in fates_of(study(customers(), public=frozenset({"note"})).schema)}
    assert (fates["email"].fate, fates["email"].delicate) == (Fate.FAKED, Delicate.PERSON)
    assert (fates["city"].fate, fates["city"].delicate) == (Fate.FAKED, Delicate.PLACE)
    assert (fates["note"].fate, fates["note"].change) == (Fate.COPIED, "leave out the flag of note")
    assert "--policy phone=mask" in fates["phone"].change
    plain = {each.column: each for each in fates_of(study(shop()).schema)}
    assert (plain["order_id"].fate, plain["price"].fate) == (Fate.INVENTED, Fate.MODELLED)
    assert plain["price"].delicate is None


def test_what_disappoints_is_said_before_training() -> None:
    rng = rng_of(7)
    rows = 2_000
    made = {
        "constant": ["x"] * rows,
        "mark": pa.array([7.0] * rows, mask=np.arange(rows) % 3 == 0),
        "nearly": np.where(np.arange(rows) % 300 == 0, "b", "a").tolist(),
        "gone": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.8),
        "codes": [f"code {i % 1500}" for i in range(rows)],
        "rare": [f"r{i % 400}" if i % 3 else "often" for i in range(rows)],
        "a": pa.array(rng.normal(size=rows)),
        "stand_in": np.where(rng.random(rows) < 0.05, 9999, rng.integers(0, 90, rows)),
        "user_id": rng.integers(0, 900, rows),
        "day": [date(2024, 1, 1 + i % 28) for i in range(rows)],
    }
    made["copy"] = made["a"]
    table = of(made)
    said = matters(found(table))
    assert said == {
        ("constant", ("constant",)),
        ("constant", ("mark",)),
        ("nearly constant", ("nearly",)),
        ("mostly missing", ("gone",)),
        ("many values", ("codes",)),
        ("many values", ("rare",)),
        ("stand-in", ("stand_in",)),
        ("identifier", ("user_id",)),
        ("copy", ("a", "copy")),
    }
    again = matters(found(pa.concat_tables([table.slice(0, 200), table.slice(0, 200)])))
    assert {("few rows", ()), ("repeated rows", ())} <= again


def test_a_long_table_is_searched_in_some_rows_and_told_of_all() -> None:
    long = study_of(in_pieces(shop(3_000), 1_200), "made", Choices())
    assert (long.rows.count, long.count) == (3_000, 1_200)
    table = of({"x": np.arange(SOME + 500) % 977, "y": np.arange(SOME + 500) % 3})
    assert study(table).count == SOME
    assert study(table).some.equals(study(table).some)


def test_bad_tables_are_one_clear_line() -> None:
    def line(table: pa.Table, **choices: Any) -> str:
        empty = empty_columns(table)
        with pytest.raises(InputError) as error:
            study_of(Rows.of(table), "t", Choices(**choices), empty)
        (fault,) = error.value.faults
        return fault

    nothing = pa.array([None, None], pa.string())
    assert "every cell is missing" in line(of({"a": nothing, "b": nothing}))
    assert line(of({"a": [1, 2], "b": nothing}), target="b") == (
        "target=b: every cell is missing; name a column with values"
    )
    assert "has a single row" in line(of({"a": [1]}))
    assert "is empty" in line(of({"a": pa.array([], pa.int64())}))
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    assert "column 'a': is there 2 times" in line(twice)
