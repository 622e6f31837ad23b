from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import generators
from generators.artifact import Artifact, load_artifact, save
from generators.base import Generator
from generators.fitting import artifact_from, fit_artifact
from generators.golden import golden_hash
from generators.randomness import uniforms
from generators.sampler import Sampler
from generators.scan import scan
from generators.start import Start
from generators.task import Task
from schemas.errors import InputError
from schemas.rows import Rows
from schemas.table import Column, Kind, Role, TableSchema
from tests.generators.tables import assert_marginals_are_the_profiles, ignore, orders
from tests.generators.tables import table as made_of
from tests.generators.tabular.laws import (
    assert_correlations_are_the_tables,
    assert_drawing_needs_no_torch,
    assert_the_rest_follows,
    assert_values_go_missing_together,
    drawn,
)

TRAINED_ROWS = ROWS = 20_000
NADE = generators.load("tabular.nade")
SETTINGS = generators.settings_for(NADE, {"width": 48, "cells": 48})


@pytest.fixture(scope="module")
def model() -> Generator:
    table, schema = orders(TRAINED_ROWS)
    return NADE.fit(Task.of(table, schema, SETTINGS))


def test_marginals_are_the_profiles(model: Generator) -> None:
    assert_marginals_are_the_profiles(model, ROWS)


def test_columns_go_together_as_they_do_in_the_table(model: Generator) -> None:
    assert_correlations_are_the_tables(model, TRAINED_ROWS, 0.08)


def test_values_go_missing_together(model: Generator) -> None:
    assert_values_go_missing_together(model, 0.99)


@pytest.mark.parametrize("given", [{"colour": "red"}, {"pieces": 3, "paid": True}, {"plate": None}])
def test_any_columns_may_be_given_and_the_rest_follows_as_in_the_draws_that_have_them(
    model: Generator, given: dict[str, object]
) -> None:
    assert_the_rest_follows(model, given, 200_000, 2_000)


def test_drawing_needs_no_torch(tmp_path: Path) -> None:
    assert_drawing_needs_no_torch("tabular.nade", tmp_path)


def test_without_torch_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("generators.neural.nade_module", "generators.neural.training"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    table, schema = orders(50)
    with pytest.raises(InputError, match=r"needs torch; pip install 'synthstream\[nn\]', or choose tabular.mixture"):
        NADE.fit(Task.of(table, schema, SETTINGS))


@pytest.fixture(scope="module")
def answered() -> tuple[pa.Table, TableSchema]:
    """A target that follows from two columns together, and that may be missing."""
    rng = np.random.Generator(np.random.PCG64(5))
    rows = 3_000
    n, flag = rng.normal(0, 1, rows).round(2), rng.random(rows) < 0.5
    told = ((n > 0) ^ flag) ^ (rng.random(rows) < 0.1)
    gone = rng.random(rows) < 0.06
    target = [None if g else "yes" if t else "no" for g, t in zip(gone, told, strict=True)]
    return made_of(
        [
            (Column("t", Kind.CATEGORY, nullable=True, role=Role.TARGET), target),
            (Column("n", Kind.NUMBER, decimals=2), n.tolist()),
            (Column("flag", Kind.BOOLEAN), flag.tolist()),
        ]
    )


@pytest.fixture(scope="module")
def headed(answered: tuple[pa.Table, TableSchema]) -> Artifact:
    """Trained too shortly for the network to tell the target."""
    return fit_artifact(*answered, "tabular.nade", {"max_epochs": 1}, 0, ignore, reference_rows=1)


def of_the_target(model: Sampler, n: float, flag: bool) -> dict[str | None, float]:
    """The chances of the target's values in a row, by what the model says of whole rows."""
    values = [None, "no", "yes"]
    rows = pa.table({"t": values, "n": [n] * 3, "flag": [flag] * 3}).cast(model.schema.arrow_schema)
    chances = np.exp(model.log_likelihood(rows))
    return dict(zip(values, (chances / chances.sum()).tolist(), strict=True))


def test_a_target_that_trees_tell_better_is_drawn_by_them_and_the_manifest_says_so(headed: Artifact) -> None:
    found = headed.manifest["found"]["head"]
    assert found["drawn_by"] == "trees"
    assert found["trees_nats"] < found["network_nats"]
    assert "head.leaves" in headed.generator.weights()
    scan(headed.schema, headed.profile, headed.generator.weights())
    made = headed.generator.sample(ROWS, uniforms((1, 2), 0, ROWS, headed.generator.width)).to_pandas().dropna()
    assert (((made["n"] > 0) ^ made["flag"]) == (made["t"] == "yes")).mean() == pytest.approx(0.9, abs=0.03)


def test_with_trees_too_marginals_are_the_profiles(headed: Artifact) -> None:
    assert_marginals_are_the_profiles(headed.generator, ROWS)


@pytest.mark.parametrize(("n", "flag"), [(-1.0, True), (0.8, True), (0.8, False)])
def test_the_target_is_drawn_by_the_chances_that_the_likelihood_has(headed: Artifact, n: float, flag: bool) -> None:
    model = headed.generator
    made = drawn(model, {"n": n, "flag": flag})["t"]
    shares = made.value_counts(normalize=True).to_dict() | {None: made.isna().mean()}
    expected = of_the_target(model, n, flag)
    assert shares["yes"] * (1 - shares[None]) == pytest.approx(expected["yes"], abs=0.015)
    assert shares[None] == pytest.approx(expected[None], abs=0.015)


@pytest.mark.parametrize("value", ["yes", None])
def test_where_the_target_is_given_the_network_draws_as_without_trees(headed: Artifact, value: str | None) -> None:
    weights = {n: a for n, a in headed.generator.weights().items() if not n.startswith("head.")}
    plain = NADE.from_weights(weights, headed.schema, headed.profile)
    assert drawn(plain, {"t": value}, 500).equals(drawn(headed.generator, {"t": value}, 500))
    assert not drawn(plain, rows=500).equals(drawn(headed.generator, rows=500))


def test_an_artifact_with_trees_comes_back_and_fits_again_to_the_byte(
    headed: Artifact, answered: tuple[pa.Table, TableSchema], tmp_path: Path
) -> None:
    save(headed, tmp_path / "made")
    again = load_artifact(tmp_path / "made")
    assert golden_hash(again) == golden_hash(headed)
    assert drawn(again.generator, rows=500).equals(drawn(headed.generator, rows=500))
    fitted = fit_artifact(*answered, "tabular.nade", {"max_epochs": 1}, 0, ignore, reference_rows=1)
    assert fitted.identity == headed.identity


def test_without_the_head_the_network_draws_the_target(answered: tuple[pa.Table, TableSchema]) -> None:
    asked = {"max_epochs": 1, "head": False}
    made = fit_artifact(*answered, "tabular.nade", asked, 0, ignore, reference_rows=1)
    assert "found" not in made.manifest
    assert not any(name.startswith("head.") for name in made.generator.weights())


def test_an_update_chooses_anew_by_the_new_rows(headed: Artifact, answered: tuple[pa.Table, TableSchema]) -> None:
    table, schema = answered
    rng = np.random.Generator(np.random.PCG64(6))
    blurred = table.set_column(0, table.field("t"), table["t"].take(rng.permutation(table.num_rows)))
    start = Start("tabular.nade", before=headed, gently=True)
    updated = artifact_from(Rows.of(blurred), schema, start, {"max_epochs": 1}, 0, ignore, reference_rows=1)
    found = updated.manifest["found"]["head"]
    assert found["trees_nats"] > headed.manifest["found"]["head"]["trees_nats"] + 0.1
    told = of_the_target(updated.generator, 0.8, True)
    assert told["yes"] == pytest.approx(0.47, abs=0.1)


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
