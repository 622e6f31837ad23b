"""What tests of trained generators have in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
import torch

import generators
from generators.artifact import save
from generators.base import Generator
from generators.fitting import artifact_from
from generators.golden import golden_hash
from generators.randomness import uniforms
from generators.sampler import Sampler
from generators.start import Keep, Start
from generators.task import Task
from schemas.rows import Rows
from tests.generators.tables import brief, ignore, orders, quick

ROWS = 20_000


def trained(name: str, epochs: int, rows: int, more: Mapping[str, int] = MappingProxyType({})) -> Generator:
    """A model of so many orders, with more settings than how many epochs."""
    table, schema = orders(rows)
    generator = generators.load(name)
    return generator.fit(Task.of(table, schema, generators.settings_for(generator, {"max_epochs": epochs, **more})))


def drawn(model: Sampler, given: dict[str, object] | None = None, rows: int = ROWS) -> pd.DataFrame:
    """Rows of the model."""
    return model.sample(rows, uniforms((1, 2), 0, rows, model.width), given).to_pandas()


def assert_correlations_are_the_tables(model: Generator, rows: int, within: float) -> None:
    """Numbers rise together, and differ by colour, as in so many orders."""
    real, made = orders(rows)[0].to_pandas(), drawn(model)
    numbers = ["size", "exact", "pieces"]
    off = real[numbers].corr("spearman") - made[numbers].corr("spearman")
    assert np.abs(off.to_numpy()).max() < within
    by_colour = [f.groupby("colour", observed=True)["size"].mean() for f in (real, made)]
    assert np.abs(by_colour[0] - by_colour[1]).max() < 0.2


def assert_values_go_missing_together(model: Generator, share: float) -> None:
    """Of the three columns that are missing together in orders, rows have all or none, in such a share of them."""
    gone = drawn(model)[["pieces", "paid", "plate"]].isna()
    assert (gone.all(axis=1) == gone.any(axis=1)).mean() > share


def assert_the_rest_follows(
    model: Generator, given: dict[str, object], rows: int, fewest: int, of_free: float = 0.5
) -> None:
    """Where columns are given the others are as in those of so many free rows that happen to have them.

    They are within such a part of how far all free rows are, or .15 of the spread.
    """
    free, held = drawn(model, rows=rows), drawn(model, given)
    alike = free
    for name, value in given.items():
        alike = alike[alike[name].isna() if value is None else alike[name] == value]
    assert len(alike) > fewest
    for column in {"size", "exact", "pieces"} - set(given):
        spread = free[column].astype(float).std()
        values = [f[column].dropna().astype(float) for f in (alike, held, free)]
        if min(map(len, values)) > 1_000:
            wanted, found, whole = (np.quantile(each, np.linspace(0.1, 0.9, 17)) for each in values)
            off, free_off = np.abs(found - wanted).mean(), np.abs(whole - wanted).mean()
            assert off < max(of_free * free_off, 0.15 * spread), column


def assert_columns_go_together(model: Generator) -> None:
    """A short training has found that numbers rise together, and differ by colour, as in the table."""
    real, made = orders(ROWS)[0].to_pandas(), drawn(model)
    assert made[["size", "exact"]].corr("spearman").to_numpy()[0, 1] > 0.1
    real_means, means = (f.groupby("colour", observed=True)["size"].mean() for f in (real, made))
    assert np.corrcoef(real_means, means[real_means.index])[0, 1] > 0.8


def assert_rows_come_nearer(name: str) -> None:
    """In a short game what is kept comes nearer to the rows held back than what there was after the first epoch."""
    table, schema = orders(4_000)
    generator, said = generators.load(name), list[str]()
    settings = generators.settings_for(generator, {"max_epochs": 25})
    task = replace(Task.of(table, schema, settings), progress=lambda share, what: said.append(what))
    generator.fit(task)
    off = [float(what.split()[2]) for what in said if what.startswith("epoch ")]
    assert len(off) == 25
    assert off[-1] < 0.95 * off[0]


def assert_drawing_needs_no_torch(name: str, folder: Path) -> None:
    """Another process that can not import torch draws the same."""
    made = quick(name, "orders")
    save(made, folder / "made")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path; from generators.artifact import load_artifact\n"
        "from generators.golden import golden_hash\n"
        "print(golden_hash(load_artifact(Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, str(folder / "made")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == golden_hash(made)


def assert_training_goes_on(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that was cut short ends as one that was not."""
    monkeypatch.setattr("generators.neural.checkpoints.MOST_OF_TIME", 1e9)
    table, schema = orders(700)

    def fit(keep: Keep | None) -> str:
        start = Start(name, keep)
        return artifact_from(Rows.of(table), schema, start, brief(name), 0, ignore, reference_rows=1).identity

    keep, cut = Keep(folder / "kept", 0.0, resume=True), [0]

    class Stopped(Exception):
        pass

    step = torch.optim.AdamW.step

    def counted(self: torch.optim.AdamW, *arguments: object) -> object:
        cut[0] += 1
        if cut[0] == 2:
            raise Stopped
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(torch.optim.AdamW, "step", counted)
        with pytest.raises(Stopped):
            fit(keep)
    assert fit(keep) == fit(None)
