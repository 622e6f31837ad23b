from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import generators
from generators.base import Generator
from generators.fitting import artifact_from, fit_artifact
from generators.start import Keep, Start
from generators.task import Task
from schemas.errors import InputError
from schemas.rows import Rows
from tests.generators.tables import assert_marginals_are_the_profiles, ignore, orders, quick
from tests.generators.tabular.laws import (
    assert_correlations_are_the_tables,
    assert_drawing_needs_no_torch,
    assert_the_rest_follows,
    assert_values_go_missing_together,
    drawn,
)

TRAINED_ROWS, ROWS = 8_000, 20_000
TRANSFORMER = generators.load("tabular.transformer")
SMALL = {"width": 32, "layers": 1, "cells": 40, "max_epochs": 8}


@pytest.fixture(scope="module")
def model() -> Generator:
    table, schema = orders(TRAINED_ROWS)
    return TRANSFORMER.fit(Task.of(table, schema, generators.settings_for(TRANSFORMER, SMALL)))


def test_marginals_are_the_profiles(model: Generator) -> None:
    assert_marginals_are_the_profiles(model, ROWS)


def test_columns_go_together_as_they_do_in_the_table(model: Generator) -> None:
    assert_correlations_are_the_tables(model, TRAINED_ROWS, 0.08)


def test_values_go_missing_together(model: Generator) -> None:
    assert_values_go_missing_together(model, 0.98)


@pytest.mark.parametrize("given", [{"colour": "red"}, {"plate": None}])
def test_any_columns_may_be_given_and_the_rest_follows_as_in_the_draws_that_have_them(
    model: Generator, given: dict[str, object]
) -> None:
    assert_the_rest_follows(model, given, 60_000, 2_000, of_free=0.0)


def test_a_column_is_drawn_by_the_chances_that_the_likelihood_has(model: Generator) -> None:
    """Of the last column in the order, where all others are given, these are the same."""
    row = orders(TRAINED_ROWS)[0].slice(4, 1)
    given = {n: row[n][0].as_py() for n in ("size", "exact", "pieces", "colour", "paid", "day", "at")}
    both = [
        row.set_column(8, row.field("plate"), pa.chunked_array([[plate]], pa.string())) for plate in ("B0001XY", None)
    ]
    chances = np.exp([model.log_likelihood(one)[0] for one in both])
    gone = drawn(model, given, 4_000)["plate"].isna().mean()
    assert gone == pytest.approx(chances[1] / chances.sum(), abs=0.02)


def test_drawing_needs_no_torch(tmp_path: Path) -> None:
    assert_drawing_needs_no_torch("tabular.transformer", tmp_path)


def test_training_goes_on_from_its_checkpoint_to_the_same_artifact(tmp_path: Path) -> None:
    table, schema = orders(600)
    asked = {"width": 16, "layers": 1, "max_epochs": 2}
    whole = fit_artifact(table, schema, "tabular.transformer", asked, 0, ignore, reference_rows=1)

    def cut_off(share: float, what: str) -> None:
        if what.startswith("closing"):
            raise KeyboardInterrupt

    start = Start("tabular.transformer", Keep(tmp_path / "kept", 0.0))
    with pytest.raises(KeyboardInterrupt):
        artifact_from(Rows.of(table), schema, start, asked, 0, cut_off, 1)
    start = Start("tabular.transformer", Keep(tmp_path / "kept", 0.0, resume=True))
    resumed = artifact_from(Rows.of(table), schema, start, asked, 0, ignore, 1)
    assert resumed.identity == whole.identity


def test_an_update_needs_the_same_width_and_layers() -> None:
    before = quick("tabular.transformer", "orders")
    table, schema = orders()
    start = Start("tabular.transformer", before=before)
    with pytest.raises(InputError) as refused:
        artifact_from(Rows.of(table), schema, start, {"width": 32, "layers": 2}, 0, ignore, 1)
    assert refused.value.faults == (
        "width=32: the artifact's network has 16; --set width=16",
        "layers=2: the artifact's network has 1; --set layers=1",
    )


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    table, schema = orders(50)
    settings = generators.settings_for(TRANSFORMER, {"width": 40, "layers": 0, "cells": 1, "forgotten": -1.0})
    with pytest.raises(InputError) as refused:
        TRANSFORMER.fit(Task.of(table, schema, settings))
    assert refused.value.faults == (
        "layers=0: must be at least 1",
        "cells=1: must be at least 2",
        "width=40: must be a multiple of 16, such as 32",
        "forgotten=-1.0: must be from 0 to below 1",
    )
