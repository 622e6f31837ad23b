from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import chi2_contingency, chisquare

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.keys import murmur2
from generators.population import key_texts, population_of, zipf
from generators.sampler import Sampler
from schemas.errors import InputError
from schemas.keying import KeyForm
from schemas.table import Column, Kind, Role
from tests.generators.tables import orders, quick, table

SHARDS = 3


@pytest.fixture(scope="module", params=["tabular.marginals", "tabular.copula"])
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return quick(request.param, "orders", orders())


@pytest.fixture(scope="module")
def model(artifact: Artifact) -> Sampler:
    return artifact.generator


def sources(artifact: Artifact, key: KeyForm, shards: int = SHARDS) -> list[Source]:
    population = population_of(artifact.generator, key, shards)
    assert population is not None
    shares = population.fractions
    return [Source(artifact, 1, 0, s, shards, population=population) for s in range(shards) if shares[s] > 0]


def partition(key: bytes, shards: int = SHARDS) -> int:
    return (murmur2(key) & 0x7FFFFFFF) % shards


@pytest.mark.parametrize("column", ["colour", "paid", "pieces", "day", "plate", "at"])
def test_the_key_is_the_columns_value_where_murmur2_puts_it(artifact: Artifact, column: str) -> None:
    for source in sources(artifact, KeyForm(column=column)):
        block, keys = source.block(2), source.keys(2 * BLOCK_ROWS, BLOCK_ROWS)
        cells = block.column(column)
        assert [key is None for key in keys] == cells.is_null().to_pylist()
        texts = key_texts(cells.drop_null(), artifact.schema[column]).to_pylist()
        assert [key.decode() for key in keys if key is not None] == texts
        assert {partition(key) for key in keys if key is not None} == {source.shard}
        assert source.keys(2 * BLOCK_ROWS + 5, 7) == keys[5:12]
        assert source.keys(3 * BLOCK_ROWS - 2, 4)[:2] == keys[-2:]
        assert Source(artifact, 1, 0, source.shard, SHARDS, population=source.population).block(2).equals(block)
        assert not source.block(3).column(column).equals(block.column(column))


@pytest.mark.parametrize("column", ["colour", "paid", "pieces", "plate"])
def test_shards_together_are_the_generator(artifact: Artifact, column: str) -> None:
    """Each shard weighted with its fraction, the joint of the key and another column is the free draws'."""
    rows, free = 16_384, Source(artifact, 5, 0, 0, 1)
    union = [
        batch
        for source in sources(artifact, KeyForm(column=column))
        for batch in source.rows(0, round(rows * source.population.fractions[source.shard]))  # type: ignore[union-attr]
    ]
    first = pa.Table.from_batches([unified(batch) for batch in union])
    second = pa.Table.from_batches([unified(batch) for batch in free.rows(0, 4 * rows)])
    for other in ("size", "colour", "paid", "pieces"):
        if other != column:
            assert joint_p_value(first, second, column, other) > 1e-4, other


def unified(batch: pa.RecordBatch) -> pa.RecordBatch:
    size = pc.floor(pc.multiply(batch.column("size"), 2.0))
    texts = [batch.column(name).cast(pa.string()).fill_null("∅") for name in ("colour", "paid", "pieces", "plate")]
    return pa.record_batch([size.cast(pa.string()), *texts], names=["size", "colour", "paid", "pieces", "plate"])


def joint_p_value(first: pa.Table, second: pa.Table, column: str, other: str) -> float:
    counts = []
    for each in (first, second):
        found = each.group_by([column, other]).aggregate([(column, "count")]).to_pylist()
        counts.append({(row[column], row[other]): row[f"{column}_count"] for row in found})
    pairs = [pair for pair, n in counts[1].items() if n >= 40]
    observed = np.array([[c.get(pair, 0) for pair in pairs] for c in counts])
    rest = np.array([[sum(c.values())] for c in counts]) - observed.sum(axis=1, keepdims=True)
    return float(chi2_contingency(np.hstack([observed, rest]) if rest.any() else observed).pvalue)


@pytest.mark.parametrize("key", [KeyForm(column="pieces"), KeyForm(column="colour"), KeyForm(entities=1_000, skew=1)])
@pytest.mark.parametrize("shards", [1, 2, 7])
def test_fractions_are_the_popularity_of_the_keys(model: Sampler, key: KeyForm, shards: int) -> None:
    population = population_of(model, key, shards)
    assert population is not None
    expected = np.zeros(shards)
    for text, share in zip(population.texts.to_pylist(), population.shares, strict=True):
        expected[partition(str(text).encode(), shards)] += share
    assert population.fractions == pytest.approx(expected)
    assert population.fractions.sum() == pytest.approx(1)


def test_nulls_are_on_every_shard_alike(artifact: Artifact) -> None:
    expected = artifact.generator.domain("pieces").null_share
    assert expected == pytest.approx(0.1, abs=0.02)
    for source in sources(artifact, KeyForm(column="pieces")):
        batch = source.block(0)
        assert batch.column("pieces").null_count / BLOCK_ROWS == pytest.approx(expected, abs=0.02)
        assert source.keys(0, BLOCK_ROWS).count(None) == batch.column("pieces").null_count


def test_a_shard_no_key_belongs_to_has_no_records(artifact: Artifact) -> None:
    population = population_of(artifact.generator, KeyForm(column="paid"), 7)
    assert population is not None
    assert np.count_nonzero(population.fractions) == 2  # true and false
    empty = int(np.flatnonzero(population.fractions == 0)[0])
    with pytest.raises(InputError, match=f"shard={empty}: no key of the stream hashes to it, so it has no records"):
        Source(artifact, 0, 0, empty, 7, population=population)


def test_surrogates_come_again_as_popular_as_zipf_says(artifact: Artifact) -> None:
    key = KeyForm(entities=50, skew=1.2)
    counts: dict[int, float] = {}
    plain = Source(artifact, 1, 0, 1, SHARDS)
    for source in sources(artifact, key):
        assert source.population is not None
        block, fraction = source.block(0), source.population.fractions[source.shard]
        keys = source.keys(0, BLOCK_ROWS)
        assert [str(k).encode() for k in block.column("id").to_pylist()] == keys
        assert {partition(k or b"") for k in keys} == {source.shard}
        for value in block.column("id").to_numpy().tolist():
            counts[value] = counts.get(value, 0) + fraction
        if source.shard == plain.shard:  # keys change nothing else
            assert block.drop_columns(["id"]).equals(plain.block(0).drop_columns(["id"]))
    base = min(counts)
    assert sorted(counts) == list(range(base, base + 50))
    assert base > 4_000
    popular = np.array([counts[value] for value in sorted(counts)])
    assert chisquare(popular, zipf(50, 1.2) * popular.sum()).pvalue > 1e-3
    slope = np.polyfit(np.log(np.arange(1, 11)), np.log(popular[:10]), 1)[0]
    assert slope == pytest.approx(-1.2, abs=0.15)


def test_skew_makes_the_commonest_value_hotter_and_leaves_the_rest_given_it(artifact: Artifact) -> None:
    plain, hot = (sources(artifact, KeyForm(column="colour", skew=skew), 1)[0] for skew in (None, 2.0))
    assert plain.population is not None
    ranked = [str(text) for text in plain.population.texts.to_pylist()]
    assert hot.population is not None
    assert hot.population.texts.to_pylist() == ranked
    assert hot.population.shares == pytest.approx(np.array([1, 1 / 4, 1 / 9, 1 / 16]) / (205 / 144))
    rows = [pa.Table.from_batches(source.rows(0, 4 * BLOCK_ROWS)) for source in (plain, hot)]
    keys = [k.decode() for k in hot.keys(0, 4 * BLOCK_ROWS) if k is not None]
    counts = [keys.count(value) for value in ranked]
    assert chisquare(counts, hot.population.shares * len(keys)).pvalue > 1e-3
    for value in ranked[:2]:
        sizes = [np.asarray(t.filter(pc.equal(t["colour"].cast(pa.string()), pa.scalar(value)))["size"]) for t in rows]
        error = np.sqrt(sum(s.var() / len(s) for s in sizes))
        assert abs(sizes[0].mean() - sizes[1].mean()) < 4 * error


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("shape", "key.column=shape: not in table 'orders'; it has id, size"),
        ("id", "key.column=id: is the table's key, which is fresh in every record; say key: surrogate"),
        ("size", "key.column=size: is a number with decimals, whose values have no end; choose another column"),
        ("uuid", "key.column=uuid: has a value of its own in every row; choose another column"),
    ],
)
def test_some_columns_are_no_keys(model: Sampler, column: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        population_of(model, KeyForm(column=column), 2)


def test_a_column_that_is_always_missing_is_no_key() -> None:
    made = table([(Column("n", Kind.INTEGER, nullable=True), [None] * 9)])
    with pytest.raises(InputError, match=r"key\.column=n: is always missing"):
        population_of(quick("tabular.copula", "nulls", made).generator, KeyForm(column="n"), 2)


@pytest.mark.parametrize(
    ("column", "values", "texts"),
    [
        (Column("c", Kind.CATEGORY), ["é", 'a "b"', ""], ["é", 'a "b"', ""]),
        (Column("t", Kind.TEXT, role=Role.IDENTIFIER), ['"x"'], ['"x"']),
        (Column("n", Kind.INTEGER), [-3, 2**62], ["-3", "4611686018427387904"]),
        (Column("b", Kind.BOOLEAN), [True, False], ["true", "false"]),
        (Column("d", Kind.DATE), [date(2024, 2, 29)], ["2024-02-29"]),
        (Column("w", Kind.TIMESTAMP), [datetime(2024, 2, 29, 1, 2, 3, 4_000)], ["2024-02-29T01:02:03.004000"]),
        (
            Column("i", Kind.TIMESTAMP, timezone="UTC", time_unit="ms"),
            [datetime(2024, 2, 29, tzinfo=UTC)],
            ["2024-02-29T00:00:00.000Z"],
        ),
    ],
)
def test_how_keys_are_written(column: Column, values: list[Any], texts: list[str]) -> None:
    array = pa.array(values, pa.string() if column.kind is Kind.CATEGORY else column.arrow_type)
    assert key_texts(array, column).to_pylist() == texts
