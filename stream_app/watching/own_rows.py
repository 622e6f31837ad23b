"""The rows that a stream's own generator draws: what its records are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.fitting import reference_counts
from generators.population import Population, population_of
from generators.randomness import Purpose
from generators.steered import UNSTEERED, steered
from monitors.dispersion import Blocks
from monitors.pane import PaneLayout
from schemas.errors import InputError
from schemas.row_counts import RowCounts
from schemas.stream import StreamSpec
from stream_app.assemble import changes_of
from stream_app.changes import Changes, happened
from stream_app.contents import Content, Contents
from stream_app.watching.fresh_rows import Block

CHANGES_COUNTED = 64 * BLOCK_ROWS
"""How many of a stream's own changes make up the reference, where rows keep columns."""

MOST_LIVES = 4_096
"""Of so many lives at the most it is looked at how alike their records are."""

LEAST_LIVES = 256
"""Of so many at least, however wide the table is."""

MOST_COUNTS = 1 << 24
"""How many counts of lives are kept at once, if that is enough of them: the wider the table, the fewer lives."""

AMID = 64 * BLOCK_ROWS
"""How many rows make up a reference that is drawn amid watching: that is to take a second or two."""


@dataclass(frozen=True, eq=False)
class Own:
    """What is known of a stream's own rows.

    Args:
        counts: their cells.
        lives: rows that go together, since an entity keeps columns over a life; None where none do.
    """

    counts: RowCounts
    lives: Blocks | None = None


def own_rows(spec: StreamSpec, artifact: Artifact, layout: PaneLayout, window_rows: float = 0.0) -> Own:
    """The generator's own rows: as trained, or drawn anew where the stream has others.

    It has where it makes a column's values hot, where the rows of an entity keep columns over a life, and where its
    file steers it: what is announced is no drift.

    Args:
        spec: the stream.
        artifact: what draws it.
        layout: the cells in which rows that go together are counted.
        window_rows: how many rows the longest window has that anything is judged by.
    """
    changes = changes_of(spec, artifact)
    if changes is not None and changes.form.columns is not None:
        return _own_changes(spec, artifact, changes, layout, window_rows)
    keys, how = _keys(spec, artifact), steered(artifact.generator, spec.steer)
    if keys is None and how is UNSTEERED:
        return Own(artifact.reference)
    pairs = tuple(artifact.reference.pairs)
    return Own(reference_counts(artifact, artifact.reference.rows, lambda share, what: None, keys, how, pairs))


def counts_in(layout: PaneLayout, block: Block, rows: int) -> RowCounts:
    """The cells of rows that may be of another artifact than the one whose cells they are.

    Args:
        layout: the cells.
        block: draws blocks of the rows.
        rows: how many rows, in whole blocks.

    Raises:
        InputError: the rows lack a column.
    """
    counts = np.zeros((1, layout.size), np.int64)
    for index in range(-(-rows // BLOCK_ROWS)):
        layout.rows.add(_whole(block(index), layout), np.zeros(0, np.int64), counts)
    return layout.rows.read(counts[0])


def _whole(drawn: pa.RecordBatch, layout: PaneLayout) -> pa.RecordBatch:
    """Rows that have every column that is counted; raises InputError where they lack one."""
    missing = sorted(layout.bins.keys() - set(drawn.schema.names))
    if missing:
        raise InputError(f"columns {', '.join(missing)}: are not drawn by it; restart the monitor with its file")
    return drawn


def blocks_of(spec: StreamSpec, artifact: Artifact, purpose: Purpose) -> Block:
    """What draws blocks of a stream's rows, of all its shards together, for a use of their own.

    Raises:
        InputError: the artifact can not be steered as the file says.
    """
    how = steered(artifact.generator, spec.steer)
    keys = _keys(spec, artifact)
    source = Source(artifact, seed=0, epoch=0, shard=0, shards=1, purpose=purpose, population=keys)
    return lambda index: source.block(index, how)


def _keys(spec: StreamSpec, artifact: Artifact) -> Population | None:
    """The keys that rows are drawn with, where some of them are hot."""
    skewed = not isinstance(spec.key, str) and spec.key.column is not None and spec.key.skew is not None
    return population_of(artifact.generator, spec.key, 1) if skewed else None


def amid_counts(spec: StreamSpec, artifact: Artifact, drawn: Artifact, layout: PaneLayout) -> RowCounts:
    """The cells of a stream's rows as something draws them that was announced; of `AMID` rows.

    Args:
        spec: the stream, steered as was announced.
        artifact: what drew it first, whose keys stay.
        drawn: what draws it.
        layout: the cells.

    Raises:
        InputError: the rows lack a column, or can not be steered so.
    """
    changes = changes_of(spec, artifact)
    if changes is None or changes.form.columns is None:
        return counts_in(layout, blocks_of(spec, drawn, Purpose.REFERENCE), AMID)
    counts = np.zeros((1, layout.size), np.int64)
    for batch, _ in _events(spec, artifact, changes, drawn):
        layout.rows.add(_whole(batch, layout), np.zeros(0, np.int64), counts)
    return layout.rows.read(counts[0])


def _own_changes(spec: StreamSpec, artifact: Artifact, changes: Changes, layout: PaneLayout, window_rows: float) -> Own:
    """The rows after the stream's own first events, and how alike those of one life are.

    Entities that never end are the same in every window as here, and what they keep moves nothing.
    """
    counts = np.zeros((1, layout.size), np.int64)
    codes, lives = [], []
    for batch, life in _events(spec, artifact, changes, artifact):
        codes.append(layout.rows.codes(batch))
        layout.rows.add_codes(codes[-1], np.zeros(0, np.int64), counts)
        lives.append(life)
    if changes.form.deletes == 0:
        return Own(layout.rows.read(counts[0]))
    every = np.concatenate(lives)
    longer = max(1.0, window_rows / max(len(every), 1))
    return Own(layout.rows.read(counts[0]), _by_life(layout, np.hstack(codes), every, longer, 1 / changes.form.deletes))


def _events(
    spec: StreamSpec, artifact: Artifact, changes: Changes, drawn: Artifact
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    """The rows after the stream's own first events, in all of its shards, and a number for the life each is of."""
    keys = population_of(artifact.generator, spec.key, spec.shards)
    assert keys is not None
    log, before = Contents((Content(steering=spec.steer),)), 0
    for shard, fraction in enumerate(keys.fractions.tolist()):
        if fraction == 0:
            continue
        history = changes.history(Source(artifact, spec.seed, spec.epoch, shard, spec.shards, population=keys))
        wanted = round(CHANGES_COUNTED * fraction)
        for start in range(0, wanted, BLOCK_ROWS):
            bounds = (start, min(start + BLOCK_ROWS, wanted))
            found = happened(history, lambda model: drawn, log, bounds, with_before=False)
            there = ~found.deleted
            events = history.block(start // BLOCK_ROWS)
            lives = (before + events.entities * CHANGES_COUNTED + events.lives)[: len(there)]
            yield found.after.filter(pa.array(there)), lives[there]
        before += len(history.members.texts) * CHANGES_COUNTED


def _by_life(
    layout: PaneLayout, codes: npt.NDArray[np.int32], lives: npt.NDArray[np.int64], longer: float, most: float
) -> Blocks | None:
    """Rows counted by the life they are of, those that have one alone left out.

    Args:
        layout: the cells.
        codes: of rows, shape (columns, rows).
        lives: of which life each is, shape (rows,).
        longer: how many times as many rows the longest window has; so many more of them are of one life.
        most: how many rows a life has in all, on average.
    """
    _, which, sizes = np.unique(lives, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(sizes > 1)
    if len(shared) == 0:
        return None
    looked_at = max(LEAST_LIVES, min(MOST_LIVES, MOST_COUNTS // layout.size))
    chosen = shared[:: -(-len(shared) // looked_at)]
    place = np.full(len(sizes), -1)
    place[chosen] = np.arange(len(chosen))
    mine = np.flatnonzero(place[which] >= 0)
    counts = np.zeros((len(chosen), layout.size), np.int64)
    layout.rows.add_codes(np.ascontiguousarray(codes[:, mine]), place[which[mine]], counts)
    here = float((sizes**2).sum() / sizes.sum())
    return Blocks(list(counts), max(here, min(here * longer, most)))
