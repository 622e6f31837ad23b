"""One thing of each message, fetched when somebody looks."""

from __future__ import annotations

from typing import Any, cast

from connectors.kafka.inbox import Lazily


def test_nothing_is_fetched_before_somebody_looks() -> None:
    asked: list[int] = []

    def read(message: Any) -> int:
        asked.append(message)
        return int(message) * 10

    things = Lazily(cast(Any, [1, 2, 3]), read)
    assert len(things) == 3
    assert asked == []
    assert things[1] == 20
    assert list(things[1:]) == [20, 30]
    assert list(things) == [10, 20, 30]
    assert asked == [2, 2, 3, 1, 2, 3]
