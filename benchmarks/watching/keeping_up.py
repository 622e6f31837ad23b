"""Whether a monitor keeps up with its publisher, the broker beside both, and how far it lies behind.

Run by `benchmarks.monitors` in a process of its own, which watches as `synthstream monitor` does; `synthstream publish`
is another, and the broker a third. How far it lies behind is the time on the wall less the end of the newest pane that
was judged: of panes of a second that are judged at once, anything from 0 to 1 s. It counts from when records were due,
so a publisher that is late itself (`worst_publish_delay_s`) shows in it; what the monitor has left unread does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.side_by_side import people
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Inbox, TopicShape, ensure_topic
from generators.artifact import load_artifact
from schemas.inference import Choices
from schemas.rows import Rows
from schemas.stream import from_mapping
from stream_app import assemble, monitoring, training
from stream_app.decoding import Decoders
from stream_app.publish import Clock
from stream_app.settings import Place
from stream_app.watching.watch import Watch

RATE_PER_S, SECONDS, SETTLING_S = 200_000, 40, 10
SHARDS, MODEL = 4, "tabular.mixture"
LONGEST_S = 180.0


def behind(bootstrap: str, folder: Path) -> dict[str, Any]:
    """Publish and watch at once.

    Args:
        bootstrap: the broker.
        folder: room for an artifact and a log.
    """
    plan = training.Training(MODEL, "people", Choices())
    training.train(Rows.of(people()), plan, folder / "people", lambda done, doing: None)
    artifact, topic = load_artifact(folder / "people"), f"keeping-up-{os.getpid()}"
    with EmbeddedRegistry() as served, assemble.reached(Place(bootstrap, served.url)) as outside:
        ensure_topic(outside.cluster, topic, TopicShape(SHARDS))
        form = {"stream": topic, "topic": topic, "artifact": "people", "shards": SHARDS, "rate_per_s": RATE_PER_S}
        monitor = {"pane_s": 1, "window_s": 10, "allowed_lateness_s": 0}
        spec, inbox = from_mapping({**form, "monitor": monitor}, folder), Inbox(outside.cluster, topic, start="latest")
        judges = monitoring.judges(spec, artifact)
        counter = monitoring.counter(spec, artifact, judges, Decoders(outside.registry))
        watch = Watch(inbox, counter, judges, Clock().now_ms)
        where = ["--bootstrap", bootstrap, "--registry", served.url, "--topic", topic, "--shards", str(SHARDS)]
        how = ["--rate", str(RATE_PER_S), "--count", str(RATE_PER_S * SECONDS), "--json"]
        command = [sys.executable, "-m", "stream_app", "publish", str(folder / "people"), *where, *how]
        behind_s, unread = list[tuple[float, float]](), list[int]()
        used_s, began = time.process_time(), time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as publisher:
            while publisher.poll() is None and time.monotonic() - began < LONGEST_S:
                before = len(watch.memory.verdicts)
                watch.step()
                if len(watch.memory.verdicts) > before:
                    unread.append(sum(inbox.ends().values()) - sum(inbox.positions.values()))
                if watch.memory.verdicts:
                    now_s = time.time()
                    behind_s.append((now_s, now_s - watch.memory.verdicts[-1].window.end_s))
            publisher.terminate()
            said = publisher.stdout.read() if publisher.stdout is not None else ""
    if not behind_s:
        return {"behind_panes": None, "monitored": watch.memory.records}
    at_s, found_s = np.array(behind_s).T
    settled = found_s[at_s > at_s[0] + SETTLING_S]
    return {
        "asked_per_s": RATE_PER_S,
        "published": json.loads(said) if said.strip() else None,
        "monitored": watch.memory.records,
        "late_records": judges.windows.late_records,
        "most_unread_records": max(unread[SETTLING_S:], default=0),
        "monitor_core_share": (time.process_time() - used_s) / (time.monotonic() - began),
        "behind_panes": float(np.max(settled, initial=0.0)),
        "behind_panes_median": float(np.median(settled)) if len(settled) else None,
        "behind_panes_p99": float(np.quantile(settled, 0.99)) if len(settled) else None,
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Print all of it as one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        sys.stdout.write(json.dumps(behind(sys.argv[1], Path(name))) + "\n")


if __name__ == "__main__":
    main()
