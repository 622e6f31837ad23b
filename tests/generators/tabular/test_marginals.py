import numpy as np

import generators
from generators.randomness import uniforms
from generators.task import Task
from schemas.bins import bins_of
from schemas.profile import profile_table
from tests.generators.tables import orders


def test_columns_are_the_profiles_and_independent() -> None:
    table, schema = orders()
    profile = profile_table(table, schema)
    model = generators.load("tabular.marginals").fit(Task.of(table, schema, {}))
    batch = model.sample(20_000, uniforms((1, 2), 0, 20_000, model.width))
    for column in schema:
        bins = bins_of(column, profile[column.name])
        off = np.cumsum(bins.counts(batch.column(column.name)) / 20_000 - bins.expected)
        assert np.abs(off).max() < 0.015, column.name
    frame = batch.select(["size", "exact"]).to_pandas()
    assert abs(frame["size"].corr(frame["exact"])) < 0.03
    assert (batch.column("pieces").is_null().to_numpy(False) != batch.column("paid").is_null().to_numpy(False)).any()
