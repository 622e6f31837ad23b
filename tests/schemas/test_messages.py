"""Messages are the stretches of their buffer."""

from __future__ import annotations

import numpy as np

from schemas.messages import Messages


def test_every_stretch_is_a_message_even_an_empty_one() -> None:
    messages = Messages(b"abcd", np.array([0, 2, 2, 4]))
    assert len(messages) == 3
    assert messages.values() == [b"ab", b"", b"cd"]


def test_no_messages() -> None:
    assert Messages(b"", np.zeros(1, np.int64)).values() == []
