"""The contest of generators: bad flags are refused, every figure has its place, a failure spoils no other."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.contest.bars import Summary
from benchmarks.contest.environments import PACKAGES, default_cache, python_of
from benchmarks.contest.rounds import OTHERS, SCORES, Rounds, with_one_more
from benchmarks.contest.tables import Table
from benchmarks.generators import chosen, lines, parsed, report, rounds
from schemas.errors import InputError, ServiceError

JUDGE = """
import csv, json, sys
train, test, target, drawn = [list(csv.reader(open(p))) if p.endswith(".csv") else p for p in sys.argv[1:]]
assert target in train[0] and train[0] == test[0] == drawn[0] and len(train) == len(drawn)
print(json.dumps({"file": "x", "shapes": 0.99, "c2st_auc": 0.5, "tstr": 0.9}))
"""


def asked(*flags: str) -> Namespace:
    return parsed(flags)


def test_flags_that_make_no_sense_are_all_named(tmp_path: Path) -> None:
    flags = [
        "--seeds",
        "0",
        "--rows",
        "5",
        "--draw",
        "1",
        "--threads",
        "0",
        "--target",
        "y",
        "--tables",
        "bank",
        "--wide",
    ]
    flags += ["--judge", str(tmp_path / "judge.py"), "--json", str(tmp_path / "no" / "out.json")]
    with pytest.raises(InputError) as caught:
        chosen(asked(*flags))
    said = [fault.split(":")[0] for fault in caught.value.faults]
    numbers = ["--seeds 0", "--rows 5", "--draw 1", "--threads 0"]
    assert said[: len(numbers)] == numbers
    files = [f"--judge {tmp_path}/judge.py", f"--json {tmp_path}/no/out.json"]
    assert said[len(numbers) :] == ["--target and --public", "--table, --tables and --wide", *files]


def test_a_table_needs_its_target(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name its target too"):
        chosen(asked("--table", str(tmp_path / "t.csv")))
    with pytest.raises(InputError, match="name a file that can be read"):
        chosen(asked("--table", str(tmp_path / "t.csv"), "--target", "y"))


def test_the_table_that_was_named_is_taken(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    (table,) = chosen(asked("--table", str(tmp_path / "t.csv"), "--target", "b", "--public", "a"))
    assert (table.name, table.target, table.public, table.rows.num_rows) == ("t", "b", ("a",), 1)


def test_the_wide_table_is_for_ours_alone(tmp_path: Path) -> None:
    flags = asked("--wide", "--rows", "200")
    assert chosen(flags)[0].rows.num_rows == 200
    assert set(rounds(flags, tmp_path).pythons) == {"tabular.copula", "tabular.mixture", "tabular.nade"}


def test_every_other_model_has_an_environment_and_a_module() -> None:
    assert {environment for environment, _ in OTHERS.values()} <= set(PACKAGES)
    for _, module in OTHERS.values():
        assert Path(__file__).resolve().parents[2].joinpath(*module.split(".")).with_suffix(".py").is_file()


def test_environments_are_kept_where_people_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNTHSTREAM_CACHE", str(tmp_path))
    assert default_cache() == tmp_path / "benchmarks"


def test_an_environment_that_is_made_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "sdv").mkdir()
    (tmp_path / "sdv" / "made").touch()
    assert python_of("sdv", tmp_path) == tmp_path / "sdv" / "bin" / "python"


def test_an_environment_that_can_not_be_made_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(Path("/bin/false")))
    with pytest.raises(ServiceError, match="sdv: its environment could not be made"):
        python_of("sdv", tmp_path)
    assert list(tmp_path.iterdir()) == []


def table(rows: int = 800) -> Table:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, rows)
    cells: dict[str, Any] = {
        "a": a.astype(str),
        "b": (a + rng.integers(0, 9, rows)).astype(str),
        "y": np.where(a > 1, "yes", "no"),
    }
    return Table("made-up", pa.table(cells), "y")


def contest(folder: Path, python: str, judge: Path | None) -> Rounds:
    pythons = {"tabular.copula": Path(sys.executable), "mostlyai-engine": Path(python)}
    return Rounds(
        folder,
        pythons,
        None if judge is None else (Path(sys.executable), judge),
        seeds=2,
        rows=None,
        draw=200_000,
        threads=1,
        conditions=False,
    )


def test_what_fails_is_said_and_the_others_are_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    judge = tmp_path / "judge.py"
    judge.write_text(JUDGE)
    ours, other = contest(tmp_path, "/bin/false", judge).run([table()])
    assert not ours.failed
    expected = {"fit_s", "reference_s", "rows_per_s", "rows_per_s_by_one", "fit_mib", "draw_mib", "shapes", "tstr"}
    assert expected | {"c2st_auc"} == set(ours.figures)
    assert all(len(values) == 2 and min(values) > 0 for values in ours.figures.values())
    assert ours.figures["shapes"] == (0.99, 0.99)
    assert "numba" in ours.versions
    assert (other.figures, len(other.failed)) == ({}, 2)
    assert "made-up, mostlyai-engine, seed 0: failed: " in other.failed[0]
    assert "made-up, tabular.copula, seed 1: fit_s" in capfd.readouterr().err


def test_one_more_seed_is_added_to_those_before() -> None:
    known = Summary("t", "m", {"fit_s": (1.0,)}, ("seed 0: failed",))
    more = with_one_more(known, {"fit_s": 2, "where": "words are no figures", "versions": {"numpy": "2"}})
    assert more.figures == {"fit_s": (1.0, 2.0)}
    assert (more.failed, more.versions) == (("seed 0: failed",), {"numpy": "2"})
    assert with_one_more(more, {"failed": "seed 2: failed"}).failed == ("seed 0: failed", "seed 2: failed")


def test_the_result_is_one_json_and_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nade = Summary("adult", "tabular.nade", {"fit_s": (10.0, 14.0), "c2st_auc": (0.51,)})
    broken = Summary("adult", "mostlyai-engine", {}, ("no memory",))
    report([nade, broken], asked("--json", str(tmp_path / "out.json")))
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["table", "model", "fit_s", "c2st_auc"]
    assert said[1].split() == ["adult", "tabular.nade", "12", "±4", "0.51"]
    assert said[2].split() == ["adult", "mostlyai-engine", "failed", "failed"]
    assert said[4].startswith("met by 8 (12; limit 20): adult, tabular.nade: fit at most 20 s")
    result = json.loads((tmp_path / "out.json").read_text())
    assert [row["model"] for row in result["rows"]] == ["tabular.nade", "mostlyai-engine"]
    assert result["rows"][0]["fit_s"] == {"mean": 12.0, "standard_error": 2.0, "each": [10.0, 14.0]}
    assert result["bars"][0]["met"]
    assert result["rows"][1]["failed"] == ["no memory"]


def test_scores_that_were_not_taken_have_no_column() -> None:
    heads = lines([Summary("t", "m", {"fit_s": (1.0,)})])[0].split()
    assert heads == ["table", "model", "fit_s"]
    assert not set(heads) & set(SCORES)
