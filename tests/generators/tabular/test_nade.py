from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import generators
from generators.artifact import golden_hash, save
from generators.base import Generator
from generators.discrete.cells import cells_of
from generators.randomness import uniforms
from generators.tabular.nade import drawing_order
from generators.task import Task
from schemas.errors import InputError
from schemas.inference import Choices, conform, infer
from schemas.profile import profile_table
from tests.generators.tables import assert_marginals_are_the_profiles, orders, quick

TRAINED_ROWS = ROWS = 20_000
NADE = generators.load("tabular.nade")
SETTINGS = generators.settings_for(NADE, {"width": 48, "cells": 48})


@pytest.fixture(scope="module")
def model() -> Generator:
    table, schema = orders(TRAINED_ROWS)
    return NADE.fit(Task.of(table, schema, SETTINGS))


def drawn(model: Generator, given: dict[str, object] | None = None, rows: int = ROWS) -> pd.DataFrame:
    return model.sample(rows, uniforms((1, 2), 0, rows, model.width), given).to_pandas()


def test_marginals_are_the_profiles(model: Generator) -> None:
    assert_marginals_are_the_profiles(model, ROWS)


def test_columns_go_together_as_they_do_in_the_table(model: Generator) -> None:
    real, made = orders(TRAINED_ROWS)[0].to_pandas(), drawn(model)
    numbers = ["size", "exact", "pieces"]
    off = real[numbers].corr("spearman") - made[numbers].corr("spearman")
    assert np.abs(off.to_numpy()).max() < 0.08
    by_colour = [f.groupby("colour", observed=True)["size"].mean() for f in (real, made)]
    assert np.abs(by_colour[0] - by_colour[1]).max() < 0.2


def test_values_go_missing_together(model: Generator) -> None:
    made = drawn(model)
    gone = made[["pieces", "paid", "plate"]].isna()
    assert (gone.all(axis=1) == gone.any(axis=1)).mean() > 0.99


@pytest.mark.parametrize("given", [{"colour": "red"}, {"pieces": 3, "paid": True}, {"plate": None}])
def test_any_columns_may_be_given_and_the_rest_follows_as_in_the_draws_that_have_them(
    model: Generator, given: dict[str, object]
) -> None:
    free, held = drawn(model, rows=200_000), drawn(model, given)
    alike = free
    for name, value in given.items():
        alike = alike[alike[name].isna() if value is None else alike[name] == value]
    assert len(alike) > 2_000
    for column in {"size", "exact", "pieces"} - set(given):
        spread = free[column].astype(float).std()
        values = [f[column].dropna().astype(float) for f in (alike, held, free)]
        if min(map(len, values)) > 1_000:
            wanted, found, whole = (np.quantile(each, np.linspace(0.1, 0.9, 17)) for each in values)
            off, free_off = np.abs(found - wanted).mean(), np.abs(whole - wanted).mean()
            assert off < max(0.5 * free_off, 0.15 * spread), column


def test_the_target_is_drawn_last() -> None:
    table, _ = orders(200)
    schema = infer(table, "orders", choices=Choices("colour"))
    table = conform(table, schema)
    cells = cells_of(schema, profile_table(table, schema), 20)
    order = drawing_order(schema, cells).tolist()
    assert schema.columns[int(cells.columns[order[-1]])].name == "colour"
    assert order[:-1] == sorted(order[:-1])


def test_drawing_needs_no_torch(tmp_path: Path) -> None:
    made = quick("tabular.nade", "orders")
    save(made, tmp_path / "made")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path; from generators.artifact import golden_hash, load_artifact\n"
        "print(golden_hash(load_artifact(Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "made")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == golden_hash(made)


def test_without_torch_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("generators.neural.nade_module", "generators.neural.training"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    table, schema = orders(50)
    with pytest.raises(InputError, match=r"needs torch; pip install 'synthstream\[nn\]', or choose tabular.mixture"):
        NADE.fit(Task.of(table, schema, SETTINGS))


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    table, schema = orders(50)
    asked = {"width": 0, "cells": 1, "forgotten": 1.0, "max_seconds": float("nan"), "max_epochs": 0}
    with pytest.raises(InputError) as refused:
        NADE.fit(Task.of(table, schema, asked))
    assert refused.value.faults == (
        "width=0: must be at least 4",
        "cells=1: must be at least 2",
        "max_seconds=nan: must be at least 0",
        "max_epochs=0: must be at least 1",
        "forgotten=1.0: must be from 0 to below 1",
    )
