"""`synthstream tune`: which settings of a model suit a table, and the artifact that they train."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import click

from connectors.files import write_text
from connectors.runs import Run
from generators.artifact import Artifact, check_folder, save
from generators.neural.launch import Launch
from generators.task import Progress
from schemas.errors import InputError
from schemas.rows import Rows
from stream_app import training
from stream_app.assessment.learners import check_installed as check_learners
from stream_app.commands.asked_training import AskedTraining, settings_in, training_options
from stream_app.options import as_json, dry_run, show, track_option
from stream_app.terminal import interruptible, progress_bar
from stream_app.tracking import keep_artifact, keep_training, tracked
from stream_app.tuning.chart import PICTURES
from stream_app.tuning.report import Found, lines, print_found
from stream_app.tuning.search import Budget
from stream_app.tuning.space import Space
from stream_app.tuning.study import check_installed
from stream_app.tuning.tuned import Tuning, judged_by, tuning_of

INTERRUPTED = 130
"""What a command ends with after Ctrl-C."""


@dataclass(frozen=True)
class Asked(AskedTraining):
    """The flags of `tune`.

    Raises:
        InputError: flags that make no sense.
    """

    out: Path
    holdout: Path | None
    study: Path | None
    search: tuple[str, ...]
    trials: int
    max_seconds: float | None
    trial_seconds: float | None
    trial_rows: int
    minute_costs: float
    plot: Path | None
    track: str | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.plot is not None and self.plot.suffix not in PICTURES:
            raise InputError(f"plot={self.plot}: expected a name that ends in {' or '.join(PICTURES)}")
        if self.plot is not None and not self.plot.parent.is_dir():
            raise InputError(f"plot={self.plot}: there is no folder {self.plot.parent}; make it first")
        if not isfinite(self.minute_costs):
            raise InputError(f"minute_costs={self.minute_costs:g}: expected a finite number")
        if Launch.here().count > 1:
            raise InputError("tune: runs in one process; start it without torchrun")

    @property
    def study_file(self) -> Path:
        """Where the trials are kept."""
        return self.out.with_name(f"{self.out.name}.study") if self.study is None else self.study

    @property
    def budget(self) -> Budget:
        """How long to search."""
        return Budget(self.trials, self.max_seconds, self.trial_seconds)

    def tuning(self, told: Progress) -> tuple[Tuning, Rows, training.Training]:
        """What to try on which rows, with all rows and how the best settings are trained on them."""
        space = Space.of(self.model, settings_in(self.settings), self.search)
        plan = training.Training(self.model, self.table_name, self.choices, self.seed, space.fixed)
        plan = replace(plan, rules=self.rules_asked, device=self.device)
        real, wire = self.real(told)
        raw = real.rows
        plan = replace(plan, wire=wire)
        held = None if self.holdout is None else training.rows_of_file(self.holdout)
        return tuning_of(raw, held, plan, space, self.trial_rows), raw, plan


@click.command("tune")
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the artifact; replaced whole.")
@click.option("--holdout", type=click.Path(path_type=Path), help="Rows that judge; else a fifth of the table does.")
@click.option("--study", type=click.Path(path_type=Path), help="File that keeps the trials.  [default: OUT.study]")
@click.option("--search", multiple=True, metavar="NAME[=VALUES]", help="Only this, as in width=16..64; repeatable.")
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="So many trials in all.")
@click.option("--max-seconds", type=float, help="Search no longer; the last training comes on top.")
@click.option("--trial-seconds", type=float, help="A trial trains no longer.  [default: a fifth of --max-seconds]")
@click.option("--trial-rows", type=click.IntRange(100), default=50_000, show_default=True, help="A trial's most rows.")
@click.option("--minute-costs", type=click.FloatRange(0), default=0.002, show_default=True, help="A minute's loss.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the search: .svg or .html.")
@training_options("tabular.nade")
@track_option
@dry_run
@as_json
def tune_command(as_json: bool, dry_run: bool, **flags: Any) -> int:
    """Try settings of a model on TABLE, judge each by rows held back, and train the artifact with the best.

    A trial's loss adds up how well a classifier tells its rows from those held back, how far pairs of columns are off,
    what learners of --target lose, and what training costs. The defaults are tried first. Trials are kept in a file:
    the same command goes on from there, after Ctrl-C too.
    """
    asked = Asked(**flags)
    check_learners()
    check_installed()
    check_folder(asked.out)
    budget = asked.budget
    try:
        with (
            tracked(None if dry_run else asked.track, f"tune {asked.table_name}") as run,
            progress_bar(as_json) as bar,
            interruptible(bar) as told,
        ):
            told(0.0, "reading the table")
            tuning, raw, plan = asked.tuning(told)
            if dry_run:
                show({**tuning.to_json(), "study": str(asked.study_file), "would_write": str(asked.out)}, as_json)
                return 0
            keep_training(run, plan)
            found = judged_by(tuning, asked.study_file, budget, asked.minute_costs, told, partial(_kept, run))
            artifact = _trained(found, raw, plan, told)
            save(artifact, asked.out)
            keep_artifact(run, artifact)
    except KeyboardInterrupt:
        click.echo(f"synthstream: interrupted; the same command goes on from {asked.study_file}", err=True)
        return INTERRUPTED
    _report(found, artifact, asked, as_json)
    return 0


def _kept(run: Run, number: int, state: str, facts: dict[str, Any]) -> None:
    """Keep track of a trial."""
    trial = run.child(f"trial {number}")
    trial.params(facts.pop("settings"))
    trial.metrics({name: value for name, value in facts.items() if isinstance(value, float)})
    trial.tags({"state": state})
    trial.end("FINISHED" if state == "complete" else "KILLED" if state == "pruned" else "FAILED")


def _trained(found: Found, raw: Rows, plan: training.Training, told: Progress) -> Artifact:
    """The artifact of the best settings, on all rows."""
    best = replace(plan, settings={**plan.settings, **found.best.settings})
    artifact = training.train(raw, best, None, told)
    facts = {**artifact.manifest.get("found", {}), "tuned": found.manifest()}
    return replace(artifact, manifest={**artifact.manifest, "found": facts})


def _report(found: Found, artifact: Artifact, asked: Asked, as_json: bool) -> None:
    if asked.plot is not None:
        write_text("plot", asked.plot, PICTURES[asked.plot.suffix](found))
    facts = {"artifact": artifact.identity, "folder": str(asked.out), "study": str(asked.study_file)}
    if as_json:
        click.echo(json.dumps({**found.to_json(), **facts}))
        return
    print_found(found)
    show({**lines(found), **facts, **({} if asked.plot is None else {"plot": str(asked.plot)})}, False)
    more = f" with --trials {2 * asked.trials}" if len(found.trials) >= asked.trials else ""
    click.echo(f"\nto go on, the same command{more}")
