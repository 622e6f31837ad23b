"""What the processes of a pool run in tests: instead of shards and a broker, they say what they were told."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from stream_app.generation import Disown, Finish, Obey, Own, Ready, Refused, Released, Taken


def telling(worker: Connection) -> None:
    """Take every shard and say so, with the process id as position; end at shard 13, or when told to."""
    worker.send(Ready())
    while True:
        match worker.recv():
            case Own(13):
                sys.exit(1)
            case Own(shard):
                worker.send(Taken(shard, os.getpid()))
            case Disown(shard):
                worker.send(Released(shard))
            case Obey(shard, desired):
                worker.send(Refused(shard, f"told {desired.command}"))
            case Finish():
                return


def ending(worker: Connection) -> None:
    """End before being ready."""
    sys.exit(1)


def loading(worker: Connection, first: Path) -> None:
    """Be ready if nobody was before, as a file says; else load for ever."""
    try:
        first.touch(exist_ok=False)
    except FileExistsError:
        threading.Event().wait()
    worker.send(Ready())
    worker.recv()
