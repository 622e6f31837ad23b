"""UUIDs as text and as bytes, as Python's own uuid has them."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_fields import Field
from schemas.uuids import NIL, uuid_bytes, uuid_texts
from schemas.wire_types import Misfit

FIELD = Field("f", "c", "fixed", "uuid", null_index=0, size=16)


@given(st.lists(st.uuids() | st.none(), max_size=9), st.integers(0, 9))
def test_text_and_bytes_are_inverse_whatever_the_slice(uuids: list[UUID | None], start: int) -> None:
    texts = pa.array([None if uuid is None else str(uuid).upper() for uuid in uuids], pa.string()).slice(start)
    data = uuid_bytes(FIELD, texts)
    nil = UUID(NIL)
    kept = [nil if uuid is None else uuid for uuid in uuids[start:]]
    assert data.tobytes() == b"".join(uuid.bytes for uuid in kept)
    assert uuid_texts(data).tobytes().decode() == "".join(map(str, kept))


@pytest.mark.parametrize(
    "text", ["", NIL[:-1], NIL + "0", "g" + NIL[1:], NIL.replace("-", "0"), "-" + NIL[1:], NIL[:-1] + "é"]
)
def test_what_is_no_uuid_is_named(text: str) -> None:
    with pytest.raises(Misfit, match=r"column 'c', row 1: .* is no UUID"):
        uuid_bytes(FIELD, pa.array([NIL, text]))


def test_no_uuids() -> None:
    assert uuid_texts(np.zeros(0, np.uint8)).tolist() == []
