"""Numbers that go together otherwise are found, whatever law they have; those that only move are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from monitors.pane import Pane, PaneLayout
from monitors.reference import Reference, change_reference
from monitors.together import Together
from schemas.profile import profile_table
from schemas.table import Column, Kind, TableSchema

SCHEMA = TableSchema(
    "three", (Column("a", Kind.NUMBER), Column("b", Kind.NUMBER, nullable=True), Column("c", Kind.INTEGER))
)
MISS = 1e-4


def drawn(
    rng: np.random.Generator, rows: int, r: float = 0.0, *, moved: float = 0.0, gone: float = 0.1, heavy: bool = False
) -> pa.RecordBatch:
    """Numbers of which the first two are correlated; c depends on how large a is, without any correlation."""
    a = rng.normal(size=rows)
    b = r * a + np.sqrt(1 - r * r) * rng.normal(size=rows)
    if heavy:
        a, b = np.exp(2 * a), np.sign(b) * b**4
    c = np.round(10 * a * rng.choice([-1, 1], rows)).astype(np.int64)
    arrays = [pa.array(a + moved), pa.array(b, mask=rng.random(rows) < gone), pa.array(c)]
    return pa.record_batch(arrays, schema=SCHEMA.arrow_schema)


def layout(heavy: bool = False) -> PaneLayout:
    table = pa.Table.from_batches([drawn(np.random.default_rng(1), 20_000, heavy=heavy)])
    return PaneLayout(SCHEMA, profile_table(table, SCHEMA))


def counted(of: PaneLayout, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    pane = Pane.empty(of)
    of.rows.add(batch, np.zeros(0, np.int64), pane.counts[None])
    return pane.counts


def reference(of: PaneLayout, seed: int, rows: int, r: float = 0.0, *, heavy: bool = False) -> Reference:
    counts = counted(of, drawn(np.random.default_rng([seed, 9]), rows, r, heavy=heavy))
    return change_reference(of, of.rows.read(counts))


def log_p(of: PaneLayout, known: Reference, *batches: pa.RecordBatch) -> npt.NDArray[np.float64]:
    asked = Together(of, known, np.ones(3), MISS)
    return asked.answer(np.array([counted(of, batch) for batch in batches])).log_p


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("r", [0.0, 0.8])
def test_p_values_keep_their_promise_whatever_the_joint_law(r: float, heavy: bool) -> None:
    of, rng = layout(heavy), np.random.default_rng(2)
    for seed in range(3):
        known = reference(of, seed, 20_000, r, heavy=heavy)
        p = np.exp(log_p(of, known, *(drawn(rng, 2_000, r, heavy=heavy) for _ in range(150))))
        assert (p <= 0.05).mean() <= 0.05
        assert p.min() > 1e-5


def test_a_weak_correlation_is_found_and_named_for_both_columns() -> None:
    of, rng = layout(), np.random.default_rng(3)
    known = reference(of, 0, 1_000_000)
    found = log_p(of, known, *(drawn(rng, 100_000, 0.05) for _ in range(20)))
    assert (found[:, :2] < np.log(1e-8)).all()
    assert (found[:, 2] > np.log(1e-3)).all()


@pytest.mark.parametrize("change", [{"moved": 0.3}, {"moved": 4.0}, {"gone": 0.3}])
def test_a_column_that_moves_alone_or_is_missing_more_often_changes_nothing(change: dict[str, float]) -> None:
    of, rng = layout(), np.random.default_rng(4)
    known = reference(of, 0, 200_000, 0.6)
    found = log_p(of, known, *(drawn(rng, 50_000, 0.6, **change) for _ in range(20)))  # type: ignore[arg-type]
    assert found.min() > np.log(1e-4)


def test_the_size_is_surely_less_than_the_change_of_the_rank_correlation() -> None:
    of, rng = layout(), np.random.default_rng(5)
    asked = Together(of, reference(of, 0, 1_000_000), np.ones(3), MISS)
    answer = asked.answer(np.array([counted(of, drawn(rng, 400_000, 0.3, gone=0.0))]))
    truth = 6 / np.pi * np.arcsin(0.15)
    assert truth - 0.08 < answer.least[0, 0] < truth
    assert answer.n.tolist() == [[400_000] * 3]
    calm = asked.answer(np.array([counted(of, drawn(rng, 400_000)), np.zeros(of.size, np.int64)]))
    assert (calm.least <= 0).all()
    assert (calm.log_p[1] == 0).all()


def test_a_column_that_never_varies_says_nothing() -> None:
    schema = TableSchema("two", (Column("a", Kind.NUMBER), Column("year", Kind.INTEGER)))
    rng = np.random.default_rng(7)

    def rows(count: int) -> pa.RecordBatch:
        arrays = [pa.array(rng.normal(size=count)), pa.array(np.full(count, 2013))]
        return pa.record_batch(arrays, schema=schema.arrow_schema)

    of = PaneLayout(schema, profile_table(pa.Table.from_batches([rows(5_000)]), schema))
    known = change_reference(of, of.rows.read(counted(of, rows(50_000))))
    answer = Together(of, known, np.ones(2), MISS).answer(np.array([counted(of, rows(2_000)), counted(of, rows(0))]))
    assert (answer.log_p == 0).all()
    assert (answer.least <= 0).all()


def test_dependence_between_records_takes_evidence_away() -> None:
    of, rng = layout(), np.random.default_rng(6)
    known = reference(of, 0, 200_000)
    counts = np.array([counted(of, drawn(rng, 50_000, 0.2))])
    alone, inflated = (Together(of, known, np.full(3, by), MISS).answer(counts).log_p for by in (1.0, 4.0))
    assert (inflated[:, :2] > alone[:, :2] / 3).all()
