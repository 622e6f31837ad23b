"""Whether a stream stays whole when its workers are killed and its broker fails, and how soon it goes on.

    python -m benchmarks.faults [--kills 100] [--rate 8000] [--only kills stops broker] [--json FILE]

Two workers publish four shards to a broker of their own, on a small tmpfs where that can be mounted (root on
Linux). Meanwhile, with one read_committed consumer looking on all the time:

kills    a worker, one of its generator processes, or all of them get SIGKILL at random moments;
stops    a worker is told to stop and another takes its shards over;
broker   the broker is killed and restarted, frozen for 30 seconds, and left without disk space until it gives up.

The consumer holds every record against the one an uninterrupted run publishes, byte for byte, and every shard's
numbers against 0, 1, 2, ... A takeover lasts until readers see records of every shard that were due after the fault.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.side_by_side import people, trained
from connectors.embedded_registry import EmbeddedRegistry
from connectors.kafka import Cluster, Inbox
from connectors.local_broker import LocalBroker, down, up
from generators.artifact import load_artifact, save
from generators.blocks import Source
from schemas.avro import avro_schema
from schemas.codec import Codec
from stream_app.lineage import HEADER, parse

SHARDS = 4
FROZEN_S = 30.0
PATIENCE_S = 120.0
DISK = "4g"  # a topic keeps all that came, since it is never so old that a segment is done with


def main() -> None:
    """Run what was asked for and print one JSON object; the exit code is 1 when a record was lost or repeated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--rate", type=int, default=8_000, help="records a second of the whole stream")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and victims")
    parser.add_argument("--only", nargs="*", choices=["kills", "stops", "broker"], default=["kills", "stops", "broker"])
    parser.add_argument("--json", type=Path, help="also write the result here")
    asked = parser.parse_args()
    with ExitStack() as stack:
        stream = stack.enter_context(running(asked.rate))
        result: dict[str, Any] = {}
        if "kills" in asked.only:
            result["kills"] = killed(stream, random.Random(asked.seed), asked.kills)
        if "stops" in asked.only:
            result["stops"] = stopped(stream, asked.stops)
        if "broker" in asked.only:
            result["broker"] = broken(stream)
        result["records"] = stream.reader.seen
        result["faults"] = stream.reader.faults
        result["largest_worker_mib"] = stream.largest_mib
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")
    sys.exit(1 if result["faults"] else 0)


class Worker:
    """`synthstream worker` in a process of its own, with its log in a file."""

    def __init__(self, spec: Path, log: Path) -> None:
        self._log = log.open("ab")
        self._from = log.stat().st_size
        self._path = log
        command = [sys.executable, "-m", "stream_app", "--log-level", "info", "worker", str(spec), "--json"]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def generators(self) -> list[int]:
        """The process ids of its generator processes, the spare among them."""
        found: list[int] = []
        for children in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(pid) for pid in children.read_text().split() if b"spawn_main" in command_line(int(pid))]
        return sorted(found)

    def said(self, words: str) -> bool:
        """Whether it has logged these words."""
        return words in self._path.read_bytes()[self._from :].decode(errors="replace")

    def last_words(self) -> str:
        """The end of its log."""
        return self._path.read_text(errors="replace")[-4_000:]

    def kill(self, pids: list[int]) -> None:
        """SIGKILL these at once."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.kill([self.process.pid])
        self.process.wait()
        self._log.close()


def command_line(pid: int) -> bytes:
    """A process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Reader:
    """Reads what is committed, as it comes, and holds it against what an uninterrupted run publishes."""

    def __init__(self, cluster: Cluster, topic: str, expected: Callable[[int], Iterator[bytes]]) -> None:
        self._inbox = Inbox(cluster, topic)
        self._expected = {shard: expected(shard) for shard in range(SHARDS)}
        self.next = dict.fromkeys(range(SHARDS), 0)
        self.newest_ms = dict.fromkeys(range(SHARDS), 0)
        self.faults: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def seen(self) -> int:
        """How many records were read."""
        return sum(self.next.values())

    def _read(self) -> None:
        while not self._stop.is_set():
            polled = self._inbox.poll(20_000, 0.1)
            for i, shard in enumerate(polled.partitions.tolist()):
                lineage = parse(bytes(dict(polled.headers[i] or [])[HEADER] or b""))  # type: ignore[arg-type]
                if lineage is None or (lineage.shard, lineage.sequence) != (shard, self.next[shard]):
                    self.faults.append(f"shard {shard}: expected record {self.next[shard]}, found {lineage}")
                elif polled.values[i] != next(self._expected[shard]):
                    self.faults.append(f"shard {shard}: record {self.next[shard]} has other bytes")
                self.next[shard] += 1
            for shard in np.unique(polled.partitions).tolist():
                self.newest_ms[shard] = int(polled.timestamps_ms[polled.partitions == shard].max())
            if len(self.faults) > 20:
                return

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._inbox.close()


class Stream:
    """The stream under test: its broker, its workers, its reader."""

    reader: Reader

    def __init__(self, broker: LocalBroker, spec: Path) -> None:
        self.broker, self.spec = broker, spec
        self.workers = [self.worker(0), self.worker(1)]
        self.largest_mib = 0.0

    def worker(self, number: int) -> Worker:
        """Start a worker."""
        return Worker(self.spec, self.spec.parent / f"worker-{number}.log")

    def replace(self, number: int) -> None:
        """Start a worker in the place of one that has ended, and wait until it has its shards."""
        self.workers[number].end()
        self.workers[number] = self.worker(number)
        self.until(lambda: self.workers[number].said("shard taken"))

    def end(self) -> None:
        """Stop reading and end the workers."""
        if hasattr(self, "reader"):
            self.reader.close()
        for worker in self.workers:
            worker.end()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that has to come, and show what the workers said last when it does not."""
        try:
            until(condition)
        except TimeoutError:
            for worker in self.workers:
                told(worker.last_words())
            raise

    def goes_on(self, since_s: float) -> float:
        """How long after a moment readers saw records of every shard that were due after it, in seconds."""
        self.until(lambda: min(self.reader.newest_ms.values()) > since_s * 1_000 or bool(self.reader.faults))
        took_s = time.time() - since_s
        pids = [pid for w in self.workers for pid in (w.process.pid, *w.generators())]
        self.largest_mib = max(self.largest_mib, *(resident_mib(pid) for pid in pids))
        return took_s


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has to come.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE_S:g} s")
        time.sleep(0.02)


def resident_mib(pid: int) -> float:
    """The memory a process holds."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


@contextmanager
def running(rate: int) -> Iterator[Stream]:
    """A stream on a broker of its own, once both workers have shards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry = stack.enter_context(EmbeddedRegistry())
        disk = stack.enter_context(small_disk(folder / "disk"))
        broker = up(disk)
        stack.callback(down, disk)
        artifact = folder / "people"
        save(trained(people(), "tabular.marginals"), artifact)
        form = {
            "stream": "people",
            "topic": "people-data",
            "artifact": str(artifact),
            "rate_per_s": rate,
            "shards": SHARDS,
            "bootstrap": broker.bootstrap,
            "registry": registry.url,
            "topic_settings": {"retention_ms": 60_000},
            "kafka": {"compression.type": "lz4"},
        }
        spec = folder / "people.yaml"
        spec.write_text(yaml.safe_dump(form))
        stream = Stream(broker, spec)
        stack.callback(stream.end)
        until(lambda: all(worker.said("shard taken") for worker in stream.workers))
        cluster = Cluster(broker.bootstrap)
        stream.reader = Reader(cluster, "people-data", lambda shard: bytes_of(artifact, shard))
        stream.goes_on(time.time())
        yield stream


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A small disk of its own for the broker, where one can be mounted."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=False)
    try:
        yield folder
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


def bytes_of(folder: Path, shard: int) -> Iterator[bytes]:
    """The values of a shard, one after the other, as an uninterrupted run publishes them."""
    artifact = load_artifact(folder)
    source, codec = Source(artifact, 0, 0, shard, SHARDS), Codec(avro_schema(artifact.schema))
    block = 0
    while True:
        yield from codec.encode(source.block(block), 1).values()
        block += 1


def killed(stream: Stream, chance: random.Random, kills: int) -> dict[str, Any]:
    """Kill at random, and give back how long takeovers took, by what was killed."""
    took: dict[str, list[float]] = {"parent": [], "child": [], "both": []}
    for i in range(kills):
        number = chance.randrange(len(stream.workers))
        victim, kind = stream.workers[number], chance.choice(list(took))
        time.sleep(chance.uniform(0, 2))
        children = victim.generators()
        pids = {"parent": [victim.process.pid], "child": [chance.choice(children)], "both": []}[kind]
        at_s = time.time()
        victim.kill(pids or [*children, victim.process.pid])
        took[kind].append(round(stream.goes_on(at_s), 2))
        if kind != "child":
            stream.replace(number)
        faults = len(stream.reader.faults)
        told(f"kill {i + 1} of {kills}: {kind} of worker {number}, {took[kind][-1]} s, {faults} faults")
        if stream.reader.faults:
            break
    return {kind: summary(times) for kind, times in took.items()}


def stopped(stream: Stream, stops: int) -> dict[str, Any]:
    """Stop workers cleanly, and give back how long takeovers took."""
    times: list[float] = []
    for i in range(stops):
        at_s = time.time()
        stream.workers[i % 2].process.terminate()
        times.append(round(stream.goes_on(at_s), 2))
        told(f"stop {i + 1} of {stops}: {times[-1]} s")
        stream.workers[i % 2].process.wait(PATIENCE_S)
        stream.replace(i % 2)
    return summary(times)


def broken(stream: Stream) -> dict[str, Any]:
    """Have the broker fail in every way it fails, and give back how long the stream took to go on after it was back."""
    result: dict[str, Any] = {}
    folder, pid = stream.broker.folder, stream.broker.pid

    def back() -> int:
        """Start the broker again, and give back its process id."""
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        return up(folder).pid

    os.kill(pid, signal.SIGKILL)
    pid = back()
    result["killed"] = recovered(stream, "the broker was killed and is back")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(FROZEN_S)
    os.kill(pid, signal.SIGCONT)
    result["frozen"] = recovered(stream, f"the broker was frozen for {FROZEN_S:g} s")
    if os.path.ismount(folder):
        fill(folder / "ballast")
        until(lambda: not running_process(pid))
        (folder / "ballast").unlink()
        pid = back()
        result["disk_full"] = recovered(stream, "the disk was full, the broker had given up and is back")
    stream.broker = LocalBroker(stream.broker.bootstrap, pid, folder)
    return result


def recovered(stream: Stream, what: str) -> float:
    """How long the stream takes to go on from now, in seconds."""
    took_s = round(stream.goes_on(time.time()), 2)
    told(f"{what}: {took_s} s, {len(stream.reader.faults)} faults")
    return took_s


def running_process(pid: int) -> bool:
    """Whether a process runs; one of ours that has ended is taken note of."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return bool(command_line(pid))


def fill(ballast: Path) -> None:
    """Leave no byte free on a disk."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))


def summary(times_s: list[float]) -> dict[str, Any]:
    """How many there were, the median and the worst."""
    if not times_s:
        return {"count": 0}
    return {"count": len(times_s), "median_s": round(float(np.median(times_s)), 2), "worst_s": max(times_s)}


def told(line: str) -> None:
    """Say on standard error how far it is."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
