"""Rules that rows keep: those that were planted are found, measured on all rows, and chance makes none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from schemas.inference import Choices
from schemas.profiling.candidates import Candidate, measured
from schemas.profiling.conditions import conditions_of
from schemas.profiling.determined import agreeing, dependencies_of, keys_of
from schemas.profiling.formulas import formulas_of, half_unit
from schemas.profiling.survey import Survey, study_of, survey
from schemas.rule_forms import check_columns, parse
from schemas.rules import Range
from schemas.table import Column, Kind
from tests.schemas.profiling.made import found, in_pieces, of, rng_of, shop, study, unrelated


@pytest.fixture(scope="module")
def orders() -> Survey:
    return found(shop())


def named(survey: Survey) -> dict[str, Candidate]:
    return {each.rule.name: each for each in survey.candidates}


def test_what_was_planted_is_found(orders: Survey) -> None:
    rules = named(orders)
    texts = {each.rule.text for each in orders.candidates}
    assert {"ordered:placed_on<=shipped_on", "combinations:country,currency", "unique:order_id"} <= set(rules)
    assert {"total is items * price", "gross is net + tax"} <= {text.split(", give")[0] for text in texts}
    assert "if state is one of cancelled, then shipped_on is missing" in texts
    assert "if state is one of open, paid, then shipped_on is never missing" in texts
    assert rules["range:items"].form == {"rule": "range", "column": "items", "low": 1, "high": 8}
    assert all(each.broken == 0 for each in orders.candidates)
    assert not any("order_id" in each.rule.columns for each in orders.candidates if each.rule.KIND != "unique")


def test_a_rule_is_written_as_training_reads_it(orders: Survey) -> None:
    for each in orders.candidates:
        assert parse(each.form) == each.rule
    check_columns([each.rule for each in orders.candidates], orders.study.schema)


@pytest.mark.parametrize("seed", range(5))
def test_of_columns_that_have_nothing_to_do_with_each_other_only_ends_are_said(seed: int) -> None:
    survey = found(unrelated(800, seed))
    assert {each.rule.KIND for each in survey.candidates} <= {"range"}
    assert (survey.dependencies, survey.keys) == ((), ())


def test_rows_that_break_a_rule_are_counted_in_all_of_a_long_table() -> None:
    table = shop(4_000)
    wrong = np.zeros(4_000, bool)
    wrong[::200] = True
    items = pa.array(np.where(wrong, 0, table.column("items").to_numpy()))
    table = table.set_column(table.column_names.index("items"), "items", items)
    study = study_of(in_pieces(table, 1_000), "made", Choices())
    survey_ = survey(study, lambda share, what: None)
    (total,) = [each for each in survey_.candidates if each.rule.name == "formula:total"]
    assert (total.broken, total.rows, round(total.kept, 4)) == (20, 4_000, 0.995)
    assert measured(study, [Range("items", 1)]) == {Range("items", 1): 20}
    assert "unique:order_id" in named(survey_)


def test_a_rule_that_is_often_broken_is_none() -> None:
    table = shop()
    gross = np.where(np.arange(1_500) % 20 == 0, 1.0, table.column("gross").to_numpy())
    rules = named(found(table.set_column(table.column_names.index("gross"), "gross", pa.array(gross))))
    assert "formula:gross" not in rules
    assert "formula:total" in rules


def test_the_plainest_of_formulas_over_the_same_columns_is_kept() -> None:
    rng = rng_of(3)
    hour, minute = rng.integers(0, 24, 600), rng.integers(0, 60, 600)
    celsius = np.round(rng.normal(10, 8, 600), 1)
    made = of({"hour": hour, "minute": minute, "clock": 100 * hour + minute, "my c": celsius})
    made = made.append_column("fahrenheit", pa.array(np.round(1.8 * celsius + 32, 2)))
    texts = {rule.name: rule.expression for rule in formulas_of(study(made))}
    assert texts["formula:clock"] == "100 * hour + minute"
    assert texts["formula:fahrenheit"] == "1.8 * `my c` + 32"
    assert len(texts) == 2
    assert half_unit(Column("x", Kind.NUMBER, decimals=2)) == 0.005
    assert half_unit(Column("x", Kind.NUMBER)) == 0.0


def test_a_sum_is_found_whatever_the_few_rows_that_break_it_say() -> None:
    rng = rng_of(12)
    lent, repaid = rng.integers(1_000, 40_000, 2_000), np.round(rng.exponential(900, 2_000), 2)
    left = np.round(lent - repaid, 2)
    left[::150] = -99_999.0
    texts = [each.text.split(", give")[0] for each in formulas_of(study(of({"l": lent, "r": repaid, "left": left})))]
    assert texts == ["l is left + r"]


@pytest.mark.parametrize("rare", [0.1, 0.3])
def test_a_total_is_a_total_though_most_rows_have_none_of_its_parts_but_one(rare: float) -> None:
    rng, rows = rng_of(13), 3_000
    item = np.round(rng.gamma(2, 20, rows), 2)
    parts = [np.where(rng.random(rows) < rare, np.round(rng.gamma(2, 3, rows), 2), 0.0) for _ in range(2)]
    table = of({"item": item, "ship": parts[0], "off": parts[1], "total": item + parts[0] - parts[1]})
    assert [each.expression for each in formulas_of(study(table))] == ["item + ship - off"]
    texts = {each.rule.text for each in found(table).candidates}
    assert "off is at least 0" in texts


def test_formulas_are_not_made_of_gaps_constants_or_copies() -> None:
    rng = rng_of(4)
    numbers = rng.normal(size=400)
    made = {
        "a": pa.array(numbers),
        "copy": pa.array(numbers),
        "one": pa.array(np.ones(400)),
        "zero": pa.array(np.zeros(400)),
    }
    table = of({**made, "gone": pa.array(numbers, mask=np.arange(400) > 10)})
    assert formulas_of(study(table)) == []
    assert next(each.rule.name for each in found(table).candidates) == "compare:a==copy"


def test_columns_of_nearly_one_value_are_neither_equal_nor_settled_by_chance() -> None:
    zero = np.zeros(2_000, np.int64)
    once, late, rare = (np.where(np.isin(np.arange(2_000) % 1_000, at), 5, zero) for at in ([7], [9], [3, 4, 5, 6]))
    table = of({"once": once, "late": late, "rare": rare, "same": rare, "few": np.arange(2_000) % 8})
    assert [each.rule.name for each in found(table).candidates if each.rule.KIND == "compare"] == ["compare:rare==same"]
    settled = {(each.given, each.column) for each in dependencies_of(study(table))}
    assert settled == {(("rare",), "same"), (("same",), "rare")}


def test_what_settles_what_is_what_rows_agree_in_beyond_chance() -> None:
    assert agreeing(np.array([0, 0, 0, 0]), np.array([1, 1, -1, 2])) == (0.5, 4)
    assert agreeing(np.array([-1, -1, 0]), np.array([1, 2, 3])) == (0.0, 0)
    found = {(each.given, each.column) for each in dependencies_of(study(shop()))}
    assert (("country",), "currency") in found
    assert (("currency",), "country") not in found  # two countries have euros
    rng = rng_of(5)
    a, b = rng.integers(0, 8, 2_000), rng.integers(0, 8, 2_000)
    both = dependencies_of(study(of({"a": a, "b": b, "both": (a * b) % 7 + (a + b) // 3})))
    assert (("a", "b"), "both") in {(each.given, each.column) for each in both}


def test_keys_are_the_smallest_and_none_by_accident() -> None:
    day, shop_id = np.repeat(np.arange(40), 30), np.tile(np.arange(30), 40)
    keys = keys_of(study(of({"day": day, "shop": shop_id, "sold": rng_of(6).poisson(9, 1_200)})))
    assert [each.columns for each in keys] == [("day", "shop")]
    wide = of({"a": rng_of(7).integers(0, 10**6, 500), "b": rng_of(8).integers(0, 10**6, 500)})
    assert [len(each.columns) for each in keys_of(study(wide))] in ([1], [1, 1], [])


def test_conditions_join_the_values_that_demand_the_same() -> None:
    rng = rng_of(9)
    kind = rng.choice(["car", "bus", "bike", "walk"], 2_000)
    seats = np.where(np.isin(kind, ["bike", "walk"]), 1, rng.integers(2, 60, 2_000))
    (rule, *_) = conditions_of(study(of({"kind": kind.tolist(), "seats": seats})), set())
    assert rule.text in (
        "if kind is one of bike, walk, then seats is one of 1",
        "if seats is one of 1, then kind is one of walk",
    )
    assert conditions_of(study(unrelated(900, 11)), set()) == []
