"""`synthstream train`, `inspect`, `models`: from a table to an artifact, and what an artifact is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

import generators
from generators.artifact import Artifact, check_folder, load_artifact
from generators.neural.launch import Launch
from generators.start import Keep
from schemas.errors import InputError
from stream_app import training
from stream_app.choosing import AUTO, BUDGET_S, Budget, choose
from stream_app.commands.asked_training import AskedTraining, settings_of, training_options
from stream_app.commands.real_rows import Real
from stream_app.options import as_json, dry_run, show, track_option
from stream_app.report import artifact_report, print_columns, print_rules
from stream_app.terminal import progress_bar
from stream_app.tracking import keep_artifact, keep_training, tracked, with_epochs

FOR_PROGRAMS = ("avro", "profile", "rules", "table_facts", "considered", "tried")
"""What only `--json` shows of an artifact; people get tables of the columns and the rules."""


@dataclass(frozen=True)
class Asked(AskedTraining):
    """The flags of `train`.

    Raises:
        InputError: flags that contradict each other.
    """

    out: Path
    checkpoint: Path | None
    checkpoint_every: float
    resume: bool
    warm_start: Path | None
    max_seconds: float | None
    tries: int | None
    track: str | None
    reference_rows: int | None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice()

    def _check_choice(self) -> None:
        """Refuse what does not go with a model that is named, or with one that is not."""
        if self.model != AUTO:
            faults = [f"{flag}: goes with --model auto" for flag, value in self._of_choice.items() if value is not None]
        else:
            one = {"--set": self.settings, "--checkpoint": self.checkpoint, "--warm-start": self.warm_start}
            faults = [f"{flag}: is for one model; name it with --model" for flag, value in one.items() if value]
            if Launch.here().count > 1:
                faults.append("model=auto: is chosen by one process; start it without torchrun, or name a model")
        if faults:
            raise InputError(*faults)

    @property
    def _of_choice(self) -> dict[str, float | None]:
        return {"--max-seconds": self.max_seconds, "--try": self.tries}

    @property
    def budget(self) -> Budget:
        """What there is to choose a model with.

        Raises:
            InputError: no time at all.
        """
        seconds = BUDGET_S if self.max_seconds is None else self.max_seconds
        return Budget(seconds, 0 if self.tries is None else self.tries, self.device)

    def training(self) -> training.Training:
        """What to train, and how, before the rows are read."""
        keep = keep_of(self.checkpoint, self.checkpoint_every, self.resume)
        before = None if self.warm_start is None else load_artifact(self.warm_start)
        model = generators.names()[0] if self.model == AUTO else self.model  # one that stands in until rows are read
        settings = settings_of(model, self.settings, before)
        plan = training.Training(model, self.table_name, self.choices, self.seed, settings)
        device = "cpu" if self.model == AUTO else self.device  # which is the chosen model's to use
        plan = replace(plan, rules=self.rules_asked, keep=keep, before=before, device=device)
        return replace(plan, reference_rows=self.reference_rows)


def checkpoints(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --checkpoint, --checkpoint-every and --resume."""
    folder = click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Keep there how far training has come; removed when it ends well.",
    )
    every = click.option(
        "--checkpoint-every",
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="Seconds between checkpoints; more where writing one takes long.",
    )
    resume = click.option(
        "--resume", is_flag=True, help="Go on from the checkpoint, if there is one, as if nothing had happened."
    )
    return folder(every(resume(command)))


def keep_of(folder: Path | None, every_s: float, resume: bool) -> Keep | None:
    """Where checkpoints are, as these options say.

    Raises:
        InputError: a folder that can not be one of checkpoints, or none to resume from.
    """
    if resume and folder is None:
        raise InputError("--resume: needs --checkpoint FOLDER, where the checkpoint to go on from is")
    return None if folder is None else Keep(folder, every_s, resume)


def reference_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --reference-rows."""
    return click.option(
        "--reference-rows",
        type=click.IntRange(1),
        metavar="N",
        help="How many rows it draws for monitors to compare a stream with: of more, a smaller drift is seen sooner. "
        "By default as many as are drawn quickly, ten million at the most.",
    )(command)


@click.command("train")
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the artifact; replaced whole.")
@training_options("tabular.copula", ", auto takes the one that suits the table")
@click.option("--max-seconds", type=float, metavar="SECONDS", help="With --model auto: how long training may take.")
@click.option(
    "--try", "tries", type=click.IntRange(1), metavar="N", help="With --model auto: try so many on rows held back."
)
@click.option(
    "--warm-start",
    type=click.Path(path_type=Path),
    metavar="ARTIFACT",
    help="Begin with the weights of this artifact of the same model, as far as its columns fit.",
)
@reference_option
@checkpoints
@track_option
@dry_run
@as_json
def train_command(as_json: bool, dry_run: bool, **flags: Any) -> None:
    """Train a generator on TABLE (CSV, CSV.gz, JSON lines, Parquet) or on a topic, and save the artifact."""
    asked = Asked(**flags)
    check_folder(asked.out)
    plan, budget = asked.training(), asked.budget if asked.model == AUTO else None
    is_first = Launch.here().is_first
    where = asked.track if is_first and not dry_run else None
    with tracked(where, f"train {plan.name}") as run, progress_bar(quiet=as_json or not is_first) as told:
        real, wire = asked.real(told)
        raw = real.rows
        plan = replace(plan, wire=wire)
        if budget is not None:
            plan = choose(raw, plan, budget, told)
        keep_training(run, plan)
        if dry_run:
            schema, left_out = training.checked(raw, plan)
        else:
            artifact = training.train(raw, plan, asked.out, with_epochs(told, run))
            keep_artifact(run, artifact)
    if dry_run:
        found = {"table": plan.name, "rows": raw.count, **real.facts, "columns": list(schema.names)}
        found |= {"would_write": str(asked.out)}
        found |= {"model": plan.model, "chosen_because": plan.chosen["chosen_because"]} if plan.chosen else {}
        show({**found, **({"rules": len(plan.rules), "rows_breaking": left_out} if plan.rules else {})}, as_json)
    elif is_first:
        report(artifact, asked.out, as_json, real)


def report(artifact: Artifact, folder: Path, as_json: bool, real: Real | None = None) -> None:
    """Print what an artifact is, and what it was trained on where that was read just now."""
    facts = artifact_report(artifact, folder) | ({} if real is None else real.facts)
    show({k: v for k, v in facts.items() if as_json or (k not in FOR_PROGRAMS and v != [])}, as_json)
    if not as_json:
        print_columns(artifact)
        print_rules(artifact)


@click.command("inspect")
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def inspect_command(folder: Path, as_json: bool) -> None:
    """Show what the artifact in FOLDER is, and whether it draws here the records it drew where it was trained."""
    report(load_artifact(folder), folder, as_json)


@click.command("models")
@as_json
def models_command(as_json: bool) -> None:
    """List the generators that `--model` takes."""
    show({name: generators.load(name).HELP for name in generators.names()}, as_json)
