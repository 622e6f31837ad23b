import pytest

from generators.fingerprint import fingerprint
from generators.fitting import fit_artifact
from schemas.bins import bins_of
from schemas.errors import InputError
from tests.generators.tables import AWKWARD, ignore, orders, quick


def test_an_artifact_tells_how_it_came_to_be() -> None:
    artifact = quick("tabular.copula", "orders")
    manifest = artifact.manifest
    assert (manifest["format"], manifest["model"], manifest["seed"], manifest["rows"]) == (
        2,
        "tabular.copula",
        0,
        4_000,
    )
    assert manifest["train_s"] > 0
    assert len(artifact.identity) == 64
    assert list(manifest["golden"]) == [fingerprint()]


@pytest.mark.parametrize("name", AWKWARD)
def test_the_reference_counts_every_column(name: str) -> None:
    artifact = quick("tabular.copula", name)
    for column in artifact.schema:
        counts = artifact.reference.columns[column.name]
        assert sum(counts) == artifact.reference.rows == 4_096
        assert len(counts) == bins_of(column, artifact.profile[column.name]).size
        assert counts[0] == 0 or not artifact.profile[column.name].knots


def test_training_again_gives_the_same_model_and_another_seed_another() -> None:
    table, schema = orders(500)
    steps: list[float] = []
    first, again, other = (
        fit_artifact(table, schema, "tabular.copula", {}, seed, lambda share, what: steps.append(share), 1)
        for seed in (0, 0, 1)
    )
    assert first.identity == again.identity != other.identity
    assert first.reference.to_json() == again.reference.to_json()
    assert steps[0] == 0
    assert steps[-1] == 1
    assert all(0 <= s <= 1 for s in steps)


def test_bad_asks_are_refused() -> None:
    table, schema = orders(10)
    with pytest.raises(InputError, match=r"model=tabular\.net: unknown"):
        fit_artifact(table, schema, "tabular.net", {}, 0, ignore)
    with pytest.raises(InputError, match="depth=3: unknown setting; the model knows none"):
        fit_artifact(table, schema, "tabular.copula", {"depth": 3}, 0, ignore)
    with pytest.raises(InputError, match="has 1 rows; expected at least 2"):
        fit_artifact(table.slice(0, 1), schema, "tabular.copula", {}, 0, ignore)
