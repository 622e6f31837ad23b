"""Series by name, and what exports those that somebody is asked for at every scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from monitors.metric import PREFIX


@dataclass(frozen=True)
class Series:
    """One name that is exported, with a value for each of its labels' values.

    Args:
        name: without the prefix; words: what it says.
        labels: the labels' names.
        values: the labels' values and the number.
        only_grows: whether it is a counter.
    """

    name: str
    words: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]
    only_grows: bool = False

    @property
    def family(self) -> Family:
        """The same as prometheus_client has it."""
        kind = CounterMetricFamily if self.only_grows else GaugeMetricFamily
        family = kind(f"{PREFIX}{self.name}", self.words, labels=self.labels)
        for labels, value in self.values:
            family.add_metric(labels, value)
        return family

    @classmethod
    def counted(
        cls, name: str, words: str, values: Iterable[tuple[tuple[str, ...], float]], labels: Sequence[str]
    ) -> Series:
        """A counter."""
        return cls(name, words, tuple(labels), tuple(values), only_grows=True)


class AskedExporter(Collector):
    """Exports what it is told when somebody looks.

    Args:
        ask: gives the series; called at every scrape, in a thread of its own.
    """

    def __init__(self, ask: Callable[[], Iterable[Series]]) -> None:
        self._ask = ask
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def render(self) -> bytes:
        """Everything asked for, in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """What prometheus_client asks for at every scrape."""
        for series in self._ask():
            yield series.family
