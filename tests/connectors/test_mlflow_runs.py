"""Runs that MLflow keeps track of: its own file store, read back by its own client."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors import mlflow_runs
from connectors.mlflow_runs import EXPERIMENT, USUAL, MlflowRun
from schemas.errors import InputError, ServiceError

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: the extra `track`")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what a run sets stays."""
    for variable in (*USUAL, "MLFLOW_ALLOW_FILE_STORE", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def test_mlflow_reads_what_was_kept(tmp_path: Path) -> None:
    uri = f"file:{tmp_path}/runs"
    run = MlflowRun.begin(uri, "train people")
    run.params({"width": 64, "long": "x" * 9_000})
    for step, loss in enumerate((3.0, 2.0, float("nan"))):
        run.metrics({"loss": loss}, step)
    run.tags({"artifact": "abc"})
    within = run.child("trial 0")
    within.end("KILLED")
    run.end("FINISHED")
    client = mlflow.MlflowClient(uri)
    (experiment,) = [each for each in client.search_experiments() if each.name == EXPERIMENT]
    child, parent = sorted(
        client.search_runs([experiment.experiment_id]), key=lambda each: each.info.run_name != "trial 0"
    )
    assert (parent.info.run_name, parent.info.status, child.info.status) == ("train people", "FINISHED", "KILLED")
    assert parent.data.params["width"] == "64"
    assert parent.data.tags["artifact"] == "abc"
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    history = client.get_metric_history(parent.info.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [(0, 3.0), (1, 2.0)]
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_second_run_is_in_the_same_experiment(tmp_path: Path) -> None:
    first, second = (MlflowRun.begin(f"file:{tmp_path}/runs", "train") for _ in range(2))
    assert first.experiment == second.experiment
    assert first.run != second.run


def test_a_place_that_mlflow_does_not_know_or_reach_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="track=weird://x: MLflow knows no such place"):
        MlflowRun.begin("weird://x", "train")
    with pytest.raises(ServiceError, match=r"track=http://127\.0\.0\.1:9: MLflow did not take it") as caught:
        MlflowRun.begin("http://127.0.0.1:9", "train")
    assert "\n" not in str(caught.value)


def test_without_mlflow_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_runs, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"track=http://x: .* pip install 'synthstream\[track\]'; or name a folder"):
        MlflowRun.begin("http://x", "train")
