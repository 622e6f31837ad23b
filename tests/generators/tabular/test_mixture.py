from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import generators
from generators.base import Generator
from generators.randomness import uniforms
from generators.task import Task
from schemas.errors import InputError
from tests.generators.tables import assert_marginals_are_the_profiles, orders

ROWS = 20_000
SETTINGS = {"components": 100, "cells": 48, "max_seconds": 10.0}


@pytest.fixture(scope="module")
def model() -> Generator:
    table, schema = orders()
    return generators.load("tabular.mixture").fit(Task.of(table, schema, SETTINGS))


def drawn(model: Generator, given: dict[str, object] | None = None, rows: int = ROWS) -> pd.DataFrame:
    return model.sample(rows, uniforms((1, 2), 0, rows, model.width), given).to_pandas()


def test_marginals_are_the_profiles(model: Generator) -> None:
    assert_marginals_are_the_profiles(model, ROWS)


def test_columns_go_together_as_they_do_in_the_table(model: Generator) -> None:
    real, made = orders()[0].to_pandas(), drawn(model)
    numbers = ["size", "exact", "pieces"]
    off = real[numbers].corr("spearman") - made[numbers].corr("spearman")
    assert np.abs(off.to_numpy()).max() < 0.12
    by_colour = [f.groupby("colour", observed=True)["size"].mean() for f in (real, made)]
    assert np.abs(by_colour[0] - by_colour[1]).max() < 0.2


def test_values_go_missing_together(model: Generator) -> None:
    made = drawn(model)
    gone = made[["pieces", "paid", "plate"]].isna()
    assert (gone.all(axis=1) == gone.any(axis=1)).mean() > 0.995
    assert gone["pieces"].mean() == pytest.approx(orders()[0].to_pandas()["pieces"].isna().mean(), abs=0.01)


def test_several_given_columns_move_the_rest_as_in_the_draws_that_have_them(model: Generator) -> None:
    free, held = drawn(model, rows=200_000), drawn(model, {"colour": "red", "paid": False})
    alike = free[(free["colour"] == "red") & (free["paid"] == False)]  # noqa: E712
    assert len(alike) > 5_000
    for column in ("size", "exact", "pieces"):
        values = [f[column].dropna().astype(float) for f in (alike, held)]
        shares = [np.quantile(each, np.linspace(0.05, 0.95, 19)) for each in values]
        assert np.abs(shares[0] - shares[1]).max() < 0.12, column


def test_there_are_no_more_kinds_than_rows_can_tell_of() -> None:
    table, schema = orders(200)
    model = generators.load("tabular.mixture").fit(Task.of(table, schema, SETTINGS))
    assert len(model.weights()["shares"]) == 5


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    table, schema = orders(50)
    asked = {"components": 0, "cells": 1, "max_seconds": float("nan")}
    with pytest.raises(InputError) as refused:
        generators.load("tabular.mixture").fit(Task.of(table, schema, asked))
    assert refused.value.faults == (
        "components=0: must be at least 1",
        "cells=1: must be at least 2",
        "max_seconds=nan: must be at least 0.0",
    )
