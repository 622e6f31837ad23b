"""The publisher's own metrics, served where asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from monitors.prometheus import PublisherExporter
from stream_app.publish import Sent
from stream_app.web import Web, app, serve


@contextmanager
def published_metrics(stream: str, port: int | None, state: Callable[[], dict[str, object]] = dict) -> Iterator[Sent]:
    """Count what is published, and serve it at `/metrics` while the block runs.

    Args:
        stream: the stream's name.
        port: where to serve; 0 for any free port, None for nowhere.
        state: what `/api/state` answers.

    Yields:
        What to tell of every hand-over.

    Raises:
        ServiceError: the port is taken.
    """
    exporter = PublisherExporter(stream)
    published = 0

    def sent(shard: int, late_s: npt.NDArray[np.float64]) -> None:
        nonlocal published
        published += len(late_s)
        exporter.sent(shard, late_s)

    if port is None:
        yield sent
        return
    with serve(app(Web(state, exporter.render, lambda: published > 0)), "0.0.0.0", port):
        yield sent
