from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import generators
from generators.artifact import load_artifact, save
from generators.fitting import artifact_from, fit_artifact
from generators.golden import golden_hash
from generators.randomness import uniforms
from generators.sampler import Sampler
from generators.scan import scan
from generators.start import Keep, Start
from generators.tabular.hybrid import Hybrid
from generators.tabular.nade import Nade
from generators.task import Task
from schemas.errors import InputError
from schemas.rows import Rows
from tests.generators.tables import assert_marginals_are_the_profiles, ignore, orders

ROWS = 20_000
SMALL = {"pool": 20_000, "trees": 1, "model": "tabular.marginals"}


def fitted(settings: dict[str, object] | None = None, rows: int = 4_000) -> Hybrid:
    table, schema = orders(rows)
    return Hybrid.fit(Task.of(table, schema, generators.settings_for(Hybrid, SMALL | (settings or {}))))


@pytest.fixture(scope="module")
def model() -> Hybrid:
    """Over columns that know nothing of each other: all that it knows is in the weights."""
    return fitted()


def drawn(model: Sampler, given: dict[str, object] | None = None, rows: int = ROWS) -> pd.DataFrame:
    return model.sample(rows, uniforms((1, 2), 0, rows, model.width), given).to_pandas()


def test_marginals_are_the_profiles(model: Hybrid) -> None:
    assert_marginals_are_the_profiles(model, ROWS)


def test_columns_go_together_that_the_model_behind_knows_nothing_of(model: Hybrid) -> None:
    real, made, behind = orders(4_000)[0].to_pandas(), drawn(model), drawn(model._behind)
    numbers = ["size", "exact", "pieces"]
    wanted, found, before = (frame[numbers].corr("spearman").to_numpy() for frame in (real, made, behind))
    assert np.abs(wanted - before).max() > 0.5
    assert np.abs(wanted - found).max() < 0.25
    by_colour = [f.groupby("colour", observed=True)["size"].mean() for f in (real, made)]
    assert np.abs(by_colour[0] - by_colour[1]).max() < 0.3


def test_it_stays_as_far_from_the_table_as_rows_held_back_are(model: Hybrid) -> None:
    found = model.found["pool"]
    assert found["pairs"] == 28
    assert found["after"] >= min(found["held_back"], found["before"])
    assert 0 < found["counted"] <= 1


def test_given_columns_are_found_in_the_pool_where_enough_rows_have_them(model: Hybrid) -> None:
    free, held = drawn(model, rows=200_000), drawn(model, {"colour": "red"})
    alike = free[free["colour"] == "red"]
    for column in ("size", "exact"):
        values = [np.quantile(f[column].astype(float), np.linspace(0.1, 0.9, 9)) for f in (alike, held)]
        assert np.abs(values[0] - values[1]).max() < 0.1 * free[column].std()
    assert alike["paid"].isna().mean() == pytest.approx(held["paid"].isna().mean(), abs=0.02)


def test_where_few_rows_of_the_pool_have_what_is_given_the_model_behind_draws(model: Hybrid) -> None:
    n = 500
    pieces = pa.array(np.where(np.arange(n) % 2 == 0, 3, 10))
    given = {"pieces": pieces, "colour": "red", "paid": False}
    u = uniforms((1, 2), 0, n, model.width)
    batch = model.sample(n, u, given)
    assert batch.column("pieces").to_pylist() == pieces.to_pylist()
    behind = model._behind.sample(n, u[:, : model._behind.width], given)
    few = np.arange(1, n, 2)  # hardly any row of the pool is red and of so many pieces
    learned = ["size", "exact", "day", "at"]
    assert batch.take(few).select(learned).to_pylist() == behind.take(few).select(learned).to_pylist()
    assert batch.take(few - 1).select(learned).to_pylist() != behind.take(few - 1).select(learned).to_pylist()
    assert len(set(batch.column("id").to_pylist())) == n


def test_the_artifact_holds_cells_weights_and_the_model_behind(tmp_path: Path) -> None:
    table, schema = orders(2_000)
    made = fit_artifact(table, schema, "tabular.hybrid", SMALL | {"pool": 3_000}, 0, ignore, reference_rows=1)
    weights = made.generator.weights()
    assert weights["pool"].dtype == np.uint8
    assert weights["pool"].shape == (3_000, 8)
    assert weights["pool_weights"].sum() == pytest.approx(1, abs=1e-4)
    scan(schema, made.profile, weights)
    assert made.manifest["found"]["pool"]["rounds"] >= 0
    save(made, tmp_path / "made")
    assert golden_hash(load_artifact(tmp_path / "made")) == golden_hash(made)


def test_another_model_may_be_behind_with_its_own_settings_and_checkpoints(tmp_path: Path) -> None:
    table, schema = orders(600)
    start = Start("tabular.hybrid", Keep(tmp_path / "kept", 0.0))
    settings = {"model": "tabular.nade", "max_epochs": 1, "pool": 1_000, "trees": 0}
    model = artifact_from(Rows.of(table), schema, start, settings, 0, ignore, 1).generator
    assert isinstance(model, Hybrid)
    assert isinstance(model._behind, Nade)
    assert model._behind._cells.fineness == 100
    assert start.keep is not None
    assert start.keep.file.exists()
    with pytest.raises(InputError, match="can not say how likely rows are"):
        model.log_likelihood(table)


def test_what_the_model_behind_can_not_do_is_refused_as_it_refuses_it(tmp_path: Path) -> None:
    table, schema = orders(300)
    start = Start("tabular.hybrid", Keep(tmp_path / "kept"))
    with pytest.raises(InputError, match=r"checkpoint=.*: tabular.mixture is trained in one go; leave it out"):
        artifact_from(Rows.of(table), schema, start, {}, 0, ignore, 1)
    before = fit_artifact(table, schema, "tabular.hybrid", {"pool": 1_000, "trees": 0}, 0, ignore, reference_rows=1)
    start = Start("tabular.hybrid", before=before)
    with pytest.raises(InputError, match=r"artifact's pool is of tabular.mixture; --set model=tabular.mixture"):
        artifact_from(Rows.of(table), schema, start, {"model": "tabular.nade"}, 0, ignore, 1)


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as refused:
        fitted({"model": "tabular.hybrid", "pool": 10, "trees": -1, "pairs": -1, "rounds": -1, "cells": 1})
    assert refused.value.faults[:5] == (
        "pool=10: must be at least 1000",
        "trees=-1: must be at least 0",
        "pairs=-1: must be at least 0",
        "rounds=-1: must be at least 0",
        "cells=1: must be at least 2",
    )
    assert refused.value.faults[5].startswith("model=tabular.hybrid: must be another model; choose one of tabular.")
