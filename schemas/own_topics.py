"""The topics that a stream run by workers has for itself."""

from __future__ import annotations

SUFFIXES = ("shards", "commands", "acknowledgements", "progress", "artifacts")
"""Every stream run by workers has these topics beside those it publishes to."""


def own_topics(stream: str) -> tuple[str, ...]:
    """Their names.

    >>> own_topics("orders")[0]
    'orders.shards'
    """
    return tuple(f"{stream}.{suffix}" for suffix in SUFFIXES)
