"""`synthstream train`, `inspect`, `models`: from a table to an artifact, and what an artifact is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

import generators
from generators.artifact import Artifact, check_folder, load_artifact
from generators.neural.launch import Launch
from generators.start import Keep
from generators.task import Progress as Told
from schemas.errors import InputError
from schemas.rows import Rows
from stream_app import training
from stream_app.choosing import AUTO, BUDGET_S, Budget, choose
from stream_app.commands.column_options import AskedColumns, column_options
from stream_app.commands.real_rows import AskedRows, rows_options
from stream_app.options import as_json, dry_run, show
from stream_app.report import artifact_report, print_columns, print_rules
from stream_app.terminal import progress_bar

FOR_PROGRAMS = ("avro", "profile", "rules", "table_facts", "considered", "tried")
"""What only `--json` shows of an artifact; people get tables of the columns and the rules."""


def settings_of(model: str, pairs: Sequence[str], before: Artifact | None) -> dict[str, Any]:
    """A model's settings: those asked for, else those of the artifact that training goes on from, else the defaults.

    Args:
        model: the generator's name.
        pairs: as `--set` takes them, NAME=VALUE.
        before: the artifact, if there is one.

    Raises:
        InputError: settings that do not read, or that the model does not know.
    """
    generator = generators.load(model)
    kept = {} if before is None else {k: v for k, v in before.manifest["settings"].items() if k in generator.SETTINGS}
    return generators.settings_for(generator, kept | _settings(pairs))


def _settings(pairs: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: expected NAME=VALUE, as in --set epochs=20")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
    return settings


@dataclass(frozen=True)
class Asked(AskedRows, AskedColumns):
    """The flags of `train`.

    Raises:
        InputError: flags that contradict each other.
    """

    out: Path
    model: str
    seed: int
    name: str | None
    settings: tuple[str, ...]
    rules: Path | None
    schema: Path | None
    like_topic: str | None
    checkpoint: Path | None
    checkpoint_every: float
    resume: bool
    warm_start: Path | None
    device: str
    max_seconds: float | None
    tries: int | None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice()
        if self.schema is not None and self.like_topic is not None:
            raise InputError(f"--schema {self.schema} and --like-topic {self.like_topic}: give one of them, not both")

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

    @property
    def table_name(self) -> str:
        """The table's name: given, or the file's without its endings, or the topic's."""
        if self.name is not None:
            return self.name
        return str(self.from_topic) if self.table is None else self.table.name.split(".")[0]

    def training(self) -> training.Training:
        """What to train, and how, before the rows are read."""
        keep = keep_of(self.checkpoint, self.checkpoint_every, self.resume)
        before = None if self.warm_start is None else load_artifact(self.warm_start)
        model = generators.names()[0] if self.model == AUTO else self.model  # one that stands in until rows are read
        settings = settings_of(model, self.settings, before)
        rules = () if self.rules is None else training.rules_of_file(self.rules)
        plan = training.Training(model, self.table_name, self.choices, self.seed, settings)
        device = "cpu" if self.model == AUTO else self.device  # which is the chosen model's to use
        return replace(plan, rules=rules, keep=keep, before=before, device=device)

    def real(self, told: Told) -> tuple[Rows, dict[str, Any] | None]:
        """The real rows, and the Avro schema to keep to, if any."""
        wire = None if self.schema is None else training.schema_of_file(self.schema)
        topic = self.from_topic if self.like_topic is None else self.like_topic
        with self.outside(topic is not None) as outside:
            if wire is None and topic is not None and outside is not None:
                wire = training.schema_of_topic(outside, topic)
            return self.read(outside, told), wire


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


def device(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --device."""
    words = click.Choice(["cpu", "cuda", "auto"])
    told = "What to train on; auto is CUDA where it is, else the CPU."
    return click.option("--device", type=words, default="cpu", show_default=True, help=told)(command)


def keep_of(folder: Path | None, every_s: float, resume: bool) -> Keep | None:
    """Where checkpoints are, as these options say.

    Raises:
        InputError: a folder that can not be one of checkpoints, or none to resume from.
    """
    if resume and folder is None:
        raise InputError("--resume: needs --checkpoint FOLDER, where the checkpoint to go on from is")
    return None if folder is None else Keep(folder, every_s, resume)


@click.command("train")
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the artifact; replaced whole.")
@click.option(
    "--model",
    default="tabular.copula",
    show_default=True,
    help="Generator; `synthstream models` lists them, auto takes the one that suits the table.",
)
@click.option("--max-seconds", type=float, metavar="SECONDS", help="With --model auto: how long training may take.")
@click.option(
    "--try", "tries", type=click.IntRange(1), metavar="N", help="With --model auto: try so many on rows held back."
)
@column_options
@click.option("--seed", default=0, show_default=True, help="Seeds training.")
@click.option("--name", help="Name of the table and of the Avro record; the file's name by default.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the generator; repeatable.")
@click.option("--rules", type=click.Path(path_type=Path), help="YAML file of rules that every record is to meet.")
@click.option("--schema", type=click.Path(path_type=Path), help="Publish under this Avro schema (.avsc), as it is.")
@click.option("--like-topic", metavar="TOPIC", help="Publish under the schema registered for this topic.")
@rows_options
@click.option(
    "--warm-start",
    type=click.Path(path_type=Path),
    metavar="ARTIFACT",
    help="Begin with the weights of this artifact of the same model, as far as its columns fit.",
)
@checkpoints
@device
@dry_run
@as_json
def train_command(as_json: bool, dry_run: bool, **flags: Any) -> None:
    """Train a generator on TABLE (CSV, CSV.gz, JSON lines, Parquet) or on a topic, and save the artifact."""
    asked = Asked(**flags)
    check_folder(asked.out)
    plan, budget = asked.training(), asked.budget if asked.model == AUTO else None
    with progress_bar(quiet=as_json or not Launch.here().is_first) as told:
        raw, wire = asked.real(told)
        plan = replace(plan, wire=wire)
        if budget is not None:
            plan = choose(raw, plan, budget, told)
        if dry_run:
            schema, left_out = training.checked(raw, plan)
        else:
            artifact = training.train(raw, plan, asked.out, told)
    if dry_run:
        found = {"table": plan.name, "rows": raw.count, "columns": list(schema.names), "would_write": str(asked.out)}
        found |= {"model": plan.model, "chosen_because": plan.chosen["chosen_because"]} if plan.chosen else {}
        show({**found, **({"rules": len(plan.rules), "rows_breaking": left_out} if plan.rules else {})}, as_json)
    elif Launch.here().is_first:
        report(artifact, asked.out, as_json)


def report(artifact: Artifact, folder: Path, as_json: bool) -> None:
    """Print what an artifact is."""
    facts = artifact_report(artifact, folder)
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
