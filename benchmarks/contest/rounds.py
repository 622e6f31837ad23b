"""Every model on every table, one process after the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.contest import tables
from benchmarks.contest.bars import Summary, short
from benchmarks.contest.contender import Task
from benchmarks.contest.processes import carried_out, cpus, environment, watched
from benchmarks.contest.tables import Table
from schemas.errors import ServiceError

USUAL_OURS = ("tabular.copula", "tabular.mixture", "tabular.nade")
OURS = (*USUAL_OURS, "tabular.tvae", "tabular.ctgan", "tabular.copulagan", "tabular.tablegan", "tabular.diffusion")
OTHERS = {
    "mostlyai-engine": ("mostlyai-engine", "benchmarks.contest.mostlyai_engine"),
    **{f"sdv.{name}": ("sdv", "benchmarks.contest.sdv_models") for name in ("gaussian_copula", "ctgan", "tvae")},
}
"""Models of other libraries: the environment that has them, and the module that runs them."""

SCORES = ("shapes", "pairs", "c2st_auc", "tstr", "trtr", "tstr_gap", "dcr_share", "copies", "copies_holdout")


@dataclass(frozen=True)
class Rounds:
    """What is measured, and how often.

    Args:
        folder: where the files of this run lie.
        pythons: by model, the Python that runs it.
        judge: the Python that runs the judge, and the judge; None to score nothing.
        seeds: how many training seeds.
        rows: cut tables to so many rows; None to leave them.
        draw: rows drawn to measure speed.
        threads: threads and processors for everybody.
        conditions: whether ours are measured under conditions too.
    """

    folder: Path
    pythons: Mapping[str, Path]
    judge: tuple[Path, Path] | None
    seeds: int
    rows: int | None
    draw: int
    threads: int
    conditions: bool

    def run(self, contested: Sequence[Table]) -> list[Summary]:
        """Measure every model on every table; what fails is said and left out."""
        return [summary for table in contested for summary in self.on(table)]

    def on(self, table: Table) -> list[Summary]:
        """Measure every model on a table: each once for every training seed, then each for the next."""
        trained, held = tables.split(table.rows, self.rows) if table.target else (table.rows, table.rows.slice(0, 0))
        tables.write_csv(trained, self._file("train"))
        tables.write_csv(held, self._file("test"))
        tasks = {model: self._task(table, model, trained.num_rows) for model in self.pythons}
        for model, task in tasks.items():
            self._tried(f"{table.name}, {model}, warming up", replace(task, verb="warm"), self._out)
        found = {model: Summary(table.name, model, {}) for model in self.pythons}
        for seed in range(self.seeds):
            for model, known in found.items():
                seeded = replace(tasks[model], seed=seed)
                said = self._tried(f"{table.name}, {model}, seed {seed}", seeded, self._measured)
                found[model] = with_one_more(known, said)
        return list(found.values())

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.csv"

    def _task(self, table: Table, model: str, rows: int) -> Task:
        """To fit a model to the training rows."""
        return Task(
            "fit",
            model,
            table=str(self._file("train")),
            target=table.target,
            public=table.public,
            seed=0,
            folder=str(self.folder / f"{model}-model"),
            rows=rows,
            out=str(self._file(model)),
            threads=self.threads,
        )

    def _tried(self, where: str, task: Task, measure: Callable[[Task], dict[str, Any]]) -> dict[str, Any]:
        """What was measured, or under `failed` why nothing was; people see it at once."""
        try:
            found = measure(task)
        except ServiceError as error:
            found = {"failed": f"{where}: failed: {error}"}
        sys.stderr.write(f"{found['failed'] if 'failed' in found else f'{where}: {words(found)}'}\n")
        return found

    def _measured(self, fit: Task) -> dict[str, Any]:
        """All figures of a model with one training seed."""
        found = self._out(fit)
        found["fit_mib"] = found.pop("peak_mib")
        draw = replace(fit, verb="draw", rows=self.draw)
        drawn = self._out(draw)
        found |= {"rows_per_s": drawn["rows_per_s"], "draw_mib": drawn["peak_mib"]}
        if fit.model in OURS:
            found["rows_per_s_by_one"] = self._out(replace(draw, threads=1))["rows_per_s"]
            if self.conditions:
                found |= self._out(replace(fit, verb="conditions", threads=1))
        if self.judge is not None and fit.target:
            found |= self._scores(fit, *self.judge)
        return found

    def _out(self, task: Task) -> dict[str, Any]:
        module = OTHERS[task.model][1] if task.model in OTHERS else "benchmarks.contest.ours"
        return carried_out(self.pythons[task.model], module, task)

    def _scores(self, fit: Task, python: Path, judge: Path) -> dict[str, float]:
        """What the judge says of as many rows as there were to train on."""
        self._out(replace(fit, verb="write"))
        command = [str(python), str(judge), fit.table, str(self._file("test")), fit.target, fit.out]
        said, _ = watched(command, environment(self.threads), cpus(self.threads))
        scores: dict[str, float] = json.loads(said.splitlines()[-1])
        return {name: scores[name] for name in SCORES if name in scores}


def with_one_more(known: Summary, said: Mapping[str, Any]) -> Summary:
    """What is known of a model, with what one more seed showed."""
    if "failed" in said:
        return replace(known, failed=(*known.failed, said["failed"]))
    new = {name: float(value) for name, value in said.items() if isinstance(value, int | float)}
    figures = {**known.figures, **{name: (*known.figures.get(name, ()), value) for name, value in new.items()}}
    return replace(known, figures=figures, versions=said["versions"])


def words(said: Mapping[str, Any]) -> str:
    """Figures in one line, for people who wait."""
    figures = {name: value for name, value in said.items() if name != "versions"}
    line = ", ".join(f"{n} {short(v) if isinstance(v, int | float) else v}" for n, v in figures.items())
    return line or "done"
