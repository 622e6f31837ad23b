import pyarrow as pa
import pytest

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.keys import murmur2
from generators.randomness import Purpose
from schemas.errors import InputError
from schemas.table import Column, Kind, Role
from tests.generators.tables import quick, table


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return quick("tabular.copula", "orders")


def test_any_range_is_a_slice_of_the_same_records(artifact: Artifact) -> None:
    source = Source(artifact, seed=1, epoch=0, shard=1, shards=3)
    whole = pa.Table.from_batches(source.rows(0, 2 * BLOCK_ROWS))
    for start, stop in [(0, 10), (BLOCK_ROWS - 3, BLOCK_ROWS + 3), (100, 100), (5, 2 * BLOCK_ROWS - 5)]:
        batches = list(source.rows(start, stop))
        assert sum(b.num_rows for b in batches) == stop - start
        found = pa.Table.from_batches(batches, artifact.schema.arrow_schema)
        assert found.combine_chunks().equals(whole.slice(start, stop - start).combine_chunks())


def test_everything_that_tells_streams_apart_changes_the_records(artifact: Artifact) -> None:
    sources = [
        Source(artifact, seed=0, epoch=0, shard=0, shards=2),
        Source(artifact, seed=1, epoch=0, shard=0, shards=2),
        Source(artifact, seed=0, epoch=1, shard=0, shards=2),
        Source(artifact, seed=0, epoch=0, shard=1, shards=2),
        Source(artifact, seed=0, epoch=0, shard=0, shards=2, purpose=Purpose.REFERENCE),
    ]
    blocks = {str(s.block(0).column("uuid")[:5]) for s in sources}
    assert len(blocks) == len(sources)


def test_keys_fill_the_key_column_and_land_on_the_shard(artifact: Artifact) -> None:
    source = Source(artifact, seed=0, epoch=0, shard=2, shards=5)
    ids = [str(i).encode() for i in source.block(1).column("id").to_pylist()]
    assert source.keys(BLOCK_ROWS, 100) == ids[:100]
    assert {(murmur2(k) & 0x7FFFFFFF) % 5 for k in ids} == {2}
    assert min(map(int, ids)) > 4_000


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.CATEGORY])
def test_a_text_key_holds_the_same_digits(kind: Kind) -> None:
    made = table([(Column("k", kind, role=Role.KEY), [f"K{n}" for n in range(50)])])
    source = Source(quick("tabular.marginals", "keyed", made), seed=0, epoch=0, shard=0, shards=2)
    block = source.block(0)
    assert block.schema.field("k").type == made[1].columns[0].arrow_type
    assert [str(k).encode() for k in block.column("k").to_pylist()] == source.keys(0, BLOCK_ROWS)


def test_a_table_without_a_key_has_message_keys() -> None:
    source = Source(quick("tabular.marginals", "one_column"), seed=0, epoch=0, shard=0, shards=1)
    assert source.keys(2, 2) == [b"1000000128", b"1000000192"]


@pytest.mark.parametrize(
    ("shard", "shards", "says"), [(0, 0, "shards=0"), (-1, 2, "shard=-1: must be from 0 to 1"), (2, 2, "shard=2")]
)
def test_there_is_no_such_shard(artifact: Artifact, shard: int, shards: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Source(artifact, seed=0, epoch=0, shard=shard, shards=shards)


def test_records_begin_at_zero(artifact: Artifact) -> None:
    with pytest.raises(InputError, match="start=-1: must be at least 0"):
        list(Source(artifact, seed=0, epoch=0, shard=0, shards=1).rows(-1, 3))
