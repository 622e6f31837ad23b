"""How far event time has surely come: no pane closes before every partition has passed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Watermark:
    """The event time up to which everything has been read, allowed lateness included.

    It follows the slowest partition, so that a reader that catches up on one partition first loses nothing of the
    others. A partition that is silent for `idle_s` no longer holds it back; when all are silent, event time goes on by
    the clock on the wall, so that silence can be told. Once one speaks again, those that fell silent with it are waited
    for anew: a stream that goes on after a pause is not on all of its partitions at the same moment.

    Args:
        allowed_lateness_s: how far out of order records may be in a partition, in seconds of event time.
        idle_s: after how many seconds without a record a partition counts as silent.
    """

    def __init__(self, allowed_lateness_s: float, idle_s: float) -> None:
        self.allowed_ms = allowed_lateness_s * 1_000
        self.idle_s = idle_s
        self.at_ms: float | None = None
        self._latest_ms: dict[int, float] = {}
        self._heard_s: dict[int, float] = {}
        self._fresh: set[int] = set()

    def state(self, now_s: float) -> dict[str, Any]:
        """All it remembers, as JSON has it, by how long ago it was; `restore` takes it back.

        Args:
            now_s: the time on the wall, in seconds.
        """
        return {
            "at_ms": self.at_ms,
            "latest_ms": list(self._latest_ms.items()),
            "silent_s": [[p, now_s - heard_s] for p, heard_s in self._heard_s.items()],
            "fresh": sorted(self._fresh),
        }

    def restore(self, state: Mapping[str, Any], now_s: float) -> None:
        """Go on from a state, as if no time had passed on the wall."""
        self.at_ms = state["at_ms"]
        self._latest_ms = dict(state["latest_ms"])
        self._heard_s = {p: now_s - silent_s for p, silent_s in state["silent_s"]}
        self._fresh = set(state["fresh"])

    def expect(self, partitions: Iterable[int], now_s: float) -> None:
        """Wait for these partitions and no others; those not known yet are waited for from now on."""
        wanted = set(partitions)
        self._heard_s = {p: self._heard_s.get(p, now_s) for p in sorted(wanted)}
        self._latest_ms = {p: ms for p, ms in self._latest_ms.items() if p in wanted}
        self._fresh &= wanted

    def hear(self, partition: int, latest_ms: float) -> None:
        """Take note of a record of a partition."""
        self._latest_ms[partition] = max(latest_ms, self._latest_ms.get(partition, latest_ms))
        self._fresh.add(partition)

    def raise_to(self, at_ms: float) -> None:
        """Move it forward; it never moves back."""
        self.at_ms = at_ms if self.at_ms is None else max(self.at_ms, at_ms)

    def advance(self, now_s: float) -> float | None:
        """The watermark now, in milliseconds of event time; None while nothing is known.

        Args:
            now_s: the time on the wall, in seconds.
        """
        if self._fresh and not self._awake(now_s):
            last_s = max(self._heard_s.values(), default=now_s)
            self._heard_s.update({p: now_s for p, heard in self._heard_s.items() if last_s - heard <= self.idle_s})
        self._heard_s.update(dict.fromkeys(self._fresh, now_s))
        self._fresh.clear()
        awake = self._awake(now_s)
        if awake and all(p in self._latest_ms for p in awake):
            self.raise_to(min(self._latest_ms[p] for p in awake) - self.allowed_ms)
        elif not awake and self._latest_ms:
            silence_ms = (now_s - max(self._heard_s.values())) * 1_000
            self.raise_to(max(self._latest_ms.values()) + silence_ms - self.allowed_ms)
        return self.at_ms

    def _awake(self, now_s: float) -> list[int]:
        """The partitions that hold it back."""
        return [p for p, heard in self._heard_s.items() if now_s - heard <= self.idle_s]
