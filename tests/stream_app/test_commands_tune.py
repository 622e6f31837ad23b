"""`synthstream tune`: a search that goes on where it was, its artifact, and bad input in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generators.artifact import load_artifact
from generators.neural.launch import Launch
from schemas.errors import InputError
from schemas.inference import Choices
from stream_app.commands.tune import INTERRUPTED
from stream_app.training import Training, rows_of_file
from stream_app.tuning import study as studies
from stream_app.tuning import tuned
from stream_app.tuning.space import Space
from stream_app.tuning.tuned import Tuning
from tests.stream_app.shop import cli, lines, orders_table, write_csv

pytest.importorskip("optuna", reason="Optuna is not installed: the extra `tune`")

MIXTURE = ("--model", "tabular.mixture", "--set", "max_seconds=0.2", "--search", "components=4..32")
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(orders_table(700), tmp_path_factory.mktemp("tables") / "orders.csv")


def tune(table: Path, out: Path, *flags: object) -> Any:
    return cli("tune", table, "--out", out, *MIXTURE, *flags)


def test_the_best_settings_train_the_artifact_and_the_same_command_goes_on(table: Path, tmp_path: Path) -> None:
    out, runs = tmp_path / "tuned", tmp_path / "runs"
    first = tune(table, out, "--trials", 2, "--json", "--plot", tmp_path / "search.svg", "--track", runs)
    assert first.exit_code == 0, first.stderr
    form = json.loads(first.stdout)
    assert (form["trials"], form["searched"]) == ({"complete": 2}, {"components": "4..32"})
    manifest = load_artifact(out).manifest
    assert manifest["settings"]["components"] == form["settings"]["components"]
    assert manifest["found"]["tuned"]["loss"] == form["loss"] > 0
    assert manifest["rows"] == 700  # all of them, those held back too
    assert (tmp_path / "search.svg").read_text().count("<circle") == 2
    (run,) = runs.iterdir()
    assert (run.name, len(list((run / "runs").iterdir()))) == ("tune-orders-0001", 2)
    assert '"value": "FINISHED"' in (run / "tags.jsonl").read_text().splitlines()[-1]
    again = tune(table, out, "--trials", 3)
    assert again.exit_code == 0, again.stderr
    assert "3 complete" in again.stdout
    assert "the same command with --trials 6" in again.stdout
    assert load_artifact(out).manifest["found"]["tuned"]["trials"] == {"complete": 3}


def test_ctrl_c_says_how_to_go_on_and_leaves_no_artifact(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, tried = Tuning.fit, list[int]()

    def hit(self: Tuning, *given: Any) -> Any:
        tried.append(1)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return fit(self, *given)

    monkeypatch.setattr(Tuning, "fit", hit)
    result = tune(table, tmp_path / "tuned", "--trials", 3)
    assert result.exit_code == INTERRUPTED
    assert lines(result) == [f"synthstream: interrupted; the same command goes on from {tmp_path / 'tuned.study'}"]
    assert not (tmp_path / "tuned").exists()
    assert tune(table, tmp_path / "tuned", "--trials", 1).exit_code == 0  # the best so far
    assert len(tried) == 2


def test_a_dry_run_says_what_would_be_searched_and_writes_nothing(table: Path, tmp_path: Path) -> None:
    result = tune(table, tmp_path / "tuned", "--dry-run", "--json", "--track", tmp_path / "runs")
    form = json.loads(result.stdout)
    assert (form["rows_to_learn_from"], form["rows_held_back"]) == (560, 140)
    assert form["searched"] == {"components": "4..32"}
    assert list(tmp_path.iterdir()) == []


def test_a_holdout_judges_in_place_of_rows_of_the_table(table: Path, tmp_path: Path) -> None:
    held = write_csv(orders_table(200), tmp_path / "kept.csv")
    result = tune(table, tmp_path / "tuned", "--holdout", held, "--trial-rows", 300, "--dry-run", "--json")
    form = json.loads(result.stdout)
    assert (form["rows_to_learn_from"], form["rows_held_back"]) == (300, 200)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--search", "width"), "--search width: width is not searched"),
        (("--max-seconds", "0"), "max_seconds=0: must be > 0"),
        (("--trials", "0"), "'--trials'"),
        (("--minute-costs", "nan"), "minute_costs=nan: expected a finite number"),
        (("--plot", "search.png"), "plot=search.png: expected a name that ends in .svg or .html"),
        (("--plot", "no/such.svg"), "plot=no/such.svg: there is no folder no"),
        (("--holdout", "gone.csv"), "gone.csv: No such file"),
        (("--target", "colou"), "did you mean 'colour'?"),
        (("--study", "table.csv"), "study=table.csv: is no study"),
        (("--track", "weird://x"), "track=weird://x"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_left(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("a\n1\n")
    result = tune(table, Path("tuned"), *flags)
    assert result.exit_code == 2
    assert len(lines(result)) == 1, result.stderr
    assert said in result.stderr
    assert [path.name for path in Path().iterdir()] == ["table.csv"]


def test_too_few_seconds_for_a_trial_say_what_is_enough(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 7.5])
    monkeypatch.setattr(tuned, "now", lambda: next(times))
    result = tune(table, tmp_path / "tuned", "--max-seconds", 3)
    assert result.exit_code == 2
    assert "max_seconds=3: is too little for one trial" in result.stderr
    assert "the least that works is 9" in result.stderr


def test_a_study_of_another_table_or_model_is_refused(table: Path, tmp_path: Path) -> None:
    study = ("--study", tmp_path / "s", "--trials", 1)
    assert tune(table, tmp_path / "tuned", *study).exit_code == 0
    other = write_csv(orders_table(710), tmp_path / "orders.csv")
    result = tune(other, tmp_path / "tuned", *study)
    assert (result.exit_code, len(lines(result))) == (2, 1)
    assert "was begun with another table (its rows), another holdout;" in result.stderr
    result = tune(table, tmp_path / "tuned", *study, "--public", "plate", "--seed", 1)
    assert "another table (its columns)" in result.stderr
    assert "another seed" in result.stderr


def test_what_is_missing_is_named_before_anything_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(studies, "find_spec", lambda name: None)
    result = tune(tmp_path / "gone.csv", tmp_path / "tuned")
    assert result.exit_code == 2
    assert lines(result) == ["synthstream: tune needs Optuna, which is not installed: pip install 'synthstream[tune]'"]


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Launch, "here", lambda: Launch(0, 0, 2))
    result = tune(tmp_path / "gone.csv", tmp_path / "tuned")
    assert "tune: runs in one process" in result.stderr


def test_a_trial_trains_no_longer_than_it_may(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def watched(rows: Any, schema: Any, start: Any, settings: Any, *rest: Any) -> Any:
        given.append(settings)
        raise InputError("enough")

    monkeypatch.setattr(tuned, "artifact_from", watched)
    space = Space.of("tabular.mixture", {"max_seconds": 9}, ("components",))
    plan = Training("tabular.mixture", "orders", Choices(), settings=space.fixed)
    tuning = tuned.tuning_of(rows_of_file(table), None, plan, space, 50_000)
    for limit_s in (2.0, 60.0):
        with pytest.raises(InputError):
            tuning.fit({"components": 5}, limit_s, lambda share, what: None)
    assert [each["max_seconds"] for each in given] == [2.0, 9.0]
    assert given[0]["components"] == 5
