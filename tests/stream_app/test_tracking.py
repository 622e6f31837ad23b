"""What is kept track of, and that no work ends because it can not be."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.run_files import FileRun
from connectors.runs import Untracked
from generators import fitting
from generators.task import Epoch
from schemas.errors import InputError, ServiceError
from stream_app.tracking import Lasting, numbers, tracked, with_epochs
from tests.stream_app.shop import cli, orders_table, write_csv


def read(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{kind}.jsonl").read_text("utf-8").splitlines()]


def test_a_training_is_kept_track_of_with_its_epochs_and_its_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST_REFERENCE_ROWS", 1)
    orders = write_csv(orders_table(300), tmp_path / "orders.csv")
    flags = ("--model", "tabular.nade", "--set", "max_epochs=2", "--set", "width=4", "--track", tmp_path / "runs")
    result = cli("train", orders, "--out", tmp_path / "a", *flags, "--json")
    assert result.exit_code == 0, result.stderr
    folder = tmp_path / "runs" / "train-orders-0001"
    params = {each["name"]: each["value"] for each in read(folder, "params")}
    assert (params["model"], params["width"], params["max_epochs"]) == ("tabular.nade", 4, 2)
    metrics = read(folder, "metrics")
    assert [each["step"] for each in metrics if each["name"] == "loss_nats"] == [1, 2]
    whole = {each["name"]: each["value"] for each in metrics if each["step"] is None}
    assert whole["rows"] == 300
    assert whole["train_s"] > 0
    tags = {each["name"]: each["value"] for each in read(folder, "tags")}
    assert (tags["artifact"], tags["status"]) == (json.loads(result.stdout)["artifact"], "FINISHED")


def test_a_run_that_fails_says_where_and_keeps_no_cell(tmp_path: Path) -> None:
    result = cli("train", tmp_path / "gone.csv", "--out", tmp_path / "a", "--track", tmp_path / "runs")
    assert result.exit_code == 2
    tags = {each["name"]: each["value"] for each in read(tmp_path / "runs" / "train-gone-0001", "tags")}
    assert (tags["status"], tags["fault"]) == ("FAILED", str(tmp_path / "gone.csv"))
    with pytest.raises(InputError), tracked(str(tmp_path / "runs"), "other"):
        raise InputError("column 'pay', row 5: '5 pounds' is no number", "column 'age', row 7: 'old' is no number")
    kept = read(tmp_path / "runs" / "other-0001", "tags")
    assert {"name": "fault", "value": "column 'pay', row 5; column 'age', row 7"} in kept


def test_ctrl_c_is_no_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), tracked(str(tmp_path / "runs"), "train"):
        raise KeyboardInterrupt
    assert read(tmp_path / "runs" / "train-0001", "tags")[-1]["value"] == "KILLED"


def test_without_a_place_nothing_is_kept_and_a_uri_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with tracked(None, "train") as run:
        assert isinstance(run.child("x"), Untracked)
        run.metrics({"a": 1.0})
    with pytest.raises(InputError, match="track=weird://x"), tracked("weird://x", "train"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_where_it_can_no_longer_be_kept_the_work_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Gone(FileRun):
        def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
            raise ServiceError("track=x: MLflow did not take it")

    begun = FileRun.begin(tmp_path, "train")
    run = Lasting(Gone(begun.folder))
    with caplog.at_level(logging.WARNING):
        told: list[str] = []
        progress = with_epochs(lambda share, what: told.append(what), run)
        for number in (1, 2, 3):
            progress(0.5, Epoch(number, 1.0, 1.0, 1.0))
        run.tags({"late": "yes"})
        run.child("x").end("FINISHED")
    assert len(told) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "track=x: MLflow did not take it; the work goes on untracked"
    ]
    assert len(read(begun.folder, "tags")) == 2


def test_numbers_of_a_manifest_are_named_by_the_way_to_them() -> None:
    assert numbers({"a": {"b": 1, "c": True, "d": "x"}, "e": 0.5}) == {"a.b": 1.0, "e": 0.5}
