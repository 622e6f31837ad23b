from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from monitors.classifier import MOST_TABLES, Classifier
from monitors.detector import SCALES
from monitors.evidence import SequentialEvidence
from monitors.kept import from_bytes, to_bytes
from monitors.pane import Deltas, Pane, PaneLayout
from monitors.pane_parts import Told
from monitors.samples import SAMPLED, Codes, Sample, Sampler
from monitors.telling import Telling
from monitors.window import Window
from schemas.errors import InputError
from schemas.profile import profile_table
from schemas.table import Column, Kind, TableSchema
from tests.monitors import scene

NAMES = ("a", "b", "c")
SCHEMA = TableSchema("bits", tuple(Column(name, Kind.BOOLEAN) for name in NAMES))
PAIRS = (("a", "b"), ("a", "c"), ("b", "c"))


def bits(rng: np.random.Generator, rows: int, parity: float = 0.0) -> pa.RecordBatch:
    """Three fair bits, any two of them independent; so many records have an even sum of the three."""
    drawn = rng.random((3, rows)) < 0.5
    odd = rng.random(rows) < parity
    drawn[2] = np.where(odd, drawn[0] ^ drawn[1], drawn[2])
    return pa.record_batch([pa.array(each) for each in drawn], schema=SCHEMA.arrow_schema)


def layout() -> PaneLayout:
    """The cells of the three, and of all pairs."""
    rows = bits(np.random.default_rng(0), 9_000)
    return PaneLayout(SCHEMA, profile_table(pa.Table.from_batches([rows]), SCHEMA), pairs=PAIRS)


LAYOUT = layout()
SAMPLER = Sampler(LAYOUT.bins)


def pane_of(rows: pa.RecordBatch, start: int) -> Pane:
    offsets = np.arange(start, start + rows.num_rows)
    zeros = np.zeros(rows.num_rows, np.int64)
    return Deltas(LAYOUT, sampler=SAMPLER).count(rows, zeros, zeros.astype(np.int32), offsets, 0.0)[0]


def fresh_bits(rng: np.random.Generator, rows: int) -> Codes:
    return SAMPLER.of_rows(LAYOUT.rows.codes(bits(rng, rows)))


def fresh(rng: np.random.Generator, columns: int, levels: int = 2) -> Codes:
    return rng.integers(0, levels, (10_000, columns)).astype(np.uint8)


def test_three_columns_that_change_together_are_told_in_a_few_panes_and_by_nothing_else() -> None:
    rng = np.random.default_rng(1)
    reference = scene.reference_of(LAYOUT, pane_of(bits(rng, 500_000), 0))
    judge = SequentialEvidence(LAYOUT, reference, tells=True)
    classifier = Classifier(3, lambda rows: SAMPLER.of_rows(LAYOUT.rows.codes(bits(rng, rows))))
    shown: list[set[str]] = []
    for slot in range(80):
        pane = pane_of(bits(rng, 5_000, parity=1.0 if slot >= 70 else 0.0), 5_000 * slot)
        classifier.tell(pane)
        findings = judge.judge(Window(slot, slot + 1, pane, pane, 1.0))
        shown.append({finding.subject.metric for finding in findings if finding.shown})
    assert shown[:70] == [set()] * 70
    assert shown[73:] == [{"drift_classifier"}] * 7


def test_a_part_of_the_records_is_enough() -> None:
    rng = np.random.default_rng(2)
    classifier = Classifier(3, lambda rows: SAMPLER.of_rows(LAYOUT.rows.codes(bits(rng, rows))))
    told = np.zeros(3, np.int64)
    for slot in range(30):
        pane = pane_of(bits(rng, 2_000, parity=0.1), 2_000 * slot)
        classifier.tell(pane)
        told += np.array(pane.told)
    right, wrong, _ = told.tolist()
    assert (right - wrong) / np.sqrt(right + wrong) > 6


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_while_nothing_differs_pairs_are_told_as_a_coin_tells_them(columns: int) -> None:
    rng = np.random.default_rng([3, columns])
    classifier = Classifier(columns, lambda rows: fresh(rng, columns)[:rows])
    told = np.zeros(3, np.int64)
    for _ in range(400):
        pane = Pane.empty(LAYOUT)
        pane.sample = Sample(np.arange(500, dtype=np.uint64), fresh(rng, columns)[:500])
        classifier.tell(pane)
        told += np.array(pane.told)
    right, wrong, _ = told.tolist()
    assert abs(right - wrong) / np.sqrt(right + wrong) < 3
    assert sum(told.tolist()) == 399 * 500  # nothing is known when the first pane comes


def test_a_calm_table_opens_nothing_over_thousands_of_panes() -> None:
    rng, panes = np.random.default_rng(4), 4_000
    reference = scene.reference_of(LAYOUT, pane_of(bits(rng, 100_000), 0))
    question, every = Telling(LAYOUT), np.zeros((panes, 3), np.int64)
    classifier = Classifier(3, lambda rows: fresh(rng, 3)[:rows])
    judge = SequentialEvidence(LAYOUT, reference, tells=True)
    assert question.metric.NAME in {subject.metric for subject in judge.subjects}
    for slot in range(panes):
        pane = Pane.empty(LAYOUT)
        pane.sample = Sample(np.arange(300, dtype=np.uint64), fresh(rng, 3)[:300])
        classifier.tell(pane)
        every[slot] = pane.told
    counts = np.zeros((len(SCALES), LAYOUT.size), np.int64)
    low = []
    for slot in range(SCALES[-1], panes):
        for i, scale in enumerate(SCALES):
            counts[i, LAYOUT.told] = every[slot - scale + 1 : slot + 1].sum(axis=0)
        low.append(np.exp(question.answer(counts).log_p[:, 0]))
    shares = (np.array(low) < 0.01).mean(axis=0)
    assert shares.max() < 0.02
    assert np.array(low).min() > 1e-6


def test_every_row_of_the_generator_is_used_once() -> None:
    asked: list[int] = []

    def draw(rows: int) -> Codes:
        asked.append(rows)
        return np.zeros((rows, 2), np.uint8)

    classifier = Classifier(2, draw)
    for rows in (3, 0, 700):
        pane = Pane.empty(LAYOUT)
        pane.sample = Sample(np.arange(rows, dtype=np.uint64), np.ones((rows, 2), np.uint8))
        classifier.tell(pane)
    assert asked == [3, 700]
    assert pane.told == (700, 0, 0)


def test_what_is_known_is_forgotten_where_rows_are_drawn_otherwise() -> None:
    rng = np.random.default_rng(5)
    classifier = Classifier(2, lambda rows: np.zeros((rows, 2), np.uint8))
    tables = []
    for _ in range(3):
        pane = Pane.empty(LAYOUT)
        pane.sample = Sample(np.arange(100, dtype=np.uint64), np.ones((100, 2), np.uint8))
        classifier.tell(pane)
        tables.append(sum(pane.told))
        if len(tables) == 2:
            classifier.begin_anew(lambda rows: fresh(rng, 2)[:rows])
    assert tables == [0, 100, 0]


def test_a_table_without_columns_to_look_at_tells_nothing() -> None:
    classifier, pane = Classifier(0, lambda rows: np.zeros((rows, 0), np.uint8)), Pane.empty(LAYOUT)
    pane.sample = Sample(np.arange(9, dtype=np.uint64), np.zeros((9, 0), np.uint8))
    classifier.tell(pane)
    assert pane.told == (0, 0, 0)


def test_of_a_wide_table_so_many_threes_are_looked_at_and_every_column_is_in_some() -> None:
    classifier = Classifier(60, lambda rows: fresh(np.random.default_rng(0), 60)[:rows])
    tables = classifier._tables
    assert MOST_TABLES * 0.9 < len(tables) <= MOST_TABLES
    assert set(tables.ravel().tolist()) == set(range(60))
    assert len(Classifier(20, lambda rows: fresh(np.random.default_rng(0), 20)[:rows])._tables) == MOST_TABLES


def test_a_sample_is_the_same_however_the_pane_was_put_together() -> None:
    rows = bits(np.random.default_rng(6), 9_000)
    whole, parts = pane_of(rows, 0), [pane_of(rows.slice(i, 3_000), i) for i in (6_000, 0, 3_000)]
    joined = Pane.empty(LAYOUT)
    for part in parts:
        joined.gather(part)
    assert joined.sample is not None
    assert whole.sample is not None
    assert len(whole.sample.keys) == SAMPLED
    np.testing.assert_array_equal(joined.sample.keys, whole.sample.keys)
    np.testing.assert_array_equal(joined.sample.codes, whole.sample.codes)


def test_it_goes_on_from_what_it_knew_and_not_from_what_another_knew() -> None:
    rng = np.random.default_rng(5)
    some = [pane_of(bits(rng, 500, parity=0.5), 500 * slot) for slot in range(6)]

    def told(classifier: Classifier, panes: list[Pane]) -> list[Told]:
        copies = [Pane(LAYOUT, pane.counts.copy(), sample=pane.sample) for pane in panes]
        for pane in copies:
            classifier.tell(pane)
        return [pane.told for pane in copies]

    whole, first, other = (Classifier(3, partial(fresh_bits, np.random.default_rng(6))) for _ in range(3))
    every, begun = told(whole, some), told(first, some[:3])
    other.restore(from_bytes(to_bytes(first.state)))
    other._draw = first._draw
    assert [*begun, *told(other, some[3:])] == every
    with pytest.raises(InputError, match="classifier: is not of this stream"):
        Classifier(4, lambda rows: fresh(rng, 4)).restore(first.state)
