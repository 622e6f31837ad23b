"""`synthstream profile` from the command line: what it prints, its JSON, its rules, its page in a browser."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from schemas.inference import Choices
from schemas.profiling.spread import Spread
from schemas.profiling.survey import study_of, survey
from schemas.rows import Rows
from schemas.table import MIN_SHARED_ROWS
from schemas.yaml_files import read_rules
from stream_app.commands import profile
from stream_app.commands.column_options import AskedColumns
from stream_app.profiling.form import to_json
from stream_app.profiling.page import page
from stream_app.profiling.pictures import column_pictures, missing_pictures, target_picture, tie_picture
from stream_app.profiling.report import print_profile, sparkline
from stream_app.profiling.trainable import Profiled, line_of, profiled, rules_file
from stream_app.standing.document import document, footer, framed, panel, top, verdict
from tests.schemas.profiling.made import found, of, rng_of, shop
from tests.stream_app.alone import assert_stands_alone
from tests.stream_app.shop import cli, lines
from tests.stream_app.test_page import HOSTILE, browser

KEYS = {"format", "table", "columns", "missing", "ties", "dependencies", "keys", "rules", "target", "warnings", "train"}
OF_COLUMN = {"name", "kind", "role", "meaning", "unit", "missing", "missing_share", "distinct", "shape", "mean"}
OF_COLUMN |= {"deviation", "quantiles", "histogram", "values", "other_values_rows", "fate", "why", "change", "delicate"}
DOCS = Path(__file__).parents[2] / "docs" / "profile.md"


@pytest.fixture(scope="module")
def report() -> Profiled:
    return profiled(found(shop(), target="state"), Path("my orders.csv"), ("--target", "state"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profiled")
    pq.write_table(shop(), folder / "shop.parquet")
    return folder


def test_the_command_writes_all_it_is_asked_for(folder: Path) -> None:
    files = [folder / name for name in ("p.json", "p.html", "rules.yaml")]
    flags = [word for pair in zip(("--json", "--page", "--rules"), map(str, files), strict=True) for word in pair]
    run = cli("profile", folder / "shop.parquet", "--target", "state", *flags)
    assert run.exit_code == 0, run.output
    assert [line for line in lines(run) if line.startswith("wrote ")] == [] or run.stdout.count("wrote ") == 3
    assert set(json.loads(files[0].read_text())) == KEYS
    assert len(read_rules(files[2])) >= 8
    again = cli("profile", folder / "shop.parquet", "--json", "-")
    assert json.loads(again.stdout)["table"]["rows"] == 1_500


def test_what_was_said_of_columns_is_said_to_training_too() -> None:
    asked = AskedColumns("left", None, "at", ("a b",), (), ("note=drop",), (), ())
    assert asked.flags == ("--target", "left", "--event-time", "at", "--public", "a b", "--policy", "note=drop")
    assert asked.choices.wishes.dropped == ("note",)
    assert {"target", "policy", "json_file"} <= {option.name for option in profile.profile_command.params}


def test_training_takes_the_rules_as_they_were_written(folder: Path) -> None:
    rules = folder / "taken.yaml"
    assert cli("profile", folder / "shop.parquet", "--rules", rules).exit_code == 0
    run = cli("train", folder / "shop.parquet", "--out", folder / "out", "--rules", rules, "--dry-run", "--json")
    assert run.exit_code == 0, run.output
    form = json.loads(run.stdout)
    assert (form["rules"], form["rows_breaking"]) == (len(read_rules(rules)), {})


BAD = {
    "gone.csv": (None, "No such file"),
    "empty.csv": ("a,b\n", "is empty; expected at least two rows"),
    "single.csv": ("a,b\n1,2\n", "has a single row"),
    "nulls.csv": ("a,b\n,\n,NA\n", "every cell is missing"),
    "twice.csv": ("a,a\n1,2\n3,4\n", "column 'a' is there 2 times"),
    "target.csv": ("aa,b\n1,2\n3,4\n", "target=a: the table has no such column; did you mean 'aa'?"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(name: str, tmp_path: Path) -> None:
    text, said = BAD[name]
    if text is not None:
        (tmp_path / name).write_text(text)
    flags = ["--target", "a"] if name == "target.csv" else []
    run = cli("profile", tmp_path / name, "--json", tmp_path / "p.json", *flags)
    assert (run.exit_code, run.stdout, len(lines(run))) == (2, "", 1)
    assert said in run.stderr
    assert not (tmp_path / "p.json").exists()


def test_places_that_can_not_be_written_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    run = cli("profile", "gone.csv", "--page", tmp_path, "--rules", tmp_path / "no" / "rules.yaml")
    assert (run.exit_code, len(lines(run))) == (2, 2)
    assert "is a folder; name a file" in run.stderr
    assert "there is no folder" in run.stderr


def test_a_place_that_may_not_be_written_to_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    run = cli("profile", "gone.csv", "--page", tmp_path / "page.html")
    assert (run.exit_code, len(lines(run))) == (2, 1)
    assert "page.html: may not be written to; choose another file" in run.stderr


def test_no_file_is_written_over_the_table_or_another(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n2\n")
    table, out = tmp_path / "t.csv", tmp_path / "out"
    run = cli("profile", table, "--json", table, "--page", out, "--rules", out)
    assert (run.exit_code, len(lines(run)), table.read_text()) == (2, 2, "a\n1\n2\n")
    assert "is the table already" in run.stderr
    assert "is --page already" in run.stderr
    run = cli("profile", table, "--page", "-")
    assert (run.exit_code, "is for --json alone" in run.stderr) == (2, True)


def test_a_table_with_an_empty_column_is_told_of_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n" + "".join(f"{i % 7},,{i % 3}\n" for i in range(60)))
    run = cli("profile", tmp_path / "t.csv")
    assert run.exit_code == 0
    assert "empty: b: no row has a value" in run.stdout
    assert "--policy b=drop" in run.stdout.splitlines()[-1]


def test_json_has_the_keys_that_are_documented(report: Profiled) -> None:
    form = to_json(report)
    assert json.loads(json.dumps(form)) == form
    assert set(form) == KEYS
    assert all(set(column) == OF_COLUMN for column in form["columns"])
    documented = set(re.findall(r"`([a-z_]+)`", DOCS.read_text()))
    assert KEYS | OF_COLUMN | set(form["table"]) | set(form["missing"]) | set(form["target"]) <= documented
    assert set(form["rules"][0]) | set(form["ties"][0]) | set(form["dependencies"][0]) <= documented


def test_a_rule_is_a_line_that_is_read_back(report: Profiled, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rules_file(report), encoding="utf-8")
    assert read_rules(tmp_path / "rules.yaml") == tuple(each.rule for each in report.trainable)
    assert line_of({"rule": "allowed", "column": "a", "values": ["no", "1"]}) == (
        "- {rule: allowed, column: a, values: ['no', '1']}"
    )
    assert report.command(Path("r.yaml")) == (
        "synthstream train 'my orders.csv' --out made --target state --rules r.yaml"
    )


def leaves(form: Any) -> Iterator[Any]:
    if isinstance(form, dict):
        for value in form.values():
            yield from leaves(value)
    elif isinstance(form, list | tuple):
        for value in form:
            yield from leaves(value)
    else:
        yield form


def rare(table: pa.Table) -> set[str]:
    """All values that fewer than five rows hold, as text."""
    found: set[str] = set()
    for column in table.columns:
        counted: Any = of({"x": column}).group_by("x").aggregate([([], "count_all")])
        found |= {str(each["x"]) for each in counted.to_pylist() if each["count_all"] < MIN_SHARED_ROWS}
    return found - {"None"}


def secrets(seed: int) -> pa.Table:
    """Values of all kinds that few rows share, at the ends and in between, beside ones that many do."""
    rng, rows = rng_of(seed), 900
    names = np.where(np.arange(rows) < 8, [f"secret {i % 2 + i // 4 * 2}" for i in range(rows)], "known")
    spread = np.round(rng.lognormal(8, 2, rows), 3)
    return of(
        {
            "word": names.tolist(),
            "pay": spread,
            "twice": 2 * spread,
            "id": [f"K-{n:06d}-{n % 7}" for n in rng.choice(900_000, rows, replace=False)],
            "number": np.where(rng.random(rows) < 0.6, 7, 1_000_003 * rng.integers(1, 9_999, rows)),
            "when": pa.array(1_700_000_000_000 + rng.integers(0, 10**10, rows), pa.timestamp("ms", "UTC")),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_no_value_of_fewer_than_five_rows_is_in_the_json_the_page_the_rules_or_the_summary(seed: int) -> None:
    table = secrets(seed)
    study = study_of(Rows.of(table), "secrets", Choices())
    told = profiled(survey(study, lambda share, what: None), Path("t.csv"))
    few = {text for text in rare(table) if len(text) > 4}
    assert len(few) > 2_000
    form = to_json(told)
    assert {str(leaf) for leaf in leaves(form)} & few == set()
    terminal = io.StringIO()
    print_profile(told, None, Console(file=terminal, width=160))
    assert "twice is 2 * pay" in terminal.getvalue()
    for text in (page(told), rules_file(told), terminal.getvalue()):
        assert set(re.findall(r"[\w.-]+(?: \d)?", text)) & few == set()
        assert "secret" not in text.replace("secrets", "")


def test_pictures_and_the_frame_of_a_page_hold_what_they_are_given(report: Profiled) -> None:
    assert len(list(column_pictures(report.survey))) == 11  # keys have no distribution
    assert [each.title for each in missing_pictures(report.survey)] == ["Missing values", "Missing together"]
    ties, target = tie_picture(report.survey), target_picture(report.survey)
    assert ties is not None
    assert target is not None
    assert ties.svg.count('class="tie"') >= 8
    assert "What tells of state" in framed(target)
    whole = document(
        HOSTILE, "ok", [top("x", HOSTILE, {"rows": "9"}), verdict("!", HOSTILE, [HOSTILE]), footer([HOSTILE])]
    )
    assert HOSTILE not in whole
    assert panel("h", "<p>") == '<section class="panel"><h2>h</h2><p></section>'
    assert sparkline(Spread({})) == ""


def test_names_of_columns_are_no_markup() -> None:
    rng = rng_of(1)
    made = {HOSTILE: rng.integers(0, 9, 200), "b": rng.integers(0, 9, 200)}
    assert HOSTILE not in page(profiled(found(of(made)), Path(HOSTILE)))


@browser
def test_the_page_stands_alone_and_is_readable_on_a_phone_and_in_the_dark(report: Profiled, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(report), encoding="utf-8")
    assert_stands_alone(file, tmp_path, 1_000_000, 12)


def test_shares_of_gaps_are_never_said_to_be_none_or_all(tmp_path: Path) -> None:
    rows = ["" if i % 4_000 == 0 else str(i % 7) for i in range(24_000)]
    (tmp_path / "t.csv").write_text("few,other\n" + "".join(f"{value},{i % 5}\n" for i, value in enumerate(rows)))
    said = cli("profile", tmp_path / "t.csv").stdout
    assert "99.9%  nothing" in said
    assert " 0.1%  few" in said
