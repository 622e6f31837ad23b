"""The topics that a stream run by workers has for itself."""

from __future__ import annotations

SUFFIXES = (
    "shards",
    "commands",
    "acknowledgements",
    "progress",
    "artifacts",
    "panes",
    "responses",
    "monitor",
    "advice",
)
"""Topics that a stream may have beside those it publishes to; workers make all but those from `panes` on, which readers
and monitors make."""


def own_topics(stream: str) -> tuple[str, ...]:
    """Their names.

    >>> own_topics("orders")[0]
    'orders.shards'
    """
    return tuple(f"{stream}.{suffix}" for suffix in SUFFIXES)
