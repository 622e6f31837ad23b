"""The laws of likelihood, for every generator that has one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import generators
from generators.sampler import Sampler
from schemas.errors import InputError
from tests.generators.tables import AWKWARD, orders, quick

ABLE = tuple(name for name in generators.names() if generators.load(name).log_likelihood is not Sampler.log_likelihood)


@pytest.mark.parametrize("name", ABLE)
@pytest.mark.parametrize("table", sorted(AWKWARD))
def test_every_row_has_a_likelihood_of_its_own(name: str, table: str) -> None:
    generator, rows = quick(name, table).generator, AWKWARD[table]()[0]
    found = generator.log_likelihood(rows)
    assert found.shape == (rows.num_rows,)
    assert (found <= 1e-5).all()
    again = generator.log_likelihood(rows.slice(rows.num_rows // 2))
    np.testing.assert_allclose(again, found[rows.num_rows // 2 :], atol=1e-4)


@pytest.mark.parametrize("name", ABLE)
def test_rows_put_together_anew_are_less_likely(name: str) -> None:
    """Shuffling one column keeps its marginal and breaks what it has to do with the others."""
    generator, table = quick(name, "orders").generator, orders()[0]
    rng = np.random.Generator(np.random.PCG64(4))
    shuffled = table.set_column(
        table.column_names.index("size"), table.field("size"), table["size"].take(rng.permutation(len(table)))
    )
    real, broken = generator.log_likelihood(table), generator.log_likelihood(shuffled)
    off = (real - broken).std() / np.sqrt(len(table))
    assert (real - broken).mean() > 5 * off


@pytest.mark.parametrize("name", ABLE)
def test_of_one_column_the_chances_are_its_shares(name: str) -> None:
    generator = quick(name, "one_column").generator
    both = pa.table({"c": ["a", "b"]}).cast(generator.schema.arrow_schema)
    assert np.exp(generator.log_likelihood(both)).tolist() == pytest.approx([0.5, 0.5], abs=0.05)


@pytest.mark.parametrize("name", sorted(set(generators.names()) - set(ABLE)))
def test_one_that_can_not_says_so_in_one_line(name: str) -> None:
    with pytest.raises(InputError, match="can not say how likely rows are"):
        quick(name, "orders").generator.log_likelihood(orders()[0])
