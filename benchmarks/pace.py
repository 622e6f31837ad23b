"""How evenly a stream comes: whether its rate is what was asked for, how late records are handed over, and seen.

    python -m benchmarks.pace [--json FILE] [--rates 10 100 ...] [--seconds 25]

Trains the copula on the New York flights, starts a broker of its own, and runs one after the other:

1. constant rates in idempotent mode, each counted by an independent consumer on a topic with LogAppendTime: the worst
   ten seconds, and the worst tenth of a second;
2. random arrivals at 200 records a second: the index of dispersion of the tenths of a second, which is 1 for Poisson's
   and has a standard error of sqrt(2 / tenths);
3. at half of the maximum rate, how late records are handed over, from their intended time on;
4. the same stream by a worker with transactions of half a second: how long until a read_committed reader has them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from benchmarks.faults import Worker, until
from benchmarks.side_by_side import make_topic, read, synthstream, trained_flights
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox
from connectors.local_broker import down, up
from generators.artifact import load_artifact
from schemas.stream import StreamSpec, from_mapping
from stream_app import assemble
from stream_app.publish import Clock, run
from stream_app.settings import Place

SHARDS = 4
SPAN_S = 10.0
SLOT_S = 0.1
RATES = (10, 100, 1_000, 5_000, 20_000, 50_000, 100_000)
POISSON_PER_S = 200
Floats = npt.NDArray[np.float64]


def main() -> None:
    """Run it all and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the result here")
    parser.add_argument("--rates", type=int, nargs="*", default=RATES, help="constant rates, records a second")
    parser.add_argument("--seconds", type=int, default=25, help="how long each rate is held")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry = stack.enter_context(EmbeddedRegistry())
        trained_flights(folder / "flights")
        broker = up(folder / "kafka")
        stack.callback(down, folder / "kafka")
        bench = Bench(folder, broker.bootstrap, registry.url, asked.seconds)
        result: dict[str, Any] = {"rates": [bench.held(rate) for rate in asked.rates]}
        result["poisson"] = bench.scattered()
        fastest = bench.publish("fastest", "max", 1_000_000)["rate_per_s"]
        result["max_per_s"] = round(fastest)
        result["publish_delay_s"] = bench.delayed(fastest / 2)
        result["visible_s"] = bench.seen(fastest / 2)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Bench:
    """Where everything is measured.

    Args:
        folder: holds the artifact `flights`.
        bootstrap: the broker.
        registry: URL of the registry.
        seconds: how long each is measured.
    """

    folder: Path
    bootstrap: str
    registry: str
    seconds: int

    def publish(self, topic: str, rate: str, count: int) -> Any:
        """Publish to a topic whose timestamps are the broker's, as users do."""
        make_topic(self.bootstrap, topic, SHARDS, {"message.timestamp.type": "LogAppendTime"})
        asked = ["--topic", topic, "--rate", rate, "--shards", str(SHARDS), "--count", str(count)]
        where = ["--bootstrap", self.bootstrap, "--registry", self.registry]
        return synthstream("publish", str(self.folder / "flights"), *asked, *where)

    def appended_s(self, topic: str, by_shard: list[int]) -> Floats:
        """When the broker got each record of a topic, in seconds, ascending."""
        times = [t for shard, count in enumerate(by_shard) for _, t in read(self.bootstrap, topic, shard, count)]
        return np.sort(np.array(times)) / 1_000

    def held(self, rate: int) -> dict[str, Any]:
        """Publish at a constant rate, and find what was furthest off."""
        topic = f"rate-{rate}"
        published = self.publish(topic, str(rate), rate * self.seconds)
        times_s = self.appended_s(topic, published["by_shard"])
        sys.stderr.write(f"{rate} records a second\n")
        return {
            "asked_per_s": rate,
            "worst_off_in_10_s": off(times_s, rate, SPAN_S),
            "allowed_in_10_s": max(rate * SPAN_S * 0.01, SHARDS),
            "worst_off_in_100_ms": off(times_s, rate, SLOT_S),
            "expected_in_100_ms": rate * SLOT_S,
        }

    def scattered(self) -> dict[str, float]:
        """Publish at random, and find how scattered the records are."""
        published = self.publish("poisson", f"{{poisson: {POISSON_PER_S}}}", POISSON_PER_S * self.seconds * 4)
        times_s = self.appended_s("poisson", published["by_shard"])
        counts = np.histogram(times_s, np.arange(times_s[0], times_s[-1], SLOT_S))[0]
        dispersion = float(counts.var(ddof=1) / counts.mean())
        return {"dispersion": round(dispersion, 3), "standard_error": round(float(np.sqrt(2 / len(counts))), 3)}

    def spec(self, topic: str, rate: float) -> StreamSpec:
        """A stream of the flights at a constant rate."""
        form = {"stream": topic, "topic": topic, "artifact": "flights", "rate_per_s": rate, "shards": SHARDS}
        return from_mapping({**form, "bootstrap": self.bootstrap, "registry": self.registry}, self.folder)

    def delayed(self, rate: float) -> dict[str, float]:
        """How late records are handed over at a rate, in seconds."""
        late_s: list[Floats] = []
        artifact = load_artifact(self.folder / "flights")
        with assemble.reached(Place(self.bootstrap, self.registry)) as outside:
            spec = self.spec("delay", rate).model_copy(update={"count": round(rate * self.seconds)})
            job = assemble.publishing(spec, artifact, outside, Clock())
            run(lambda: job.publishers, lambda shard, late: late_s.append(late), lambda: False)
            job.outbox.flush()
        return quantiles(np.concatenate(late_s)) | {"rate_per_s": round(rate)}

    def seen(self, rate: float) -> dict[str, float]:
        """How long after their intended time a reader has the records of a worker, in seconds."""
        path = self.folder / "seen.yaml"
        form = self.spec("seen", rate).model_dump(mode="json", exclude_unset=True)
        path.write_text(yaml.safe_dump({**form, "behind": "skip"}))
        worker, took_s = Worker(path, self.folder / "worker.log"), [np.zeros(0)]
        try:
            until(lambda: worker.said("shard taken"))
            inbox = Inbox(Cluster(self.bootstrap), "seen", start="latest")
            began = time.monotonic()
            while (past_s := time.monotonic() - began) < self.seconds:
                polled = inbox.poll(20_000, 0.01)
                if past_s > self.seconds / 2:  # what was late because the worker began is over by then
                    took_s.append(time.time() - polled.timestamps_ms / 1_000)
            inbox.close()
        finally:
            worker.end()
        return quantiles(np.concatenate(took_s)) | {"rate_per_s": round(rate)}


def off(times_s: Floats, rate: float, span_s: float) -> int:
    """The largest difference from the asked number of records in any span that begins at a tenth of a second.

    The first second and the last are left out: a producer connects in the one, the stream ends in the other.
    """
    begins = np.arange(times_s[0] + 1, times_s[-1] - 1 - span_s, SLOT_S)
    found = np.searchsorted(times_s, begins + span_s) - np.searchsorted(times_s, begins)
    return int(np.abs(found - rate * span_s).max())


def quantiles(times_s: Floats) -> dict[str, float]:
    """The median and the tail."""
    return {name: round(float(np.quantile(times_s, q)), 4) for name, q in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}


if __name__ == "__main__":
    main()
