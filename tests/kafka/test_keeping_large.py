"""What a monitor knows that is too large for one record comes back whole from a real broker."""

from __future__ import annotations

import uuid
from typing import Any, cast

import numpy as np
import pytest

from connectors.kafka import LARGEST_BYTES, Cluster, Inbox, TopicShape, ensure_topic
from stream_app.watching.keeping import Keeper, last_kept
from stream_app.watching.watch import Watch

pytestmark = pytest.mark.kafka


class Knowing:
    """A monitor that knows noise, which nothing makes shorter."""

    judged_s = 0.0

    def __init__(self, size_bytes: int) -> None:
        self.noise, self.positions = np.random.default_rng(0).integers(0, 256, size_bytes, np.uint8), {0: 1}

    def state(self) -> dict[str, Any]:
        return {"noise": self.noise}


def test_it_comes_back_whole_and_the_newest_of_several(cluster: Cluster) -> None:
    topic = f"keeping{uuid.uuid4().hex}"
    ensure_topic(cluster, topic, TopicShape(1, compacted=True, largest_bytes=LARGEST_BYTES))
    knows = Knowing(2 * LARGEST_BYTES)
    keeper = Keeper(cluster, topic, "me", cast(Watch, knows), lambda: 5.0)
    for position in (1, 2):
        knows.positions = {0: position}
        keeper.close()
    inbox, keys = Inbox(cluster, topic), list[bytes | None]()
    while not inbox.at_end():
        keys += list(inbox.poll(100, 0.2).keys)
    inbox.close()
    assert keys == [b"me", b"me.1", b"me.2"] * 2
    found = last_kept(cluster, topic, "me")
    assert found is not None
    assert (found.positions, found.at_ms) == ({0: 2}, 5.0)
    np.testing.assert_array_equal(found.state["noise"], knows.noise)
