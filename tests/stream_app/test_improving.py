"""What is kept of advice: what helps beyond chance and does no harm that counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from connectors.files import write_table
from generators.artifact import load_artifact, save
from monitors.estimate import Estimate
from schemas.inference import conform
from schemas.table import Role
from stream_app import improving
from stream_app.assessment import recommendations
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.limits import Limits
from stream_app.assessment.score import Measured
from stream_app.assessment.verdict import Verdict, judge
from stream_app.commands.improve import improve_command
from stream_app.improving import moved, weighed
from stream_app.training import with_target
from tests.stream_app.assessment.planted import people, schema_of, tables_of
from tests.stream_app.shop import cli, lines, quick_fit

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra `assess`")

ROWS = 800
LOOSE = (
    "--accuracy-loss",
    1,
    "--similarity",
    0,
    "--correlation",
    0,
    "--coverage",
    0,
    "--c2st",
    1,
    "--copies",
    1,
    "--near",
    1,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with real rows, a holdout, rules, and an artifact of independent columns."""
    folder = tmp_path_factory.mktemp("improved")
    real = people(ROWS, 1)
    schema = schema_of(real)
    for name, table in (("real", real), ("holdout", people(ROWS, 2)), ("few", people(120, 3))):
        write_table(conform(table, schema).to_batches(), schema, folder / f"{name}.csv")
    (folder / "rules.yaml").write_text(
        "- {rule: implies, if: {rule: allowed, column: plan, values: [gold]}, then: {rule: not_null, column: pay}}\n"
    )
    fitted = quick_fit(conform(real, schema), schema, "tabular.marginals", {}, 0, lambda share, what: None)
    save(fitted, folder / "artifact")
    return folder


@pytest.fixture(autouse=True)
def _quickly(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is advised trains in no time."""
    monkeypatch.setattr(recommendations, "LEARNS_MOST", "tabular.copula")


def improve(made: Path, out: Path, *flags: object, holdout: str = "holdout", real: str = "real") -> Result:
    words = ("improve", made / f"{real}.csv", made / "artifact", "--holdout", made / f"{holdout}.csv", "--out", out)
    return cli(*words, *flags)


def test_what_helps_is_kept_and_written_and_what_it_came_of_is_in_the_manifest(made: Path, tmp_path: Path) -> None:
    result = improve(made, tmp_path / "better", "--json")
    form: dict[str, Any] = json.loads(result.stdout)
    assert form["before"]["verdict"] == "below"
    first = form["attempts"][0]
    assert (first["kept"], first["advice"]["change"]["model"]) == (True, "tabular.copula")
    assert any("pairs of columns" in line for line in first["helped"])
    assert result.exit_code == form["exit_code"] == {"passed": 0, "below": 1, "withheld": 4}[form["verdict"]]
    better = load_artifact(tmp_path / "better")
    assert (better.model, better.identity) == ("tabular.copula", form["artifact"])
    found = better.manifest["found"]["improved"]
    assert found["from"] == load_artifact(made / "artifact").identity
    assert found["helped"][: len(first["helped"])] == first["helped"]


def test_people_read_what_was_done(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendations, "LEARNS_MOST", "tabular.marginals")
    result = improve(made, tmp_path / "better")
    assert result.exit_code == 1
    assert "before  below the bar" in result.stdout
    assert "can not be tried: width=128: unknown setting" in result.stdout
    assert result.stdout.endswith("nothing helped beyond chance, and nothing was written\n")
    assert not (tmp_path / "better").exists()


def test_nothing_is_done_about_what_passes(made: Path, tmp_path: Path) -> None:
    result = improve(made, tmp_path / "better", *LOOSE)
    assert (result.exit_code, list(tmp_path.iterdir())) == (0, [])
    assert "nothing needs to be done" in result.stdout


def test_rules_are_kept_beside_those_that_there_were(made: Path, tmp_path: Path) -> None:
    result = improve(made, tmp_path / "better", *LOOSE, "--rules", made / "rules.yaml", "--target", "left", "--json")
    form = json.loads(result.stdout)
    assert (form["verdict"], form["attempts"][0]["advice"]["change"]["rules"]) == ("passed", True)
    better = load_artifact(tmp_path / "better")
    assert (better.model, len(better.rules)) == ("tabular.marginals", 1)
    assert better.schema["left"].role is Role.TARGET


def test_where_rows_are_too_few_more_are_drawn_and_real_ones_are_asked_for(made: Path, tmp_path: Path) -> None:
    flags = ("--similarity", 0.6, "--correlation", 0.55, "--c2st", 1, "--coverage", 0.3, "--json")
    result = improve(made, tmp_path / "better", *flags, holdout="few", real="few")
    form = json.loads(result.stdout)
    assert (form["before"]["verdict"], result.exit_code) == ("withheld", 4)
    deeds = [each["advice"]["change"]["deed"] for each in form["attempts"]]
    assert deeds[:1] == ["draw"]
    assert form["attempts"][-1]["why"] in ("only you can do that", "10,000 rows tell no more")
    assert form["folder"] is None


def test_ctrl_c_ends_it_in_good_order(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hit(*given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(improving, "train_like", hit)
    result = improve(made, tmp_path / "better", "--json")
    assert (result.exit_code, json.loads(result.stdout)["attempts"]) == (1, [])


def test_time_that_is_up_ends_a_training(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def slow(raw: Any, like: Any, plan: Any, told: Callable[[float, str], None]) -> Any:
        clock[0] = 1e6
        told(0.5, "on the way")

    monkeypatch.setattr(improving, "train_like", slow)
    monkeypatch.setattr("stream_app.commands.improve.now", lambda: clock[0])
    result = improve(made, tmp_path / "better", "--json")
    (attempt,) = json.loads(result.stdout)["attempts"]
    assert (result.exit_code, attempt["why"]) == (1, "was not over when time was up")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--max-seconds", "0.01"), "max_seconds=0.01: is too little for one trial"),
        (("--max-seconds", "-1"), "max_seconds=-1: must be > 0"),
        (("--target", "colour"), "target=colour: the table has no such column"),
        (("--similarity", "7"), "similarity=7: must be a share"),
    ],
)
def test_bad_input_is_one_line(made: Path, tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    result = improve(made, tmp_path / "better", *flags)
    assert (result.exit_code, len(lines(result))) == (2, 1)
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(made: Path, tmp_path: Path) -> None:
    shutil.copy(made / "real.csv", tmp_path)
    assert "is not an artifact" in improve(made, tmp_path).stderr
    assert improve_command.name == "improve"


def verdict(*numbers: tuple[str, tuple[str, ...], float]) -> Verdict:
    measured = [Measured(score, of, Estimate(value, value - 0.02, value + 0.02, 100)) for score, of, value in numbers]
    tables = tables_of(people(50, 1), people(50, 2))
    return judge(Assessed(tables, tuple(measured), {}), Limits())


@pytest.mark.parametrize(("after", "helps"), [(0.80, False), (0.82, False), (0.84, True), (0.99, True), (0.5, False)])
def test_a_number_is_better_where_the_interval_of_the_difference_leaves_out_nothing(after: float, helps: bool) -> None:
    before = verdict(("ks", ("x",), 0.80))
    helped, harmed = moved(before, verdict(("ks", ("x",), after)))
    assert (bool(helped), harmed) == (helps, [])
    told_apart = verdict(("c2st", (), 1.8 - 0.85))
    assert bool(moved(told_apart, verdict(("c2st", (), 1.75 - after)))[0]) == (1.75 - after < 0.95 - 0.0323)


def test_luck_is_asked_more_of_the_more_often_and_at_the_more_numbers_it_is_looked() -> None:
    before, after = verdict(("ks", ("x",), 0.80)), verdict(("ks", ("x",), 0.835))
    assert [bool(moved(before, after, attempt)[0]) for attempt in (1, 2, 3)] == [True, False, False]
    others = [("tv", (name,), 0.5) for name in "abcdef"]
    assert not moved(verdict(("ks", ("x",), 0.80), *others), verdict(("ks", ("x",), 0.835), *others))[0]


def test_what_met_its_bar_is_neither_helped_nor_harmed_while_it_does() -> None:
    before, after = verdict(("ks", (), 0.98), ("tv", (), 0.5)), verdict(("ks", (), 0.96), ("coverage", (), 0.5))
    assert moved(before, after) == ([], [])


def test_a_number_of_the_table_that_falls_is_too_much_and_others_are_counted() -> None:
    columns = [("tv", (name,), 0.5) for name in "abc"]
    before = verdict(*columns, ("ks", (), 0.99), ("ks", ("x",), 0.99), ("ks", ("y",), 0.99))
    better = [("tv", (name,), 0.99) for name in "abc"]
    kept, why = weighed(*moved(before, verdict(*better, ("ks", ("x",), 0.5))))
    assert (kept, why.count("%")) == (True, 12)
    assert why.startswith("better: categories of a 50.0 %")
    assert weighed(*moved(before, verdict(*better, ("ks", (), 0.5))))[1].startswith("but below now: numbers 99.0 %")
    even = [better[0], columns[1], columns[2], ("ks", ("x",), 0.5)]
    assert weighed(*moved(before, verdict(*even)))[1].startswith("1 numbers got better and 1 fell below their bar")
    assert weighed([], []) == (False, "nothing that was below got better beyond chance")


def test_a_target_is_a_column_of_its_own() -> None:
    schema = schema_of(people(300, 1), "plan")
    other = with_target(schema, "left")
    assert [column.name for column in other if column.role is Role.TARGET] == ["left"]
    assert with_target(schema, None) is schema
    assert with_target(schema, "plan") is schema
