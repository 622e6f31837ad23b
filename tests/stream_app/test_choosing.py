"""`--model auto`: chooses by the table and the time, tries on rows held back, says why and keeps it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import generators
from generators import fitting, selection
from generators.artifact import load_artifact
from generators.cost import Learns
from generators.selection import Facts, Suited
from generators.task import silently
from schemas.errors import InputError
from schemas.inference import Choices, conform, infer
from schemas.profile import profile_rows
from schemas.rows import Rows
from schemas.rules import Range
from stream_app import choosing
from stream_app.choosing import Budget, choose, facts_of
from stream_app.training import Training
from stream_app.trying import Trial, Tried, device_for
from stream_app.tuning import objective
from stream_app.tuning.objective import Loss
from tests.stream_app.assessment.planted import people, schema_of
from tests.stream_app.shop import cli, lines, orders_table, write_csv

QUICK = ("tabular.copula", "tabular.marginals")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only generators that are fitted at once are there."""
    monkeypatch.setattr(generators, "names", lambda: QUICK)


def plan(**changes: Any) -> Training:
    return Training(**{"model": QUICK[0], "name": "people", "choices": Choices(), **changes})


def test_facts_are_those_of_the_table_and_the_machine() -> None:
    raw = Rows.of(orders_table(500))
    schema = infer(raw.table, "orders", choices=Choices(target="paid"))
    rows = Rows.of(conform(raw.table, schema))
    facts = facts_of(rows, schema, profile_rows(rows, schema), "cpu", None)
    assert (facts.rows, facts.columns, facts.target, facts.gpu) == (500, 6, True, False)
    assert 0 < facts.missing_share < 0.05


@pytest.mark.usefixtures("quick")
def test_the_best_of_those_that_were_tried_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "find_spec", lambda name: None)
    found = choose(Rows.of(people(1_500, 1)), plan(), Budget(600.0, tries=2), silently)
    assert found.model == "tabular.copula"
    tried = {each["model"]: each for each in found.chosen["tried"]}
    assert tried["tabular.copula"]["pairs"] < tried["tabular.marginals"]["pairs"]
    why, held = found.chosen["chosen_because"]
    assert "learns how pairs of columns go together" in why
    assert held.index("tabular.copula") < held.index("tabular.marginals")


@pytest.mark.usefixtures("quick")
def test_without_trying_the_most_suitable_is_taken_and_too_few_rows_are_not_tried_on() -> None:
    found = choose(Rows.of(people(400, 1)), plan(), Budget(600.0), silently)
    assert (found.model, len(found.chosen["chosen_because"])) == ("tabular.copula", 1)
    assert [each["model"] for each in found.chosen["considered"]] == list(QUICK)
    assert device_for("tabular.copula", "cuda") == "cpu"
    assert choose(Rows.of(people(400, 1)), plan(), Budget(600.0, device="auto"), silently).device == "cpu"
    few = choose(Rows.of(people(60, 1)), plan(), Budget(600.0, tries=2), silently)
    assert few.chosen["chosen_because"][1] == "none was tried: 60 rows are fewer than 100"


@pytest.mark.usefixtures("quick")
def test_a_budget_that_is_too_small_says_the_smallest_that_works() -> None:
    with pytest.raises(InputError, match=r"max_seconds=0.1: too little .* the smallest that works is 1"):
        choose(Rows.of(people(400, 1)), plan(), Budget(0.1), silently)
    assert choose(Rows.of(people(400, 1)), plan(), Budget(1.0), silently).model in QUICK
    for wrong in (0.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="must be above 0"):
            Budget(wrong)


def test_training_leaves_time_for_what_comes_before_and_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generators, "names", lambda: ("tabular.nade",))
    raw, seconds = Rows.of(people(400, 1)), list[float]()
    for started_s in (0.0, 8.0):  # torch starts twice as slowly as it declares: so does everything else
        monkeypatch.setattr(choosing, "_started_s", lambda name, started_s=started_s: started_s)
        monkeypatch.setattr(choosing, "perf_counter", iter((0.0, 0.0, started_s)).__next__)
        found = choose(raw, plan(model="tabular.nade"), Budget(100.0), silently)
        seconds.append(found.settings["max_seconds"])
    facts = Facts(400, found.chosen["table_facts"]["columns"], cores=os.cpu_count() or 1)
    drawing_s = selection.drawing_s(generators.load("tabular.nade"), facts, 100.0)
    most = fitting.reference_rows_of(generators.load("tabular.nade"), facts.columns)
    assert found.reference_rows == fitting.Within(10.0, most)
    assert seconds == pytest.approx([0.8 * (100 - drawing_s), 0.8 * (92 - 2 * drawing_s)])


@pytest.mark.usefixtures("quick")
def test_as_many_rows_as_are_asked_for_are_drawn() -> None:
    raw = Rows.of(people(400, 1))
    assert choose(raw, replace(plan(), reference_rows=7), Budget(100.0), silently).reference_rows == 7


def test_what_draws_too_slowly_for_the_time_is_passed_over_though_it_is_best() -> None:
    able = tuple(Suited(name, Learns.ROWS, 1.0, {"max_seconds": 9.0}) for name in ("x.best", "x.second"))
    drawing = {"x.best": 90.0, "x.second": 2.0}
    tried = [Tried(each.name, 1.0, Loss(off, 0.0, None, 1.0)) for each, off in zip(able, (0.1, 0.2), strict=True)]
    assert [choosing._best(able, tried, drawing, Facts(500, 2), left_s).name for left_s in (60.0, 100.0)] == [
        "x.second",
        "x.best",
    ]


def test_what_fails_is_told_and_passed_over() -> None:
    real = people(400, 1)
    schema = schema_of(real)
    trial = Trial.of(Rows.of(conform(real, schema)), schema, (Range("size", 1_000, 2_000),), None, 0)
    assert (trial.taught.num_rows, trial.held.num_rows) == (320, 80)
    failed = trial.run(Suited("tabular.marginals", Learns.MARGINALS, 1.0), 9.0, "cpu")
    assert failed.off is None
    assert "rows break it" in failed.text
    assert (
        Tried("m", 2.0, Loss(0.25, 0.5, None, 9.0)).text
        == "m was off by 0.750 (told apart 0.250, pairs 0.500) after 2 s"
    )


@pytest.mark.usefixtures("quick")
def test_the_command_keeps_why_in_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_REFERENCE_ROWS", 1)
    table = write_csv(orders_table(400), tmp_path / "orders.csv")
    auto = ("train", table, "--model", "auto", "--out", tmp_path / "out")
    dry = json.loads(cli(*auto, "--dry-run", "--json").stdout)
    assert (dry["model"], len(dry["chosen_because"])) == ("tabular.copula", 1)
    run = cli(*auto, "--max-seconds", 300)
    assert run.exit_code == 0, run.output
    assert "chosen because" in run.stdout
    found = load_artifact(tmp_path / "out").manifest["found"]
    assert found["chosen_because"] == dry["chosen_because"] or "of 300 s" in found["chosen_because"][0]
    assert {"table_facts", "considered"} <= set(found)
    for flags, said in (
        (("--set", "a=1"), "--set: is for one model"),
        (("--max-seconds", 0.01), "the smallest that works is"),
        (("--max-seconds", 0), "must be above 0"),
    ):
        refused = cli(*auto, *flags)
        assert (refused.exit_code, len(lines(refused))) == (2, 1)
        assert said in refused.stderr
    for flags in (("--try", 2), ("--max-seconds", 9)):
        refused = cli("train", table, "--out", tmp_path / "out", *flags)
        assert (refused.exit_code, "goes with --model auto" in refused.stderr) == (2, True)
    for name, value in {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    refused = cli(*auto)
    assert (refused.exit_code, len(lines(refused))) == (2, 1)
    assert "is chosen by one process" in refused.stderr
