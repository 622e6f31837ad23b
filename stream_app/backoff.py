"""How long to leave alone what just failed: twice as long after every failure in a row."""

from __future__ import annotations


class Backoff:
    """Says when to try again.

    >>> backoff = Backoff(1.0, 3.0)
    >>> [backoff.failed(now_s=10.0) for _ in range(3)], backoff.at_s
    ([1.0, 2.0, 3.0], 13.0)

    Args:
        first_s: how long to wait after a first failure.
        longest_s: how long at the most.
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._pause_s = first_s
        self.at_s = 0.0
        """When to try again, on the clock that `failed` was given."""

    def failed(self, now_s: float) -> float:
        """Take in a failure; how long to wait."""
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, self._longest_s)
        self.at_s = now_s + pause_s
        return pause_s

    def succeeded(self) -> None:
        """Begin anew with the first pause."""
        self._pause_s = self._first_s
