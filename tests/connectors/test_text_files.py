"""Bytes that must be UTF-8, and lines built by columns."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import text_files
from connectors.text_files import checked_text, lines
from schemas.errors import InputError


@given(st.lists(st.sampled_from([b"a", "é".encode(), "😀".encode(), b"\xff", b"\xe9", b"\xf0\x9f", b"\n"]), min_size=1))
def test_the_first_faulty_byte_is_python_s_whatever_the_chunks(parts: list[bytes]) -> None:
    data = b"x" + b"".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "CHUNK_BYTES", 3)
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as wanted:
            with pytest.raises(InputError, match=f"not UTF-8 at byte {wanted.start} "):
                checked_text(data, "t")
        else:
            assert checked_text(data, "t") == data


def test_the_mark_goes_and_nothing_is_refused() -> None:
    assert checked_text(b"\xef\xbb\xbfa", "t") == b"a"
    with pytest.raises(InputError, match="t: is empty"):
        checked_text(b"\xef\xbb\xbf \n", "t")


def test_lines() -> None:
    assert lines([pa.array(["a", "é"]), pa.scalar("-"), pa.array(["", "c"])], "|") == "a|-|\né|-|c\n".encode()
