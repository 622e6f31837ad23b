"""`synthstream score`: how likely an artifact finds rows."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from generators.artifact import load_artifact
from schemas.errors import InputError
from stream_app import training
from stream_app.options import as_json, show

NORMAL_95 = 1.96
"""So many standard errors on both sides of a mean hold it in 95 of 100 samples."""


@click.command("score")
@click.argument("artifact", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@as_json
def score_command(artifact: Path, table: Path, as_json: bool) -> None:
    """Say how likely ARTIFACT finds the rows of TABLE: the mean log-likelihood in nats a row, with its 95 % interval.

    Higher is likelier. Rows that were held back from training score as high as those it was trained on, unless it
    learned them by heart.
    """
    model = load_artifact(artifact)
    rows = training.of_artifact(training.rows_of_file(table), model)
    if not rows.count:
        raise InputError(f"table={table}: has no rows to score")
    found = np.concatenate([model.generator.log_likelihood(piece) for piece in rows.pieces()])
    mean, off = float(found.mean()), NORMAL_95 * float(found.std()) / np.sqrt(len(found))
    facts = {"artifact": model.identity, "rows": len(found), "nats_a_row": mean, "low": mean - off, "high": mean + off}
    show(facts, as_json)
