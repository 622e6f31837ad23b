"""What the processes of a pool run in tests: instead of shards and a broker, they say what they were told."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from stream_app.workers import Disown, Finish, Lost, Obey, Own, Ready, Taken


def telling(parent: Connection) -> None:
    """Take every shard but shard 9, and say so; end when told to."""
    parent.send(Ready())
    while True:
        match parent.recv():
            case Own(9):
                parent.send(Lost(9, "nobody takes nine"))
            case Own(shard):
                parent.send(Taken(shard, 0))
            case Disown(shard):
                parent.send(Lost(shard, "disowned"))
            case Obey(shard, desired):
                parent.send(Lost(shard, f"told {desired.command}"))
            case Finish():
                return


def ending(parent: Connection) -> None:
    """End before being ready."""
    sys.exit(1)


def dying(parent: Connection) -> None:
    """Take one shard, then end without a word."""
    parent.send(Ready())
    parent.recv()
    sys.exit(1)
