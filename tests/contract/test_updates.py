"""The laws of going on from an artifact, for every generator: it can, or it says in one line that it can not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import generators
from generators.artifact import Artifact
from generators.fitting import artifact_from
from generators.start import Start
from schemas.errors import InputError
from schemas.profile import profile_table
from schemas.rows import Rows
from tests.generators.tables import (
    AWKWARD,
    Made,
    assert_marginals_are_the_profiles,
    brief,
    ignore,
    orders,
    quick,
)

ABLE = tuple(name for name in generators.names() if generators.load(name).UPDATES)


def updated(before: Artifact, made: Made, seed: int = 0) -> Artifact:
    start = Start(before.model, before=before, gently=True)
    return artifact_from(Rows.of(made[0]), before.schema, start, brief(before.model), seed, ignore, 1)


def shifted() -> pa.Table:
    """Orders of which those of one colour are gone, and most of the others are large."""
    table, _ = orders()
    colour, size = table["colour"].to_numpy(), table["size"].to_numpy()
    kept = table.filter((colour != "red") & (size > -0.5))
    return kept.slice(0, 1_500).combine_chunks()


@pytest.mark.parametrize("name", sorted(set(generators.names()) - set(ABLE)))
def test_one_that_can_not_says_so_in_one_line(name: str) -> None:
    with pytest.raises(InputError, match=f"model={name}: can not go on from an artifact; .* or choose ") as refused:
        Start(name, before=quick(name, "orders"))
    assert all(able in str(refused.value) for able in ABLE)


@pytest.mark.parametrize("name", ABLE)
def test_another_models_artifact_is_refused(name: str) -> None:
    other = next(able for able in ABLE if able != name)
    with pytest.raises(InputError, match=f"the artifact is of {other}; train with --model {other}, or leave it out"):
        Start(name, before=quick(other, "one_column"))


@pytest.mark.parametrize("name", ABLE)
def test_the_marginals_become_those_of_the_new_rows_and_the_rest_is_kept(name: str) -> None:
    before, new = quick(name, "orders"), shifted()
    after = updated(before, (new, before.schema))
    assert after.profile == profile_table(new, before.schema)
    assert "red" not in after.profile["colour"].values
    assert_marginals_are_the_profiles(after.generator, 20_000)
    assert after.identity != before.identity
    assert after.manifest["before"] == before.identity
    assert updated(before, (new, before.schema)).identity == after.identity


@pytest.mark.parametrize("name", ABLE)
@pytest.mark.parametrize("made", AWKWARD)
def test_awkward_tables_go_on_with_themselves(name: str, made: str) -> None:
    before = quick(name, made)
    after = updated(before, AWKWARD[made]())
    batch = after.generator.sample(50, np.full((50, after.generator.width), 0.5))
    batch.validate(full=True)
    assert batch.schema.equals(before.schema.arrow_schema)
