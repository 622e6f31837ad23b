from itertools import count
from types import SimpleNamespace

import pytest

from generators import fitting
from generators.blocks import BLOCK_ROWS, Source
from generators.constraints.rows import ruled
from generators.fingerprint import fingerprint
from generators.fitting import PAIR_BLOCKS, Within, artifact_from, fit_artifact
from generators.start import Start
from schemas.bins import bins_of
from schemas.errors import InputError
from tests.generators.people import customers, known
from tests.generators.ruled import RULES, shop
from tests.generators.tables import AWKWARD, brief, ignore, in_pieces, orders, quick


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


def test_as_many_own_rows_are_counted_as_are_drawn_in_the_time_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = quick("tabular.copula", "orders")
    told = count(0.0, (PAIR_BLOCKS - 1) * BLOCK_ROWS * 1e-4)  # a tenth of a millisecond a row
    monkeypatch.setattr(fitting, "time", SimpleNamespace(perf_counter=lambda: next(told)))
    monkeypatch.setattr(fitting, "os", SimpleNamespace(cpu_count=lambda: 2))
    monkeypatch.setattr(fitting, "FEWEST_REFERENCE_ROWS", 20_000)
    assert [Within(seconds, 90_000).rows(artifact) for seconds in (0.1, 2.0, 60.0)] == [20_000, 40_000, 90_000]


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


@pytest.mark.parametrize("model", ["tabular.copula", "tabular.mixture", "tabular.nade"])
def test_a_long_table_is_learned_and_nobody_in_it_is_met(model: str) -> None:
    table, schema = known(customers())
    rows = in_pieces(table, table.num_rows // 2)
    artifact = artifact_from(rows, schema, Start(model), brief(model), 0, ignore, 1)
    assert artifact.manifest["rows"] == table.num_rows
    assert artifact.profile.rows == artifact.manifest["profiled_rows"] == table.num_rows // 2
    drawn = Source(artifact, 0, 0, 0, 1).block(0)
    for name in ("email", "phone", "street"):
        assert artifact.profile[name].rows == table.num_rows
        assert not set(drawn.column(name).to_pylist()) & set(table.column(name).drop_null().to_pylist())
    assert artifact.identity == artifact_from(rows, schema, Start(model), brief(model), 0, ignore, 1).identity


def test_a_long_table_keeps_rules() -> None:
    table, schema = shop()
    held = ruled(in_pieces(table, 1_000), schema, RULES)
    artifact = artifact_from(held, schema, Start("tabular.copula"), {}, 0, ignore, 1)
    drawn = Source(artifact, 0, 0, 0, 1).block(0)
    assert not any(rule.violations(drawn).any() for rule in RULES)
    assert artifact.manifest["left_out"] == {"formula:total": 30}


def test_bad_asks_are_refused() -> None:
    table, schema = orders(10)
    with pytest.raises(InputError, match=r"model=tabular\.net: unknown"):
        fit_artifact(table, schema, "tabular.net", {}, 0, ignore)
    with pytest.raises(InputError, match="depth=3: unknown setting; the model knows none"):
        fit_artifact(table, schema, "tabular.copula", {"depth": 3}, 0, ignore)
    with pytest.raises(InputError, match="has 1 rows; expected at least 2"):
        fit_artifact(table.slice(0, 1), schema, "tabular.copula", {}, 0, ignore)
