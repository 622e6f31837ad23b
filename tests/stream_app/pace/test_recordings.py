"""Recorded arrivals: the files that are read, replayed, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputError
from schemas.rate_forms import Trace
from schemas.rates import profile_of
from stream_app.pace.course import NEVER_MS
from stream_app.pace.recordings import pinned, recording
from tests.stream_app.pace.profiles import START_MS, courses, due_by, times_of

ISO = "time\n2026-01-01T00:00:00Z\n2026-01-01T00:00:00.5Z\n2026-01-01T00:00:03Z\n"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "trace.csv"
    path.write_text(ISO)
    return path


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (ISO, [2, 0, 0, 1]),
        ("when\n5.25\n5.5\n7\n", [2, 1]),
        ("second,count\n10,3\n11,0\n12,4\n", [3, 0, 4]),
        ("count,second\n0.5,1\n2,1\n", [2.5]),
        ("id,time\na,2026-01-01 00:00:00\nb,2026-01-01 00:00:01\n", [1, 1]),
    ],
)
def test_arrivals_are_counted_in_slots(tmp_path: Path, text: str, counts: list[float]) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert recording(Trace(file=tmp_path / "t.csv")).counts.tolist() == counts


def test_parquet_is_read_too(tmp_path: Path) -> None:
    times = pa.array([0, 1_500, 2_000], pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({"time": times}), tmp_path / "t.parquet")
    assert recording(Trace(file=tmp_path / "t.parquet", slot_s=0.5)).counts.tolist() == [1, 0, 0, 1, 1]


def test_a_recording_is_replayed_slot_by_slot_and_then_ends(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("second,count\n0,30\n1,0\n2,10\n")
    profile = profile_of({"trace": {"file": str(tmp_path / "t.csv"), "scale": 2}})
    due = due_by(courses(profile, 3), 3_600)
    assert np.bincount(due // 1_000).tolist() == [60, 0, 20]
    schedule = courses(profile)[0]
    assert schedule.due_ms(np.array([79, 80, 5_000])).tolist()[1:] == [NEVER_MS, NEVER_MS]
    assert schedule.due_until(START_MS + 1e10, 80) == 80


def test_a_recording_that_repeats_has_no_end(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("second,count\n0,3\n1,1\n")
    profile = profile_of({"trace": {"file": str(tmp_path / "t.csv"), "repeat": True}})
    assert np.bincount(due_by(courses(profile), 5.99) // 1_000).tolist() == [3, 1, 3, 1, 3, 1]


def test_a_stream_is_bound_to_the_recording_it_began_with(written: Path) -> None:
    profile = pinned(profile_of({"poisson": {"sum": [1, {"trace": {"file": str(written)}}]}}))
    again = profile_of(profile.to_json())
    assert again == profile
    times_of(courses(again)[0])
    other = written.with_name("other.csv")
    other.write_text(ISO + "2026-01-01T00:00:04Z\n")
    trace = profile.poisson.sum[1].trace
    with pytest.raises(InputError, match=r"other\.csv: holds other arrivals than when the stream began"):
        recording(trace.model_copy(update={"file": other}))
    assert pinned(5.0) == 5.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time\n", "holds no arrivals"),
        ("time\n3\n2\n", "row 2 is earlier than the one before it; sort the file by time"),
        ("time\nsoon\n", "'soon': expected seconds, or times"),
        ("a,b\n1,2\n", "has the columns a, b; expected `time`, or `second` and `count`"),
        ("second,count\n1,-2\n2,5\n", "counts of 0 or more"),
        ("second,count\n1,0\n", "holds no arrivals"),
        ("time\n0\n1e9\n", "cuts the recording into 1,000,000,001 slots"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        recording(Trace(file=tmp_path / "t.csv"))


def test_a_recording_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        recording(Trace(file=tmp_path / "none.csv"))
