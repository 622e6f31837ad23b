"""`synthstream update`: an artifact goes on with rows it has not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from generators.artifact import check_folder, load_artifact
from generators.neural.launch import Launch
from schemas.inference import Choices
from stream_app import training
from stream_app.commands.asked_training import device, settings_of
from stream_app.commands.real_rows import AskedRows, rows_options
from stream_app.commands.train import checkpoints, keep_of, reference_option, report
from stream_app.options import as_json, dry_run, show
from stream_app.terminal import progress_bar


@dataclass(frozen=True)
class Asked(AskedRows):
    """The flags of `update`.

    Raises:
        InputError: as of `AskedRows`.
    """

    artifact: Path
    out: Path
    seed: int
    settings: tuple[str, ...]
    checkpoint: Path | None
    checkpoint_every: float
    resume: bool
    device: str
    reference_rows: int | None

    def training(self) -> training.Training:
        """What to train, and how, before the rows are read.

        Raises:
            InputError: an artifact that can not be updated, or flags that make no sense.
        """
        before = load_artifact(self.artifact)
        settings = settings_of(before.model, self.settings, before)
        keep = keep_of(self.checkpoint, self.checkpoint_every, self.resume)
        plan = training.Training(before.model, before.schema.name, Choices(), self.seed, settings)
        return replace(plan, keep=keep, before=before, device=self.device, reference_rows=self.reference_rows)


@click.command("update")
@click.argument("artifact", type=click.Path(path_type=Path))
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the artifact; replaced whole.")
@click.option("--seed", default=0, show_default=True, help="Seeds training.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the generator; repeatable.")
@rows_options
@reference_option
@checkpoints
@device
@dry_run
@as_json
def update_command(as_json: bool, dry_run: bool, **flags: Any) -> None:
    """Train ARTIFACT on with the rows of TABLE or the newest of a topic, in small steps, and save what comes of it.

    The rows must fit the artifact's schema, which stays. Marginals become theirs; how columns go together goes on from
    what was known.
    """
    asked = Asked(**flags)
    check_folder(asked.out)
    plan = asked.training()
    with progress_bar(quiet=as_json or not Launch.here().is_first) as told:
        with asked.outside() as outside:
            real = asked.read(outside, told)
        if dry_run:
            columns = list(training.fitting(real.rows, plan).table.column_names)
        else:
            artifact = training.update(real.rows, plan, asked.out, told)
    if dry_run:
        found = {"table": plan.name, "rows": real.rows.count, **real.facts, "columns": columns}
        show({**found, "would_write": str(asked.out)}, as_json)
    elif Launch.here().is_first:
        report(artifact, asked.out, as_json, real)
