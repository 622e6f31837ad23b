"""What Prometheus scrapes: the monitors' numbers and the publisher's own, by Prometheus's naming conventions."""

from monitors.prometheus.monitor import LATCH_S, MAX_COLUMNS, Exporter, Reading
from monitors.prometheus.publisher import PublisherExporter
from monitors.prometheus.series import AskedExporter, Series

__all__ = ["LATCH_S", "MAX_COLUMNS", "AskedExporter", "Exporter", "PublisherExporter", "Reading", "Series"]
