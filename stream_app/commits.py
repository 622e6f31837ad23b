"""A commit that goes on beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable

from connectors.kafka import Fenced
from schemas.errors import ServiceError


class Commit:
    """A commit under way. It waits for the broker without Python's lock, so other shards are published meanwhile.

    Args:
        act: commits.
    """

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._failure: Exception = RuntimeError("the commit's thread ended without a word; its error is above")
        self._succeeded = False
        # A daemon: one that waits in vain for a broker must not keep the process.
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act()
            self._succeeded = True
        except (Fenced, ServiceError) as failure:
            self._failure = failure

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait for its end; raises what it raised."""
        self._thread.join()
        if not self._succeeded:
            raise self._failure
