"""What a scrape of the parcels' exporters finds."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: bytes) -> Samples:
    """Every sample by name and labels."""
    families = text_string_to_metric_families(text.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    """Labels as `samples` has them, the stream among them."""
    return tuple(sorted({"stream": "parcels", **given}.items()))
