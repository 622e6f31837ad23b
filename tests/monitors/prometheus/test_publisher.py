from __future__ import annotations

import numpy as np
import pytest

from monitors.prometheus import PublisherExporter
from tests.monitors.scrape import labels, samples


def test_the_publisher_counts_what_it_hands_over() -> None:
    exporter = PublisherExporter("parcels")
    exporter.sent(0, np.array([0.0, 0.001, 0.3]))
    exporter.sent(1, np.array([60.0]))
    exporter.sent(0, np.array([0.0]))
    seen = samples(exporter.render())
    assert seen["synthstream_records_published_total", labels(shard="0")] == 4
    assert seen["synthstream_records_published_total", labels(shard="1")] == 1
    bucket = "synthstream_publish_delay_seconds_bucket"
    assert [seen[bucket, labels(le=le)] for le in ("0.001", "0.25", "0.5", "10.0", "+Inf")] == [3, 3, 4, 4, 5]
    assert seen["synthstream_publish_delay_seconds_count", labels()] == 5
    assert seen["synthstream_publish_delay_seconds_sum", labels()] == pytest.approx(60.301)
