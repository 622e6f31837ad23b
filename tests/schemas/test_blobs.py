from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.blobs import Blobs

values = st.lists(st.none() | st.binary(max_size=9), max_size=12)


@given(values)
def test_what_is_put_in_comes_out(listed: list[bytes | None]) -> None:
    blobs = Blobs.of(listed)
    assert list(blobs) == listed
    assert blobs == listed
    assert blobs != [*listed, b""]
    assert [blobs[i] for i in range(len(blobs))] == listed


@given(values, st.integers(0, 12), st.integers(0, 12))
def test_slices_are_those_of_a_list(listed: list[bytes | None], start: int, stop: int) -> None:
    assert Blobs.of(listed)[start:stop] == listed[start:stop]
    assert Blobs.of(listed)[-start:] == listed[-start:]


@given(st.lists(values, max_size=4))
def test_joined_are_one_behind_the_other(parts: list[list[bytes | None]]) -> None:
    assert Blobs.joined([Blobs.of(part) for part in parts]) == [value for part in parts for value in part]


@given(values.filter(len), st.lists(st.integers(0, 100), max_size=9))
def test_any_may_be_taken_in_any_order(listed: list[bytes | None], wanted: list[int]) -> None:
    at = [i % len(listed) for i in wanted]
    assert Blobs.of(listed).take(np.array(at, np.int64)) == [listed[i] for i in at]


def test_the_same_over_and_over_pieces_of_a_buffer_and_gaps() -> None:
    assert Blobs.same(b"ab", 3) == [b"ab"] * 3
    assert Blobs.same(None, 2) == [None, None]
    assert Blobs.cut(b"abc", np.array([0, 1, 1, 3])) == [b"a", b"", b"bc"]
    assert Blobs.cut(b"abc", np.array([0, 1, 3])).without(np.array([True, False])) == [None, b"bc"]
    assert Blobs.of([b"a", None]).count(None) == 1
