"""The publisher's own metrics, served where asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monitors.prometheus import PublisherExporter
from stream_app.web import Web, app, serve


@contextmanager
def published_metrics(
    stream: str, port: int | None, state: Callable[[], dict[str, object]] = dict
) -> Iterator[PublisherExporter]:
    """Count what is published, and serve it at `/metrics` while the block runs.

    Args:
        stream: the stream's name.
        port: where to serve; 0 for any free port, None for nowhere.
        state: what `/api/state` answers.

    Yields:
        What to tell of every hand-over, and of shards that wait.

    Raises:
        ServiceError: the port is taken.
    """
    exporter = PublisherExporter(stream)
    if port is None:
        yield exporter
        return
    with serve(app(Web(state, exporter.render, lambda: exporter.published > 0)), "0.0.0.0", port):
        yield exporter
