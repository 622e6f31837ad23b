"""A search from rows to what it found: what is learned from, what judges, and the trials between."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic as now
from typing import Any

import pyarrow as pa

from generators.artifact import Artifact
from generators.constraints.rows import check_rules, ruled
from generators.fitting import artifact_from
from generators.task import Progress
from schemas.inference import conform
from schemas.rows import Rows
from schemas.table import TableSchema
from stream_app.training import Training, schema_of
from stream_app.tuning.objective import MOST_HELD, Objective, digest, parted, some
from stream_app.tuning.report import Found
from stream_app.tuning.search import Budget, Search
from stream_app.tuning.space import Space
from stream_app.tuning.study import Asked, Study

REFERENCE_ROWS = 1
"""What a trial trains is thrown away: it need not measure itself on its own rows."""

Hear = Callable[[int, str, dict[str, Any]], None]
"""Told of every trial that ended: its number, how, and what is known of it, its settings among that."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """What is searched, on which rows.

    Args:
        space: the settings that are tried.
        objective: the rows that are learned from, and those that judge.
        plan: how all are trained.
    """

    space: Space
    objective: Objective
    plan: Training

    @property
    def schema(self) -> TableSchema:
        """What the columns are."""
        return self.objective.schema

    def terms(self, minute_costs: float) -> dict[str, str]:
        """What all trials of a study have in common."""
        searched = json.dumps([self.space.to_json(), {n: self.space.fixed[n] for n in sorted(self.space.fixed)}])
        return {
            "model": self.plan.model,
            "table (its columns)": digest_of_schema(self.schema),
            "table (its rows)": digest(self.objective.learned),
            "holdout": digest(self.objective.held),
            "target": str(self.objective.target),
            "set of rules": " ".join(rule.text for rule in self.plan.rules),
            "set of settings": searched,
            "--minute-costs": f"{minute_costs:g}",
            "seed": str(self.plan.seed),
        }

    def fit(self, settings: Mapping[str, Any], limit_s: float, told: Progress) -> Artifact:
        """Train with some settings.

        Args:
            settings: those that are tried.
            limit_s: training takes no longer, where the model can be told so.
            told: told how far it has come.
        """
        plan, rows = self.plan, Rows.of(self.objective.learned)
        whole = {**plan.settings, **settings}
        if "max_seconds" in whole:
            whole["max_seconds"] = min(whole["max_seconds"], limit_s)
        held = ruled(rows, self.schema, plan.rules) if plan.rules else rows
        return artifact_from(held, self.schema, plan.start(), whole, plan.seed, told, REFERENCE_ROWS)

    def to_json(self) -> dict[str, Any]:
        """For `--dry-run`."""
        return {
            "table": self.schema.name,
            "model": self.plan.model,
            "searched": self.space.to_json(),
            "rows_to_learn_from": self.objective.learned.num_rows,
            "rows_held_back": self.objective.held.num_rows,
        }


def tuning_of(raw: Rows, holdout: Rows | None, plan: Training, space: Space, most_rows: int) -> Tuning:
    """What is searched, on which rows.

    Args:
        raw: the real rows as they were read.
        holdout: real rows that judge; None to hold some of the others back.
        plan: how all are trained.
        space: what is searched.
        most_rows: a trial learns from so many rows at the most.

    Raises:
        InputError: rows that are not of the table's columns, rules that do not suit them, or too few rows.
    """
    schema = schema_of(raw, plan)
    check_rules(plan.rules, schema)
    table = conform(raw.table, schema)
    if holdout is None:
        learned, held = parted(table, most_rows, plan.seed)
    else:
        learned, held = some(table, most_rows, plan.seed), some(conform(holdout.table, schema), MOST_HELD, plan.seed)
    objective = Objective(schema, learned, held, plan.choices.target, plan.seed)
    objective.check()
    return Tuning(space, objective, plan)


def judged_by(tuning: Tuning, file: Path, budget: Budget, minute_costs: float, told: Progress, hear: Hear) -> Found:
    """Search.

    Args:
        tuning: what, on which rows.
        file: keeps the trials.
        budget: how long.
        minute_costs: what a minute of training has to gain to be worth it.
        told: told how far it has come.
        hear: told of every trial.

    Raises:
        InputError: a study of another search, or a budget that no trial fits into.
        KeyboardInterrupt: Ctrl-C; the trials until then are kept.
    """
    study = Study(file, tuning.space, tuning.terms(minute_costs), tuning.plan.seed)
    told(0.0, "what real rows come to")
    began = now()
    real = tuning.objective.of_rows(tuning.objective.learned)
    budget.check(now() - began)

    def heard(asked: Asked, state: str, value: float | None) -> None:
        known = {} if value is None else {"loss": value, **asked.facts}
        hear(asked.number, state, {"settings": dict(asked.settings), **known})

    def fit(settings: Mapping[str, Any], telling: Progress) -> Artifact:
        return tuning.fit(settings, budget.training_s, telling)

    Search(study, fit, tuning.objective.of_artifact, minute_costs, budget, told).run(heard)
    return Found(tuning.space, study.trials, study.importance(), real, minute_costs)


def digest_of_schema(schema: TableSchema) -> str:
    """A hash of a table's columns, as 16 hexadecimal digits."""
    form = replace(schema, name="table").to_json()
    return digest(pa.table({"form": [json.dumps(form, sort_keys=True)]}))
