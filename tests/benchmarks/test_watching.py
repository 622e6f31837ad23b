"""The watched stream's laws, and what becomes of verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from benchmarks import monitors as benchmark
from benchmarks.codec import KINDS, avro
from benchmarks.watching import day, others, speed, stream
from monitors.dispersion import Blocks, inflation
from monitors.evidence import Subject
from schemas.codec import Codec
from stream_app.decoding import AT_ONCE

LAYOUT = stream.LAYOUT


@pytest.mark.parametrize("name", benchmark.CHANGES)
def test_a_change_is_a_law_and_moves_its_column_alone(name: str) -> None:
    law, calm = benchmark.CHANGES[name].law, stream.calm()
    moved = {column for column in calm.shares if not np.allclose(law.shares[column], calm.shares[column])}
    subject = benchmark.CHANGES[name].subject
    assert moved == ({subject.column} if name in benchmark.LAWS else set())
    assert all(share.sum() == pytest.approx(1) and share.min() >= 0 for share in law.shares.values())
    broken = law.violations != calm.violations
    assert broken.tolist() == [subject.metric == "quality_violation", False, False]


def test_a_shift_moves_the_distribution_as_that_of_a_normal() -> None:
    moved, own = (law.shares[stream.NUMBERS[0]][:-1] for law in (stream.shifted(0.1), stream.calm()))
    gap = np.abs(np.cumsum(moved) - np.cumsum(own)).max() / (1 - stream.NULLS)
    assert gap == pytest.approx(0.0399, abs=0.0005)


def test_records_count_as_the_pane_they_were_drawn_for() -> None:
    rng = np.random.default_rng(0)
    pane = stream.pane_of(rng, stream.unseen(0.05), 2_000)
    read = benchmark.Bytes().through(rng, pane)
    assert read.records == pane.records
    for name in LAYOUT.cells:
        assert np.array_equal(read.column(name), pane.column(name)), name
    assert np.array_equal(read.counts[LAYOUT.violations], pane.counts[LAYOUT.violations])
    assert isinstance(stream.records_of(rng, pane).column(0), pa.Int64Array)


def test_dependent_records_have_the_marginals_and_the_spread_they_should() -> None:
    source = stream.Dependent(np.random.default_rng(1), 0.5)
    blocks = [source.pane(1_000) for _ in range(200)]
    total = sum(pane.column(stream.CATEGORIES[0]) for pane in blocks)
    assert total / 200_000 == pytest.approx(stream.calm().shares[stream.CATEGORIES[0]], abs=0.006)
    factors = inflation(LAYOUT, Blocks([pane.counts for pane in blocks]))
    assert 2 < factors[Subject("drift_ks", stream.NUMBERS[0])] < 5
    assert 2 < factors[Subject("drift_chi_square", stream.CATEGORIES[0])] < 7


def test_a_small_run_finds_what_is_large_and_nothing_where_nothing_is() -> None:
    draws = benchmark.Panes(3)
    assert benchmark.false_alarms(30, draws)[0] == 0
    changes = {name: benchmark.CHANGES[name] for name in ("mean_0.5_sd", "unseen_1e-3")}
    found = benchmark.delays(changes, 2, draws)
    assert [found[name]["detected_share"] for name in changes] == [1, 1]
    assert [found[name]["page_delay_panes"] for name in changes] == [1, 1]


def test_verdicts_become_rates() -> None:
    figures = others._figures(["calm", "calm", "a", "a", "b"], [True, False, True, True, False])
    assert figures == {"false_alarms_per_10000": 5_000, "detected_share": {"a": 1, "b": 0}, "windows": 5}


def test_the_scene_of_speed_is_decoded_and_counted_whole() -> None:
    scene = speed.Scene(KINDS, 100)
    codec = Codec(avro(KINDS))
    batch = codec.decode(codec.encode(scene.table, 1).blobs).batch
    zeros = np.zeros(batch.num_rows, np.int64)
    (pane,) = scene.deltas.count(batch, zeros, zeros.astype(np.int32), np.arange(len(zeros)), 0.0).values()
    assert (pane.records, len(pane.layout.pairs), len(speed.KINDS_40)) == (batch.num_rows, 30, 40)
    assert speed.rows_at_once(KINDS) > speed.rows_at_once(speed.KINDS_40) == AT_ONCE


def test_a_part_alone_is_measured_and_written_by_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "calm.json"
    asked = ["--part", "calm", "--part", "dependent", "--panes", "20", "--json", str(file)]
    done = CliRunner().invoke(benchmark.main, asked, catch_exceptions=False)
    found = json.loads(file.read_text())
    assert (found["false_alarms_per_10000"], found["false_alarms_per_10000_dependent"], found["panes"]) == (0, 0, 20)
    assert found["seconds"].keys() == {"calm", "dependent"}
    assert "false_alarms_per_10000_dependent " in done.output


def test_a_day_is_gone_through_pane_by_pane(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"COLUMNS": 4, "PAIRS": 2, "PANES": 120, "JUDGED": 2, "LONGER_S": (60.0,)}
    for name, value in small.items():
        monkeypatch.setattr(day, name, value)
    day.main()
    found = json.loads(capsys.readouterr().out)
    assert (found["columns"], found["windows_closed"]) == (4, 2 * 118)
