"""The kernels behind sketches, compiled and as Python runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitors import sketch_kernels as kernels

pytestmark = pytest.mark.kernel


def test_numbers_are_mixed_as_splitmix_does(run: Callable[[Any], Any]) -> None:
    hashes = np.empty(2, np.uint64)
    with np.errstate(over="ignore"):
        run(kernels.hash_words)(np.array([0, 1234567]), hashes)
    # the first numbers that SplitMix64 draws from these seeds
    assert hashes.tolist() == [0xE220A8397B1DCDAF, 6457827717110365317]


def test_texts_have_hashes_of_their_own_wherever_they_lie(run: Callable[[Any], Any]) -> None:
    hashes = np.empty(4, np.uint64)
    with np.errstate(over="ignore"):
        run(kernels.hash_texts)(np.frombuffer(b"abcabc", np.uint8), np.array([0, 3, 3, 6, 6]), hashes)
    assert hashes[0] == hashes[2] != hashes[1] == hashes[3]


def test_a_register_notes_the_longest_run_of_zeros(run: Callable[[Any], Any]) -> None:
    hashes = np.array([(3 << 52) | (1 << 49), (3 << 52) | (1 << 51), 7 << 52, 5 << 52], np.uint64)
    registers = np.zeros((2, 1 << kernels.INDEX_BITS), np.uint8)
    present = np.array([1, 1, 1, 0], np.uint8)
    run(kernels.note_hashes)(hashes, present, np.array([0, 0, 1, 1]), registers)
    assert np.argwhere(registers).tolist() == [[0, 3], [1, 7]]
    assert (registers[0, 3], registers[1, 7]) == (3, 64 - kernels.INDEX_BITS + 1)
    run(kernels.note_hashes)(hashes[2:3], present[:0], np.zeros(0, np.int64), registers)
    assert registers[0, 7] == registers[1, 7]
