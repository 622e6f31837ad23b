import numpy as np
import pandas as pd
import pytest

import generators
from generators.randomness import uniforms
from generators.sampler import Sampler
from generators.task import Task
from schemas.bins import bins_of
from tests.generators.tables import flights, flights_artifact, orders

ROWS = 20_000


@pytest.fixture(scope="module")
def model() -> Sampler:
    table, schema = orders()
    return generators.load("tabular.copula").fit(Task.of(table, schema, {}))


def drawn(model: Sampler, given: dict[str, object] | None = None) -> pd.DataFrame:
    return model.sample(ROWS, uniforms((1, 2), 0, ROWS, model.width), given).to_pandas()


def test_marginals_are_the_profiles(model: Sampler) -> None:
    batch = model.sample(ROWS, uniforms((1, 2), 0, ROWS, model.width))
    for column in model.schema:
        bins = bins_of(column, model.profile[column.name])
        off = np.cumsum(bins.counts(batch.column(column.name)) / ROWS - bins.expected)
        assert np.abs(off).max() < 0.015, column.name


def test_columns_go_together_as_they_do_in_the_table(model: Sampler) -> None:
    real, made = orders()[0].to_pandas(), drawn(model)
    numbers = ["size", "exact", "pieces"]
    off = real[numbers].corr("spearman") - made[numbers].corr("spearman")
    assert np.abs(off.to_numpy()).max() < 0.05
    by_colour = [f.groupby("colour", observed=True)["size"].mean() for f in (real, made)]
    assert np.abs(by_colour[0] - by_colour[1]).max() < 0.25
    paid = [f.groupby(f["paid"].astype(str))["size"].mean() for f in (real, made)]
    assert np.abs(paid[0] - paid[1]).max() < 0.15


def test_values_go_missing_together(model: Sampler) -> None:
    made = drawn(model)
    gone = made[["pieces", "paid", "plate"]].isna()
    assert (gone.all(axis=1) == gone.any(axis=1)).all()
    assert gone["pieces"].mean() == pytest.approx(orders()[0].to_pandas()["pieces"].isna().mean(), abs=0.01)


@pytest.mark.parametrize("column", ["size", "exact", "at", "pieces"])
def test_a_given_category_moves_the_rest_as_in_the_draws_that_have_it(model: Sampler, column: str) -> None:
    free, held = drawn(model), drawn(model, {"colour": "red"})
    red = free[free["colour"] == "red"][column].dropna().astype(float if column != "at" else "int64").to_numpy()
    assert np.median(held[column].dropna().astype(red.dtype)) == pytest.approx(np.median(red), rel=0.15, abs=0.06)


def test_flights_miss_their_times_together_and_keep_their_order() -> None:
    flights()
    artifact = flights_artifact("tabular.copula")
    made = drawn(artifact.generator)
    gone = made["dep_time"].isna()
    assert gone.mean() == pytest.approx(8_255 / 336_776, abs=0.004)
    assert (made["dep_delay"].isna() == gone).all()
    assert (made.loc[gone, "arr_time"].isna()).all()
    assert made["air_time"].corr(made["distance"]) > 0.95
    assert made["dep_delay"].corr(made["arr_delay"], "spearman") > 0.55
