"""A real Apache Kafka on this machine, from Maven's artifacts: one node in KRaft mode, without Docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.kafka import Cluster, check
from schemas.errors import InputError, ServiceError

POM = Path(__file__).parent.parent / "deploy" / "kafka" / "pom.xml"
"""Which Kafka; it lies in a source checkout."""

START_S = 60.0
"""How long a broker may take to serve."""

STOP_S = 30.0
"""How long a broker may take to end before it is killed."""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


@dataclass(frozen=True)
class LocalBroker:
    """A broker that runs.

    Args:
        bootstrap: host:port clients connect to.
        pid: its process.
        folder: where its data lies.
    """

    bootstrap: str
    pid: int
    folder: Path


def up(folder: Path, port: int | None = None, heap: str = "1g", further: str = "") -> LocalBroker:
    """Start a broker, or find the one that runs in the folder already.

    Args:
        folder: keeps its data, log and settings; created when missing.
        port: where to serve; None or 0 for a free port, or the one it had before.
        heap: Java heap, as in "1g".
        further: lines of server.properties; they come before ours of the same name, and may use our placeholders.

    Raises:
        InputError: a heap Java does not understand.
        ServiceError: Java or Maven is missing, or the broker did not come up.
    """
    if not re.fullmatch(r"\d+[mMgG]", heap):
        raise InputError(f"heap={heap}: expected a size as in 512m or 1g")
    running = status(folder)
    if running is not None:
        return running
    jars = _jars()
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    port = port or _port_before(folder) or _free_port()
    settings = folder / "server.properties"
    settings.write_text((PROPERTIES + further).format(port=port, controller=_free_port(), data=folder / "data"))
    if not (folder / "data" / "meta.properties").exists():
        _format(jars, settings)
    pid = _start(jars, settings, heap)
    broker = LocalBroker(f"127.0.0.1:{port}", pid, folder)
    (folder / "broker.json").write_text(json.dumps({"bootstrap": broker.bootstrap, "pid": pid}))
    _wait_until_it_serves(broker)
    return broker


def status(folder: Path) -> LocalBroker | None:
    """The broker that runs in a folder; None when none does."""
    note = folder / "broker.json"
    if not note.exists():
        return None
    known = json.loads(note.read_text())
    folder = folder.absolute()
    return LocalBroker(known["bootstrap"], known["pid"], folder) if _is_broker(known["pid"], folder) else None


def down(folder: Path) -> bool:
    """Stop the broker of a folder; its data stays.

    Returns:
        Whether one ran.

    Raises:
        ServiceError: it did not end.
    """
    broker = status(folder)
    if broker is None:
        return False
    for number, patience_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
        os.kill(broker.pid, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            _reap(broker.pid)
            if not _is_broker(broker.pid, broker.folder):
                (broker.folder / "broker.json").unlink(missing_ok=True)
                return True
            time.sleep(0.05)
    raise ServiceError(f"broker pid={broker.pid}: does not end; end it by hand")


def tool(name: str, arguments: Sequence[str], heap: str = "256m") -> list[str]:
    """The command line of one of Kafka's own tools.

    Args:
        name: its Java class, as in "org.apache.kafka.tools.ProducerPerformance".
        arguments: its arguments.
        heap: its Java heap.
    """
    return [_program("java"), f"-Xmx{heap}", "-cp", f"{_jars()}/*", name, *arguments]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        package = {"java": "a JDK 17 (Debian: openjdk-17-jdk-headless)", "mvn": "Maven (Debian: maven)"}[name]
        raise ServiceError(f"{name}: is not installed; install {package}, or name a running broker by --bootstrap")
    return found


def _jars() -> Path:
    """The folder with Kafka's jars, filled by Maven the first time."""
    if not POM.exists():
        raise ServiceError(f"{POM}: is missing; `synthstream broker` works from a source checkout")
    version = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text())
    assert version is not None
    base = os.environ.get("SYNTHSTREAM_CACHE") or Path.home() / ".cache" / "synthstream"
    jars = Path(base) / f"kafka-{version[1]}"
    if not jars.exists():
        partial = jars.with_name(f"{jars.name}.{os.getpid()}")
        run = [
            _program("mvn"),
            "-q",
            "-B",
            "-f",
            str(POM),
            "dependency:copy-dependencies",
            f"-DoutputDirectory={partial}",
        ]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(partial, ignore_errors=True)
            raise ServiceError(f"mvn: could not fetch Kafka {version[1]}: {_last_line(done.stdout + done.stderr)}")
        partial.rename(jars)
    return jars


def _format(jars: Path, settings: Path) -> None:
    identity = ["-t", "MkU3OEVBNTcwNTJENDM2Qg"]
    command = [
        _program("java"),
        "-cp",
        f"{jars}/*",
        "kafka.tools.StorageTool",
        "format",
        *identity,
        "-c",
        str(settings),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServiceError(f"broker: could not format {settings.parent}: {_last_line(done.stdout + done.stderr)}")


def _start(jars: Path, settings: Path, heap: str) -> int:
    command = [
        _program("java"),
        f"-Xmx{heap}",
        f"-Xms{heap}",
        "-XX:+UseG1GC",
        "-cp",
        f"{jars}/*",
        "kafka.Kafka",
        str(settings),
    ]
    with (settings.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=settings.parent
        )
    # The broker outlives this process; whoever waits for it here does so by its id.
    process.returncode = 0
    return process.pid


def _wait_until_it_serves(broker: LocalBroker) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            check(Cluster(broker.bootstrap), 1.0)
            return
        except ServiceError as error:
            _reap(broker.pid)
            log = broker.folder / "server.log"
            if not _is_broker(broker.pid, broker.folder):
                raise ServiceError(f"broker: ended at once: {_last_line(log.read_text())}; see {log}") from error
            if time.monotonic() > deadline:
                raise ServiceError(f"broker: does not serve after {START_S:g} s; see {log}") from error


def _is_broker(pid: int, folder: Path) -> bool:
    """Whether the process is the broker of this very folder, and no other that came by its number later."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(folder / "server.properties").encode() in command


def _reap(pid: int) -> None:
    """Take note of a child's end, so that it does not stay a zombie; not every broker is our child."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _port_before(folder: Path) -> int | None:
    settings = folder / "server.properties"
    if not settings.exists():
        return None
    found = re.search(r"PLAINTEXT://127\.0\.0\.1:(\d+)", settings.read_text())
    if found is None or not _is_free(int(found[1])):
        return None
    return int(found[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
