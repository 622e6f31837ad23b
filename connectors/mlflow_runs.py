"""Runs that MLflow keeps track of, on a server, in a database or in files; this file alone names it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from typing import Any, TypeVar

from schemas.errors import InputError, ServiceError

EXPERIMENT = "synthstream"
"""Where runs are, unless MLFLOW_EXPERIMENT_NAME says otherwise."""

LONGEST = 500
"""Letters that a parameter's value may have everywhere."""

USUAL = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""What MLflow is told unless the environment says otherwise: a server that is gone holds nothing up, and nobody else
hears of a run."""

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class MlflowRun:
    """A run of MLflow.

    Args:
        client: MLflow's.
        experiment: the experiment's id.
        run: the run's id.
    """

    client: Any
    experiment: str
    run: str

    @classmethod
    def begin(cls, uri: str, name: str) -> MlflowRun:
        """Begin a run.

        Args:
            uri: where MLflow keeps them, as in http://HOST:PORT, sqlite:///FILE or file:FOLDER.
            name: what the run is called.

        Raises:
            InputError: MLflow is not installed, or does not know such a place.
            ServiceError: it can not be reached.
        """
        if find_spec("mlflow") is None:
            raise InputError(
                f"track={uri}: needs MLflow, which is not installed: pip install 'synthstream[track]'; or name a folder"
            )
        for variable, value in USUAL.items():
            os.environ.setdefault(variable, value)
        if uri.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow asks whether that is meant; it was named
        try:
            client = import_module("mlflow.tracking").MlflowClient(uri)
        except _failures() as error:
            raise InputError(f"track={uri}: MLflow knows no such place ({_first(error)})") from None
        called = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)

        def begun() -> MlflowRun:
            found = client.get_experiment_by_name(called)
            experiment = client.create_experiment(called) if found is None else found.experiment_id
            return cls(client, experiment, client.create_run(experiment, run_name=name).info.run_id)

        return _carried_out(uri, begun)

    def params(self, values: Mapping[str, Any]) -> None:
        """See `Run.params`."""
        shown = {name: str(value)[:LONGEST] for name, value in values.items()}
        self._carry_out(lambda: [self.client.log_param(self.run, name, value) for name, value in shown.items()])

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """See `Run.metrics`; what is no number is left out."""
        known = {name: value for name, value in values.items() if isfinite(value)}
        at = 0 if step is None else step
        self._carry_out(lambda: [self.client.log_metric(self.run, n, v, step=at) for n, v in known.items()])

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Run.tags`."""
        self._carry_out(lambda: [self.client.set_tag(self.run, name, value) for name, value in values.items()])

    def child(self, name: str) -> MlflowRun:
        """See `Run.child`; MLflow shows it below this one."""
        tags = {"mlflow.parentRunId": self.run}
        begun = self._carry_out(lambda: self.client.create_run(self.experiment, run_name=name, tags=tags))
        return MlflowRun(self.client, self.experiment, begun.info.run_id)

    def end(self, status: str) -> None:
        """See `Run.end`."""
        self._carry_out(lambda: self.client.set_terminated(self.run, status))

    def _carry_out(self, what: Callable[[], Any]) -> Any:
        return _carried_out(self.client.tracking_uri, what)


def _carried_out(uri: str, what: Callable[[], Found]) -> Found:
    try:
        return what()
    except _failures() as error:
        raise ServiceError(f"track={uri}: MLflow did not take it ({_first(error)})") from None


def _failures() -> tuple[type[Exception], ...]:
    """What MLflow raises; OSError and what it lacks of a database among them."""
    raised: type[Exception] = import_module("mlflow.exceptions").MlflowException
    return (raised, OSError, ImportError)


def _first(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0].split(". ", maxsplit=1)[0].strip()[:200]
