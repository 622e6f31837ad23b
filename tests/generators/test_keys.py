import numpy as np
import pyarrow as pa
import pytest

from generators.keys import ROOM, murmur2, partitions_of, surrogate_keys
from schemas.errors import InputError


@pytest.mark.parametrize(
    ("data", "hashed"),
    [
        # from the tests of Kafka's own client, org.apache.kafka.common.utils.UtilsTest
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(data: bytes, hashed: int) -> None:
    assert murmur2(data) == hashed % 2**32


@pytest.mark.parametrize("shards", [1, 3, 16])
@pytest.mark.parametrize("base", [1, 10**9, -9 * 10**18])
def test_keys_land_on_their_shard_and_never_meet(shards: int, base: int) -> None:
    seen: set[int] = set()
    for shard in range(shards):
        keys = surrogate_keys(base, shard, shards, 5, 200)
        texts = [v for v in keys.values() if v is not None]
        assert [int(v) for v in texts] == keys.numbers.tolist()
        assert keys.strings().to_pylist() == [v.decode() for v in texts]
        assert {(murmur2(v) & 0x7FFFFFFF) % shards for v in texts} == {shard}
        assert keys.numbers.min() >= base
        seen |= set(keys.numbers.tolist())
    assert len(seen) == shards * 200


def test_a_key_depends_on_its_record_alone() -> None:
    whole = surrogate_keys(100, 1, 4, 0, 50)
    assert surrogate_keys(100, 1, 4, 20, 10).values() == whole.values()[20:30]
    assert surrogate_keys(100, 1, 4, 20, 0).values() == []
    assert (np.diff(whole.numbers) > 0).all()


def test_keys_end_at_64_bits() -> None:
    with pytest.raises(InputError, match="has no key within 64 bits"):
        surrogate_keys(10**17, 0, 1_000, 2**63 // (ROOM * 1_000**2), 1)


def test_partitions_are_found_in_slices_too() -> None:
    texts = pa.array(["", "21", "foobar", "é", "a-little-bit-long-string"])
    expected = [(murmur2(str(text).encode()) & 0x7FFFFFFF) % 7 for text in texts.to_pylist()]
    assert partitions_of(texts, 7).tolist() == expected
    assert partitions_of(texts.slice(1, 3), 7).tolist() == expected[1:4]
    assert partitions_of(texts.slice(0, 0), 7).tolist() == []
    assert partitions_of(pa.array(["", ""]), 7).tolist() == expected[:1] * 2
