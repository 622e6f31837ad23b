"""Contenders run apart: they say what they found, stay on their machine, and fail in one line."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.contest.contender import offline
from benchmarks.contest.processes import cpus, environment, family, watched
from schemas.errors import ServiceError


def python(text: str, threads: int = 1) -> tuple[str, float]:
    return watched([sys.executable, "-c", text], environment(threads), cpus(threads))


def test_what_a_process_prints_comes_back() -> None:
    assert python("print('one'); print('two')")[0] == "one\ntwo\n"


def test_memory_of_children_counts() -> None:
    child = "import sys; x = b'1' * (64 << 20); sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read(1)"
    parent = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
until = time.monotonic() + 1
while time.monotonic() < until: pass
child.communicate(b"x")
"""
    assert python(parent)[1] > 64


def test_a_process_has_the_threads_and_processors_it_is_given() -> None:
    text = "import os; print(os.environ['OMP_NUM_THREADS'], len(os.sched_getaffinity(0)))"
    assert python(text, 1)[0] == "1 1\n"


def test_a_failure_says_its_last_words() -> None:
    with pytest.raises(ServiceError, match="ValueError: no such thing"):
        python("raise ValueError('no such thing')")
    with pytest.raises(ServiceError, match="exit code 3"):
        python("raise SystemExit(3)")


def test_a_family_is_who_it_is_and_ends() -> None:
    assert next(family(os.getpid())) == os.getpid()


@pytest.mark.parametrize("host", ["example.org", b"example.org", "10.0.0.1"])
def test_nothing_leaves_this_machine(host: str | bytes) -> None:
    with pytest.raises(ConnectionRefusedError):
        offline("socket.getaddrinfo", (host, 443))
    with pytest.raises(ConnectionRefusedError):
        offline("socket.connect", (None, (host, 443)))


def test_what_stays_here_is_let_through() -> None:
    for host in ("localhost", "127.0.0.1", "::1", None):
        offline("socket.getaddrinfo", (host, 80))
    offline("socket.connect", (None, "/tmp/a-socket"))
    offline("open", ("example.org", "r", 0))
