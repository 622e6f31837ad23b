"""What people and programs are told of an artifact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stream_app.report import artifact_report, print_columns
from tests.stream_app.shop import trained


def test_the_facts_are_those_of_the_artifact(folder: Path) -> None:
    report = artifact_report(trained(), folder)
    assert (report["artifact"], report["model"], report["trained_rows"]) == (
        trained().identity,
        "tabular.copula",
        3_000,
    )
    assert report["columns"] == ["id", "price", "pieces", "colour", "paid", "day", "at", "plate"]
    assert report["size_bytes"] == sum(len(file.read_bytes()) for file in folder.iterdir())
    assert report["reproducible_here"] is True
    assert [field["name"] for field in report["avro"]["fields"]] == report["columns"]
    assert json.loads(json.dumps(report))["profile"] == report["profile"]


def test_a_line_a_column_says_what_is_known_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    print_columns(trained())
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert list(lines) == ["column", *trained().schema.names]
    assert "integer (key)" in lines["id"]
    assert "its format only" in lines["plate"]
    assert "3 values shared by five rows or more" in lines["colour"]
    assert "quantile knots from" in lines["price"]
    assert "2024-01-01" in lines["day"]
    assert "10." in lines["pieces"] or "9." in lines["pieces"]
