"""Runs in folders, as programs read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.run_files import FileRun
from schemas.errors import InputError, ServiceError


def read(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{kind}.jsonl").read_text("utf-8").splitlines()]


def test_a_run_is_lines_of_json_under_names(tmp_path: Path) -> None:
    run = FileRun.begin(tmp_path / "runs", "train grün/1")
    run.params({"width": 64, "rules": None, "folder": Path("x")})
    run.metrics({"loss": 1.5, "worst": float("inf")}, 3)
    run.metrics({"rows": 10})
    run.end("FINISHED")
    assert run.folder.name == "train-grün-1-0001"
    assert read(run.folder, "params") == [
        {"name": "width", "value": 64},
        {"name": "rules", "value": None},
        {"name": "folder", "value": "x"},
    ]
    metrics = read(run.folder, "metrics")
    assert [(each["name"], each["value"], each["step"]) for each in metrics] == [
        ("loss", 1.5, 3),
        ("worst", None, 3),
        ("rows", 10, None),
    ]
    assert all(isinstance(each["time_ms"], int) for each in metrics)
    tags = read(run.folder, "tags")
    assert tags == [
        {"name": "name", "value": "train grün/1"},
        {"name": "status", "value": "RUNNING"},
        {"name": "status", "value": "FINISHED"},
    ]


def test_every_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    runs = [FileRun.begin(tmp_path, "train") for _ in range(3)]
    assert [run.folder.name for run in runs] == ["train-0001", "train-0002", "train-0003"]
    within = runs[0].child("trial 0")
    assert within.folder == runs[0].folder / "runs" / "trial-0-0001"


def test_what_is_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(InputError, match="is not a folder"):
            FileRun.begin(place, "train")
    with pytest.raises(ServiceError, match="can not be written"):
        FileRun.begin(tmp_path / ("x" * 300), "train")
