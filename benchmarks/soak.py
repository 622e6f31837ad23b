"""Whether a worker's memory stays flat and no record is lost while it publishes for a quarter of an hour.

    python -m benchmarks.soak [--minutes 15] [--rate 50000] [--json FILE]

Two workers publish four shards to a broker of their own. One read_committed consumer holds every record against the
one an uninterrupted run publishes. The memory of all processes of the workers is read every few seconds; its slope is
that of a straight line through what comes after a warm-up of a fifth of the time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults import Stream, resident_mib, running, told

EVERY_S = 5.0


def main() -> None:
    """Run it and print one JSON object; the exit code is 1 when a record was lost or repeated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--rate", type=int, default=50_000, help="records a second of the whole stream")
    parser.add_argument("--json", type=Path, help="also write the result here")
    asked = parser.parse_args()
    with running(asked.rate) as stream:
        result = soaked(stream, asked.minutes * 60, asked.rate)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")
    sys.exit(1 if result["faults"] else 0)


def soaked(stream: Stream, seconds: float, rate: int) -> dict[str, Any]:
    """Let a stream run, and look at its memory and at how far its reader is."""
    began, first = time.monotonic(), stream.reader.seen
    times_s: list[float] = []
    memory_mib: list[float] = []
    while (past_s := time.monotonic() - began) < seconds and not stream.reader.faults:
        times_s.append(past_s)
        memory_mib.append(sum(resident_mib(pid) for w in stream.workers for pid in (w.process.pid, *w.generators())))
        if len(times_s) % 12 == 0:
            told(f"{past_s / 60:.0f} min: {memory_mib[-1]:.0f} MiB, {stream.reader.seen - first} records")
        time.sleep(EVERY_S)
    read_per_s = (stream.reader.seen - first) / (time.monotonic() - began)
    warm = np.array(times_s) > seconds / 5
    slope = np.polyfit(np.array(times_s)[warm] / 60, np.array(memory_mib)[warm], 1)[0]
    return {
        "asked_per_s": rate,
        "read_per_s": round(read_per_s, 1),
        "records": stream.reader.seen,
        "faults": stream.reader.faults,
        "memory_mib": {"first": round(memory_mib[0], 1), "last": round(memory_mib[-1], 1)},
        "slope_mib_per_min": round(float(slope), 3),
        "processes": sum(1 + len(worker.generators()) for worker in stream.workers),
    }


if __name__ == "__main__":
    main()
