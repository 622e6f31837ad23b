from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import generators
from generators.base import Generator
from generators.scan import scan
from generators.tabular.diffusion import Diffusion, calibrated
from generators.task import Task
from schemas.errors import InputError
from schemas.table import Column, Kind
from tests.generators.tables import assert_marginals_are_the_profiles, orders, quick
from tests.generators.tables import table as made_of
from tests.generators.tabular.laws import (
    assert_correlations_are_the_tables,
    assert_drawing_needs_no_torch,
    assert_the_rest_follows,
    assert_values_go_missing_together,
    drawn,
)

ROWS = 8_000
DIFFUSION = generators.load("tabular.diffusion")
SETTINGS = generators.settings_for(DIFFUSION, {"width": 64, "steps": 8, "max_epochs": 25})


@pytest.fixture(scope="module")
def model() -> Generator:
    table, schema = orders(ROWS)
    return DIFFUSION.fit(Task.of(table, schema, SETTINGS))


def test_marginals_are_the_profiles(model: Generator) -> None:
    assert_marginals_are_the_profiles(model, 20_000)


def test_columns_go_together_as_they_do_in_the_table(model: Generator) -> None:
    assert_correlations_are_the_tables(model, ROWS, 0.1)


def test_values_go_missing_together(model: Generator) -> None:
    assert_values_go_missing_together(model, 0.97)


@pytest.mark.parametrize("given", [{"colour": "red"}, {"pieces": 3, "paid": True}, {"plate": None}])
def test_any_columns_may_be_given_and_the_rest_follows_as_in_the_draws_that_have_them(
    model: Generator, given: dict[str, object]
) -> None:
    assert_the_rest_follows(model, given, 60_000, 1_000)


def test_drawing_needs_no_torch(tmp_path: Path) -> None:
    made = quick("tabular.diffusion", "orders")
    scan(made.schema, made.profile, made.generator.weights())
    assert_drawing_needs_no_torch("tabular.diffusion", tmp_path)


def test_the_same_seed_makes_the_same_artifact_and_another_another() -> None:
    table, schema = orders(300)
    short = generators.settings_for(DIFFUSION, {"width": 8, "steps": 2, "max_epochs": 1})

    def weights(seed: int) -> list[bytes]:
        fitted = DIFFUSION.fit(replace(Task.of(table, schema, short), seed=seed))
        return [array.tobytes() for array in fitted.weights().values()]

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_a_column_of_very_many_values_takes_few_states() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    words = [f"w{k}" for k in rng.permutation(100_000)]
    made = made_of(
        [(Column("c", Kind.CATEGORY, public=True), words), (Column("b", Kind.BOOLEAN), [w < "w5" for w in words])]
    )
    short = generators.settings_for(DIFFUSION, {"width": 8, "steps": 2, "max_epochs": 1, "max_seconds": 0.0})
    model = DIFFUSION.fit(Task.of(*made, short))
    assert max(array.size for array in model.weights().values()) < 20_000
    assert drawn(model, rows=2_000)["c"].nunique() > 1_900


def test_calibration_gives_states_the_shares_of_the_table(model: Generator) -> None:
    assert isinstance(model, Diffusion)
    layout, denoiser = model._layout, model._denoiser
    rng = np.random.Generator(np.random.PCG64(1))
    off = denoiser.biased(rng.normal(0, 0.5, layout.states))
    fixed, _ = calibrated(off, layout, 3)
    again = Diffusion(model.schema, model.profile, model.surrogates, layout, fixed, model._knots, 24)
    assert_marginals_are_the_profiles(again, 20_000)


def test_without_torch_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("generators.neural.diffusion_module", "generators.neural.training"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    table, schema = orders(50)
    with pytest.raises(InputError, match=r"needs torch; pip install 'synthstream\[nn\]', or choose tabular.mixture"):
        DIFFUSION.fit(Task.of(table, schema, SETTINGS))


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    table, schema = orders(50)
    asked = {
        "width": 0,
        "states": 0,
        "steps": 0,
        "learning_rate": 0.0,
        "max_seconds": float("nan"),
        "max_epochs": 0,
    }
    with pytest.raises(InputError) as refused:
        DIFFUSION.fit(Task.of(table, schema, asked))
    assert refused.value.faults == (
        "width=0: must be at least 4",
        "states=0: must be at least 1",
        "steps=0: must be at least 1",
        "max_seconds=nan: must be at least 0",
        "max_epochs=0: must be at least 1",
        "learning_rate=0.0: must be above 0",
    )
