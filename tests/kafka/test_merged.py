"""What members of a group count and one judge adds up is what a single reader counts, whatever happens to members."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from connectors.kafka import Cluster, Outbox
from generators.artifact import Artifact, load_artifact
from monitors.arrival_kernels import FIRST
from schemas.errors import InputError
from schemas.stream import StreamSpec
from stream_app import assemble, monitoring
from stream_app.settings import Place
from stream_app.specs import stream_spec
from stream_app.watching.judging import Judging
from stream_app.watching.merged import Member, Merged
from stream_app.watching.watch import Watch

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

COUNT = 30_000
Panes = dict[float, npt.NDArray[np.int64]]


@pytest.fixture
def spec(stream: Path, folder: Path) -> StreamSpec:
    found = stream_spec(stream, {}, {})
    where = ["--bootstrap", str(found.bootstrap), "--registry", str(found.registry)]
    shape = ["--topic", found.topic, "--shards", str(found.shards), "--rate", "20000", "--count", str(COUNT)]
    command = [sys.executable, "-m", "stream_app", "publish", str(folder), *shape, *where, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["published"] == COUNT, done.stderr
    return found


@pytest.fixture
def outside(spec: StreamSpec) -> Iterator[assemble.Outside]:
    with assemble.reached(Place(str(spec.bootstrap), str(spec.registry))) as reached:
        yield reached


@pytest.fixture
def artifact(folder: Path) -> Artifact:
    return load_artifact(folder)


def panes(judging: Judging) -> Panes:
    """By the end of its slot, what was counted of rows, and what a classifier made of the pane."""
    windows = [verdict.window for verdict in judging.memory.verdicts] + list(judging.judges.windows.flush())
    layout = judging.judges.layout
    newest = {window.end_s: window.newest for window in windows if window.newest.records}
    return {
        end_s: np.concatenate([each.counts[: layout.rows.size], each.sequences, each.told])
        for end_s, each in newest.items()
    }


def once(watch: Watch) -> Panes:
    """What a single reader counts."""
    while watch.memory.records < COUNT:
        watch.step()
    return panes(watch)


def added_up(merged: Merged) -> Panes:
    """What the judge adds up."""
    while merged.memory.records < COUNT:
        merged.step()
    return panes(merged)


def same(one: Panes, other: Panes) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[end], other[end]) for end in one)


def read_on(members: list[Member], until: int) -> None:
    """Have members read in turn until they have counted so many records, and each has partitions."""
    while sum(member.records for member in members) < until or not all(member.partitions for member in members):
        for member in members:
            member.step()


def test_members_come_and_die_and_the_sum_is_what_one_reader_counts(
    spec: StreamSpec, artifact: Artifact, outside: assemble.Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_app.watching.merged.MOST_RECORDS", 700)
    monkeypatch.setattr("stream_app.watching.merged.COMMIT_S", 0.0)
    spec = spec.model_copy(update={"monitor": spec.monitor.model_copy(update={"classifier": True})})
    expected = once(monitoring.watch(spec, artifact, outside, "earliest"))
    first, second = (monitoring.member(spec, artifact, outside, "earliest") for _ in range(2))
    read_on([first], 2_000)
    read_on([first, second], 6_000)
    monkeypatch.setattr(first, "commit", lambda: None)
    first.step()  # counts records and dies before it sends them
    first._relay.close()
    read_on([second], COUNT - first.records)
    second.commit()
    assert second._counter.state["states"][:, FIRST].tolist() == [0] * spec.shards  # known from who read there before
    second.close()
    merged = monitoring.merged(spec, artifact, outside)
    assert same(added_up(merged), expected)
    assert sum(pane[0] for pane in expected.values()) == COUNT
    assert sum(pane[-3:].sum() for pane in expected.values()) > 0
    assert (merged.ledger.repeated, merged.ledger.lost) == (0, 0)
    assert merged.memory.foreign == 0
    again = monitoring.merged(spec, artifact, outside)  # a judge that crashed knows all it knew
    assert same(added_up(again), expected)
    assert [v.window.end_s for v in again.memory.verdicts] == [v.window.end_s for v in merged.memory.verdicts]


def test_a_reader_goes_on_from_what_another_kept_and_counts_what_one_alone_does(
    spec: StreamSpec, artifact: Artifact, outside: assemble.Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_app.watching.watch.MOST_RECORDS", 700)
    expected = once(monitoring.watch(spec, artifact, outside, "earliest"))
    assert monitoring.kept(spec, artifact, outside) is None
    first = monitoring.watch(spec, artifact, outside, "earliest")
    while first.memory.records < COUNT // 2:
        first.step()
    monitoring.keeper(spec, artifact, outside, first).close()
    counted = {
        v.window.end_s: v.window.newest.counts[: v.window.newest.layout.rows.size] for v in first.memory.verdicts
    }
    first.step()  # read once more by the next
    known = monitoring.kept(spec, artifact, outside)
    assert known is not None
    second = monitoring.watch(spec, artifact, outside, known)
    assert second.judged_s == max(counted, default=0.0)
    while second.memory.records < COUNT - sum(known.positions.values()):
        second.step()
    assert same({end: pane for end, pane in counted.items() if pane[0]} | panes(second), expected)
    assert second.memory.redelivered == 0
    other = spec.model_copy(update={"seed": 9})
    assert monitoring.kept(other, artifact, outside) is None


def test_what_is_no_delta_stops_the_judge_and_says_where(
    spec: StreamSpec, artifact: Artifact, outside: assemble.Outside, cluster: Cluster
) -> None:
    merged = monitoring.merged(spec, artifact, outside)
    outbox = Outbox(cluster, f"{spec.stream}.panes", None)
    outbox.send_one(f"{spec.stream}.panes", b"", b"hello", 0)
    outbox.flush()
    with pytest.raises(InputError, match=rf"topic={spec.stream}\.panes, offset 0: a record on the panes topic is no"):
        added_up(merged)
