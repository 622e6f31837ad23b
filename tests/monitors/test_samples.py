from __future__ import annotations

import numpy as np
import pytest

from monitors.samples import LEVELS, SAMPLED, Sample, Sampler, hashes_of, levels, smallest
from tests.monitors import scene

LAYOUT = scene.layout()


def test_levels_are_few_and_as_likely_as_they_can_be() -> None:
    for name, bins in LAYOUT.bins.items():
        level = levels(bins)
        assert level.max() < LEVELS, name
        assert set(level.tolist()) == set(range(int(level.max()) + 1)), name
    weight = LAYOUT.bins["weight"]
    shares = np.bincount(levels(weight), weights=weight.expected)
    assert shares == pytest.approx(np.full(LEVELS, 1 / LEVELS), abs=0.02)
    assert levels(LAYOUT.bins["fragile"]).tolist() == [0, 1, 2, 3]


def test_surrogates_are_left_out_and_rows_keep_their_columns() -> None:
    sampler = Sampler(LAYOUT.bins)
    assert "id" not in sampler.names
    rows = scene.batch(np.random.default_rng(0), 50)
    codes = LAYOUT.rows.codes(rows)
    found = sampler.of_rows(codes)
    assert found.shape == (50, len(sampler.names))
    at = sampler.names.index("fragile")
    assert found[:, at].tolist() == [int(value is True) for value in rows.column("fragile").to_pylist()]
    assert sampler.words == SAMPLED * (8 + len(sampler.names)) // 8


@pytest.mark.parametrize("rows", [0, 1, SAMPLED, SAMPLED + 1, 3 * SAMPLED])
def test_the_smallest_hashes_are_chosen_in_order(rows: int) -> None:
    keys = hashes_of(np.zeros(rows, np.int32), np.arange(rows))
    assert len(set(keys.tolist())) == rows
    assert keys[smallest(keys)].tolist() == sorted(keys.tolist())[:SAMPLED]


def test_records_of_two_partitions_have_hashes_of_their_own() -> None:
    one, other = (hashes_of(np.full(100, p, np.int32), np.arange(100)) for p in (0, 1))
    assert not set(one.tolist()) & set(other.tolist())


def test_a_sample_is_the_same_after_a_journey() -> None:
    sample = Sample(np.array([5, 2**63 + 7], np.uint64), np.array([[1, 2, 3], [0, 3, 1]], np.uint8))
    back = Sample.from_bytes(sample.to_bytes(), 3)
    assert back.keys.tolist() == sample.keys.tolist()
    assert back.codes.tolist() == sample.codes.tolist()
