"""`synthstream assess` from the command line: reports, exit codes, JSON and the page in a browser."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from connectors.files import write_table
from generators.artifact import save
from schemas.inference import conform
from stream_app.assessment import learners
from stream_app.cli import main
from tests.stream_app.alone import assert_stands_alone
from tests.stream_app.assessment.planted import FAULTS, people, schema_of
from tests.stream_app.shop import quick_fit
from tests.stream_app.test_page import browser

SKLEARN = pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn is not installed: the extra `assess`")
ROWS = 3_000


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files: real, honest, holdout, independent, broken and tiny."""
    folder = tmp_path_factory.mktemp("assessed")
    real, honest, holdout = (people(ROWS, seed) for seed in (1, 2, 3))
    given = {"real": real, "honest": honest, "holdout": holdout, "tiny": honest.slice(0, 20)}
    given |= {name.split()[0]: FAULTS[name](honest, real) for name in ("independent columns", "broken rule")}
    schema = schema_of(real)
    for name, table in given.items():
        write_table(conform(table, schema).to_batches(), schema, folder / f"{name}.csv")
    (folder / "rules.yaml").write_text("- {rule: range, column: size, low: 0, high: 60}\n")
    return folder


def assess(folder: Path, synthetic: str, *flags: str) -> Result:
    words = ["assess", str(folder / "real.csv"), str(folder / synthetic), *flags]
    return CliRunner().invoke(main, words)


def with_all(folder: Path) -> tuple[str, ...]:
    return ("--holdout", str(folder / "holdout.csv"), "--rules", str(folder / "rules.yaml"), "--target", "left")


@SKLEARN
def test_what_is_below_its_bar_ends_with_1_and_says_what_to_run(tables: Path) -> None:
    run = assess(tables, "broken.csv", *with_all(tables))
    assert run.exit_code == 1
    assert run.output.startswith("BELOW")
    assert "broken rule: range:size" in run.output
    (command,) = re.findall(r"\$ synthstream (.*)", run.output)
    words = command.split()
    made = main.get_command(None, words[0])  # type: ignore[arg-type]
    assert made is not None
    made.make_context("train", words[1:])


@SKLEARN
def test_too_few_rows_withhold_the_verdict_and_end_with_4(tables: Path) -> None:
    run = assess(tables, "tiny.csv", *with_all(tables))
    assert run.exit_code == 4
    assert run.output.startswith("WITHHELD")
    assert "$ synthstream sample ARTIFACT --rows 12000" in run.output


@SKLEARN
def test_json_has_every_score_with_its_interval_and_the_holdouts(tables: Path) -> None:
    run = assess(tables, "honest.csv", *with_all(tables), "--json", "--track", str(tables / "runs"))
    form: dict[str, Any] = json.loads(run.output)
    assert (form["verdict"], form["exit_code"], run.exit_code) == ("passed", 0, 0)
    assert form["rows"] == {"real": ROWS, "synthetic": ROWS, "holdout": ROWS}
    assert {"score", "subject", "value", "low", "high", "n", "holdout", "bar", "mark"} <= form["scores"][0].keys()
    assert all(each["low"] <= each["value"] <= each["high"] for each in form["scores"])
    kept = (tables / "runs" / "assess-honest.csv-0001" / "metrics.jsonl").read_text()
    numbers = {line["name"]: line["value"] for line in map(json.loads, kept.splitlines())}
    (apart,) = [each for each in form["scores"] if each["score"] == "c2st"]
    assert (numbers["c2st"], numbers["c2st.high"]) == pytest.approx((apart["value"], apart["high"]), abs=1e-6)
    assert {each["score"] for each in form["scores"]} >= {"ks", "tv", "correlation", "c2st", "tstr", "dcr", "copies"}


@SKLEARN
def test_without_a_holdout_it_says_what_can_not_be_had(tables: Path) -> None:
    run = assess(tables, "honest.csv")
    assert run.exit_code in (0, 4)
    text = " ".join(run.output.split())
    assert "Not had: dcr, which needs real rows that training did not see: --holdout TABLE, or --split." in text


@SKLEARN
def test_an_artifact_is_drawn_from(tables: Path, tmp_path: Path) -> None:
    real = people(1_000, 1)
    schema = schema_of(real)
    save(
        quick_fit(conform(real, schema), schema, "tabular.copula", {}, 0, lambda share, what: None),
        tmp_path / "artifact",
    )
    words = ["assess", str(tables / "real.csv"), str(tmp_path / "artifact"), "--json"]
    form = json.loads(CliRunner().invoke(main, words).output)
    assert form["rows"]["synthetic"] == ROWS
    assert "records were drawn from the artifact" in form["notes"][0]


def test_bad_input_ends_with_2_and_a_line_a_fault(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assess(tables, "gone.csv").exit_code == 2
    assert assess(tables, "honest.csv", "--similarity", "95").exit_code == 2
    assert assess(tables, "honest.csv", "--html", "no/such/folder.html").exit_code == 2
    monkeypatch.setattr(learners, "find_spec", lambda name: None)
    run = assess(tables, "honest.csv")
    assert (run.exit_code, "pip install 'synthstream[assess]'" in run.output) == (2, True)


@SKLEARN
@browser
def test_the_page_stands_alone_and_is_readable_on_a_phone_and_in_the_dark(tables: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert assess(tables, "independent.csv", *with_all(tables), "--html", str(page)).exit_code == 1
    text = page.read_text("utf-8")
    assert text.index("Below the bar") < text.index("A classifier tells") < text.index("What to do")
    assert_stands_alone(page, tmp_path, 5_000_000, 15)


@SKLEARN
def test_the_page_names_no_value_that_fewer_than_five_real_rows_have(tables: Path, tmp_path: Path) -> None:
    real = people(ROWS, 1)
    cities = [*real.column("city").to_pylist()[:-3], "Hapax", "Hapax", "Legomenon"]
    schema = schema_of(real)
    rare = real.set_column(2, "city", pa.array(cities).dictionary_encode())
    write_table(conform(rare, schema).to_batches(), schema, tmp_path / "rare.csv")
    page = tmp_path / "page.html"
    words = ["assess", str(tmp_path / "rare.csv"), str(tables / "independent.csv"), "--html", str(page)]
    assert CliRunner().invoke(main, words).exit_code == 1
    assert re.search("Hapax|Legomenon", page.read_text("utf-8")) is None
    assert "Berlin" in page.read_text("utf-8")
