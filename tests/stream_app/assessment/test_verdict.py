"""How numbers are held to their bars."""

from __future__ import annotations

import pytest

from monitors.estimate import Estimate
from schemas.errors import InputError
from stream_app.assessment import every, names
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.limits import Limits
from stream_app.assessment.score import Measured, Score
from stream_app.assessment.verdict import EXIT_CODES, Mark, Outcome, judge, needed, said
from tests.stream_app.assessment.planted import people, tables_of

SCORES: dict[str, Score] = {score.NAME: score for score in every()}


def outcome(*measured: Measured) -> tuple[Outcome, list[Mark]]:
    table = people(50, 1)
    verdict = judge(Assessed(tables_of(table, table), measured, {}), Limits())
    return verdict.outcome, [each.mark for each in verdict.judged]


def of(score: str, low: float, value: float, high: float, *subject: str) -> Measured:
    return Measured(score, subject, Estimate(value, low, high, 100))


def test_a_table_is_below_when_its_whole_interval_is_and_withheld_when_it_lies_on_both_sides() -> None:
    assert outcome(of("ks", 0.96, 0.97, 0.98)) == (Outcome.PASSED, [Mark.MET])
    assert outcome(of("ks", 0.90, 0.97, 0.98)) == (Outcome.WITHHELD, [Mark.OPEN])
    assert outcome(of("ks", 0.90, 0.92, 0.94)) == (Outcome.BELOW, [Mark.BELOW])
    assert outcome(of("c2st", 0.76, 0.80, 0.84)) == (Outcome.BELOW, [Mark.BELOW])
    assert outcome(of("ks", 0.90, 0.97, 0.98), of("copies", 0.02, 0.03, 0.04))[0] is Outcome.BELOW


def test_one_column_in_many_is_not_named_by_chance() -> None:
    one = of("tv", 0.90, 0.92, 0.945, "x")
    assert outcome(one)[1] == [Mark.BELOW]
    many = [of("tv", 0.97, 0.98, 0.99, f"y{i}") for i in range(99)]
    assert outcome(one, *many) == (Outcome.PASSED, [Mark.OPEN, *[Mark.MET] * 99])


def test_a_broken_rule_is_surely_broken() -> None:
    assert outcome(of("rules", 0.9, 0.999, 0.99999, "r"))[0] is Outcome.BELOW
    assert outcome(of("rules", 0.9, 1.0, 1.0, "r"))[0] is Outcome.PASSED


def test_a_holdout_that_misses_the_limit_lowers_the_bar_to_its_own_interval() -> None:
    score, limits = SCORES["ks"], Limits()
    assert score.bar(limits, None) == 0.95
    assert score.bar(limits, Estimate(0.9, 0.85, 0.97, 9)) == 0.95
    assert score.bar(limits, Estimate(0.9, 0.85, 0.93, 9)) == 0.85
    assert SCORES["c2st"].bar(limits, Estimate(0.9, 0.85, 0.93, 9)) == 0.93
    assert SCORES["copies"].bar(limits, Estimate(0.1, 0.0, 0.2, 9)) == pytest.approx(0.211)


def test_only_the_best_learner_decides() -> None:
    assert outcome(of("tstr", 0.1, 0.2, 0.3, "logistic"), of("tstr", -0.1, 0.0, 0.01))[0] is Outcome.PASSED


def test_exit_codes_tell_the_outcomes_apart() -> None:
    assert [EXIT_CODES[each] for each in Outcome] == [0, 1, 4]


def test_limits_that_are_no_shares_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        Limits(similarity=1.2, accuracy_loss=-0.1)
    assert [fault.split("=")[0] for fault in caught.value.faults] == ["similarity", "accuracy-loss"]


def test_every_score_declares_itself() -> None:
    assert {score.NAME for score in every()} == set(names())
    assert len({score.PLACE for score in every()}) == len(names())
    for score in every():
        assert score.LIMIT is None or 0 <= Limits().of(score.LIMIT) <= 1
        assert all((score.TITLE, score.HELP, score.INTERVAL, score.SOURCE))


def test_numbers_are_said_with_their_unit() -> None:
    assert said(SCORES["ks"], Estimate(0.5, 0.4, 0.6, 9)) == "50.0 % [40.0 to 60.0 %]"
    assert said(SCORES["c2st"], Estimate(0.5, 0.4, 0.6, 9)) == "0.500 [0.400 to 0.600]"
    table = people(50, 1)
    judged = judge(Assessed(tables_of(table, table), (of("c2st", 0.4, 0.5, 0.6), of("rare", 0, 0, 1)), {}), Limits())
    assert [needed(each) for each in judged.judged] == ["at most 0.75", "shown only"]
