"""Where it is kept track of what is trained: MLflow where a URI is named, files where a folder is."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.mlflow_runs import MlflowRun
from connectors.run_files import FileRun
from connectors.runs import FAILED, FINISHED, KILLED, Run, Untracked
from generators.artifact import Artifact
from generators.task import Epoch, Progress
from schemas.errors import Problem, ServiceError
from stream_app.training import Training

URI = re.compile(r"[a-z][a-z0-9+.-]+:.*|databricks")
"""What is no folder."""


class Lasting:
    """A run whose work goes on where it can no longer be kept track of: that is said once, and no more is tried.

    Args:
        run: what keeps track.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def _tried(self, what: Callable[[Run], Any]) -> Any:
        try:
            return what(self._run)
        except (ServiceError, OSError) as error:
            logging.getLogger(__name__).warning("%s; the work goes on untracked", error)
            self._run = Untracked()
            return self._run

    def params(self, values: Mapping[str, Any]) -> None:
        """See `Run.params`."""
        self._tried(lambda run: run.params(values))

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """See `Run.metrics`."""
        self._tried(lambda run: run.metrics(values, step))

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Run.tags`."""
        self._tried(lambda run: run.tags(values))

    def child(self, name: str) -> Run:
        """See `Run.child`."""
        return Lasting(self._tried(lambda run: run.child(name)))

    def end(self, status: str) -> None:
        """See `Run.end`."""
        self._tried(lambda run: run.end(status))


@contextmanager
def tracked(where: str | None, name: str) -> Iterator[Run]:
    """A run around some work, which ends as the work does; of a fault only the place is kept: words may hold cells.

    Args:
        where: a folder, or what MLflow takes as a tracking URI; None to keep track of nothing.
        name: what the run is called.

    Raises:
        InputError: there can be no runs there, or MLflow is not installed.
        ServiceError: the place can not be reached or written now.
    """
    if where is None:
        yield Untracked()
        return
    begun = MlflowRun.begin(where, name) if URI.fullmatch(where) else FileRun.begin(Path(where), name)
    run, status = Lasting(begun), FAILED
    try:
        yield run
        status = FINISHED
    except KeyboardInterrupt:
        status = KILLED
        raise
    except Problem as problem:
        run.tags({"fault": "; ".join(fault.partition(": ")[0] for fault in problem.faults)})
        raise
    finally:
        run.end(status)


def with_epochs(told: Progress, run: Run) -> Progress:
    """Progress that is also kept track of, epoch by epoch."""

    def both(share: float, what: str) -> None:
        if isinstance(what, Epoch):
            run.metrics({"loss_nats": what.loss, "best_nats": what.best, "spent_s": what.spent_s}, what.number)
        told(share, what)

    return both


def keep_training(run: Run, plan: Training) -> None:
    """Keep what a training is told: table, model, seed and settings, and the target where there is one."""
    told = {"table": plan.name, "model": plan.model, "seed": plan.seed, "device": plan.device, "rules": len(plan.rules)}
    run.params({**told, "target": plan.choices.target, **plan.settings})


def keep_artifact(run: Run, artifact: Artifact) -> None:
    """Keep what came of a training: the artifact's id, how long it took, and all numbers that fitting found."""
    manifest = artifact.manifest
    run.tags({"artifact": artifact.identity, "model": artifact.model, "table": artifact.schema.name})
    run.metrics({"train_s": manifest["train_s"], "rows": manifest["rows"], **numbers(manifest.get("found", {}))})


def numbers(form: Mapping[str, Any], within: str = "") -> dict[str, float]:
    """The numbers of a JSON form, with the names on the way to each.

    >>> numbers({"head": {"rows": 3, "drawn_by": "trees"}, "seconds": 0.5})
    {'head.rows': 3.0, 'seconds': 0.5}
    """
    found: dict[str, float] = {}
    for name, value in form.items():
        if isinstance(value, Mapping):
            found |= numbers(value, f"{within}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{within}{name}"] = float(value)
    return found
