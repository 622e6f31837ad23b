"""What to do: a change that programs can make, and the command that makes it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from monitors.estimate import Estimate
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.causes import Finding, Kind
from stream_app.assessment.limits import Limits
from stream_app.assessment.recommendations import Advice, Change, Deed, Source, advise, command_of
from stream_app.assessment.score import Measured
from stream_app.assessment.verdict import Outcome, judge
from stream_app.cli import main
from tests.stream_app.assessment.planted import people, tables_of

SOURCE = Source(Path("real.csv"), Path("drawn"), "tabular.nade", holdout=Path("kept.csv"))


def small(rows: int) -> pa.Table:
    return people(300, 1).take(pa.array([row % 300 for row in range(rows)]))


def withheld(open_one: str, synthetic: int, real: int = 200, holdout: int | None = None) -> Advice:
    """The advice where one number is open."""
    tables = tables_of(small(real), small(synthetic), None if holdout is None else small(holdout))
    limit = Limits().of({"tstr": "accuracy_loss", "c2st": "c2st", "ks": "similarity"}[open_one])
    measured = Measured(open_one, (), Estimate(limit, limit - 0.04, limit + 0.04, 100))
    assessed = Assessed(tables, (measured,), {})
    verdict = judge(assessed, Limits())
    assert verdict.outcome is Outcome.WITHHELD
    (advice,) = advise((), verdict, assessed, SOURCE)
    return advice


def test_more_synthetic_rows_are_drawn_up_to_four_times_the_real_ones() -> None:
    assert withheld("ks", 200).change == Change(Deed.DRAW, rows=10_000)
    assert withheld("ks", 640).command == "synthstream sample drawn --rows 10000 --out real-more.csv"
    assert withheld("ks", 800).change == Change(Deed.GATHER)


def test_a_few_more_synthetic_rows_are_not_drawn() -> None:
    assert withheld("ks", 799, holdout=205).change == Change(Deed.GATHER)


@pytest.mark.parametrize("learner", ["tstr", "c2st"])
def test_where_learners_alone_are_open_no_rows_are_drawn_that_they_would_not_see(learner: str) -> None:
    assert withheld(learner, 50).change.deed is Deed.DRAW
    assert withheld(learner, 200).change.deed is Deed.GATHER
    assert withheld(learner, 200, holdout=200).change.deed is Deed.GATHER
    many = withheld(learner, 20_000, real=20_000, holdout=20_000)
    assert many.change.deed is Deed.LOOK
    assert many.command == "synthstream assess real.csv drawn --holdout kept.csv --seed 1"


def told_on(kind: Kind, source: Source) -> Advice:
    assessed = Assessed(tables_of(small(50), small(50)), (), {})
    return advise([Finding(kind, (), "")], judge(assessed, Limits()), assessed, source)[0]


def advice_on(kind: Kind, source: Source) -> Change:
    return told_on(kind, source).change


def test_a_network_that_does_not_do_is_made_wider_and_others_give_way_to_it() -> None:
    assert advice_on(Kind.PAIRS, replace(SOURCE, model="tabular.copula")) == Change(Deed.TRAIN, "tabular.nade")
    assert advice_on(Kind.PAIRS, SOURCE) == Change(Deed.TRAIN, "tabular.nade", (("width", 128),))
    wide = replace(SOURCE, settings={"width": 300, "cells": 50})
    assert dict(advice_on(Kind.PAIRS, wide).settings) == {"width": 512, "cells": 50}


def test_a_file_does_not_say_what_drew_it_so_what_to_do_if_that_was_the_same_model_is_told() -> None:
    further = "where it drew this file, assess its artifact"
    assert [further in told_on(Kind.PAIRS, each).action for each in (replace(SOURCE, model=None), SOURCE)] == [
        True,
        False,
    ]


def test_with_rules_the_model_is_trained_as_it_was() -> None:
    source = replace(SOURCE, model="tabular.mixture", settings={"components": 9}, rules=Path("rules.yaml"))
    assert advice_on(Kind.RULE, source) == Change(Deed.TRAIN, "tabular.mixture", (("components", 9),), True)
    assert advice_on(Kind.COPIES, source) == Change(Deed.TRAIN, "tabular.copula", (), True)


def test_the_same_change_is_told_once_with_all_its_causes() -> None:
    assessed = Assessed(tables_of(small(50), small(50)), (), {})
    findings = [Finding(Kind.PAIRS, ("a", "b"), ""), Finding(Kind.APART, (), "")]
    (one,) = advise(findings, judge(assessed, Limits()), assessed, SOURCE)
    assert (one.subject, one.cause) == ("a and b, the table", "weaker or stronger pairs, told apart")
    assert one.to_json()["change"]["settings"] == {"width": 128}


@pytest.mark.parametrize(
    "change",
    [
        Change(Deed.TRAIN, "tabular.nade", (("width", 32), ("head", False)), True),
        Change(Deed.DRAW, rows=12_000),
        Change(Deed.GATHER),
        Change(Deed.LOOK),
    ],
)
def test_every_command_is_one_that_is_taken(change: Change) -> None:
    words = shlex.split(command_of(change, replace(SOURCE, rules=Path("my rules.yaml")), "left"))
    command: Any = main.get_command(None, words[1])  # type: ignore[arg-type]
    made = command.make_context(words[1], words[2:])
    if change.deed is Deed.TRAIN:
        assert (made.params["settings"], made.params["target"]) == (("width=32", "head=false"), "left")
        assert made.params["rules"] == Path("my rules.yaml")
