"""Headers side by side: connectors.kafka.heads, compiled and as Python runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka import Headers, Heads
from connectors.kafka import heads as kernels

pytestmark = pytest.mark.kernel

LISTED = st.lists(
    st.none() | st.lists(st.tuples(st.sampled_from(["a", "ab", "b", "é", ""]), st.none() | st.binary(max_size=3)))
)


@given(LISTED, st.sampled_from(["a", "ab", "é", "", "other"]))
def test_they_are_the_lists_they_were_made_of(listed: list[Headers | None], name: str) -> None:
    heads = Heads.of(listed)
    plain = [each or [] for each in listed]
    assert list(heads) == plain
    assert heads[1:] == plain[1:]
    assert list(heads.named(name)) == [dict(each).get(name) for each in plain]


def test_the_last_of_a_name_is_found(run: Callable[[Any], Any]) -> None:
    names = Heads.of([[("a", b"1"), ("b", b""), ("a", b"2")], [], [("ab", b"3")]])
    found = np.full(3, -1)
    at = (names.firsts, names.names.buffer, names.names.starts, names.names.sizes)
    run(kernels.find_named)(*at, np.frombuffer(b"a", np.uint8), found)
    assert found.tolist() == [2, -1, -1]


def test_texts_are_taken_as_bytes_and_rows_from_behind() -> None:
    heads = Heads.of([[("a", "é")], None])
    assert (heads[-2], heads[-1], len(heads)) == ([("a", "é".encode())], [], 2)
    with pytest.raises(IndexError):
        heads[2]
