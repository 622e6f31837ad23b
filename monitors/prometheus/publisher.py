"""What a publisher does, as Prometheus scrapes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from monitors.prometheus.series import Series

PUBLISH_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the publish delay histogram's buckets."""


class PublisherExporter(Collector):
    """Exports what a publisher does.

    Args:
        stream: the stream's name.
        registry: where to register; a registry of its own by default.
    """

    def __init__(self, stream: str, registry: CollectorRegistry | None = None) -> None:
        self.stream = stream
        self.registry = CollectorRegistry() if registry is None else registry
        self._published: dict[int, int] = {}
        self._publishing: dict[int, bool] = {}
        self._delays = np.zeros(len(PUBLISH_BOUNDS_S) + 1, np.int64)
        self._delay_sum_s = 0.0
        self._lock = threading.Lock()
        self.registry.register(self)

    def sent(self, shard: int, late_s: npt.NDArray[np.float64]) -> None:
        """Count records that were handed over.

        Args:
            shard: their shard.
            late_s: how late each was, in seconds, shape (records,).
        """
        buckets = np.searchsorted(PUBLISH_BOUNDS_S, late_s, side="left")
        with self._lock:
            self._published[shard] = self._published.get(shard, 0) + len(late_s)
            self._delays += np.bincount(buckets, minlength=len(self._delays))
            self._delay_sum_s += float(late_s.sum())

    def publishing(self, shard: int, runs: bool) -> None:
        """Say whether a shard is published here now, or waits."""
        with self._lock:
            self._publishing[shard] = runs

    @property
    def published(self) -> int:
        """How many records were handed over."""
        with self._lock:
            return sum(self._published.values())

    def render(self) -> bytes:
        """Everything registered, in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """What prometheus_client asks for at every scrape."""
        with self._lock:
            states = sorted(self._publishing.items())
            published = [((self.stream, str(shard)), count) for shard, count in sorted(self._published.items())]
            up_to = np.cumsum(self._delays).tolist()
            total_s = self._delay_sum_s
        words = "Records handed to the producer."
        yield Series.counted("records_published", words, published, ["stream", "shard"]).family
        running = GaugeMetricFamily(
            "synthstream_shard_publishing",
            "Whether the shard is published here (1), or waits to be taken again or was let go (0).",
            labels=["stream", "shard"],
        )
        for shard, runs in states:
            running.add_metric([self.stream, str(shard)], float(runs))
        yield running
        family = HistogramMetricFamily(
            "synthstream_publish_delay_seconds",
            "Time from a record's intended publish time until it was handed to the producer.",
            labels=["stream"],
        )
        bounds = [*(str(bound) for bound in PUBLISH_BOUNDS_S), "+Inf"]
        family.add_metric([self.stream], list(zip(bounds, up_to, strict=True)), total_s)
        yield family
