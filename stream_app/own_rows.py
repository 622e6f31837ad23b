"""The rows that a stream's own generator draws: what its records are compared with."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.fitting import reference_counts
from generators.population import Population, population_of
from generators.randomness import Purpose
from generators.steered import UNSTEERED, steered
from monitors.pane import PaneLayout
from schemas.errors import InputError
from schemas.row_counts import RowCounts, RowLayout
from schemas.stream import StreamSpec
from stream_app.assemble import changes_of
from stream_app.changes import Changes, happened
from stream_app.contents import Content, Contents
from stream_app.fresh_rows import Block

CHANGES_COUNTED = 64 * BLOCK_ROWS
"""How many of a stream's own changes make up the reference, where rows keep columns."""

AMID = 64 * BLOCK_ROWS
"""How many rows make up a reference that is drawn amid watching: that is to take a second or two."""


def own_counts(spec: StreamSpec, artifact: Artifact) -> RowCounts:
    """The cells of the generator's own rows: as trained, or drawn anew where the stream has others.

    It has where it makes a column's values hot, where the rows of an entity keep columns over a life, and where its
    file steers it: what is announced is no drift.
    """
    changes = changes_of(spec, artifact)
    if changes is not None and changes.form.columns is not None:
        return _counts_of_changes(spec, artifact, changes)
    keys, how = _keys(spec, artifact), steered(artifact.generator, spec.steer)
    if keys is None and how is UNSTEERED:
        return artifact.reference
    pairs = tuple(artifact.reference.pairs)
    return reference_counts(artifact, artifact.reference.rows, lambda share, what: None, keys, how, pairs)


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
        drawn = block(index)
        missing = sorted(layout.bins.keys() - set(drawn.schema.names))
        if missing:
            raise InputError(f"columns {', '.join(missing)}: are not drawn by it; restart the monitor with its file")
        layout.rows.add(drawn, np.zeros(0, np.int64), counts)
    return layout.rows.read(counts[0])


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


def _counts_of_changes(spec: StreamSpec, artifact: Artifact, changes: Changes) -> RowCounts:
    """The cells of the rows after the stream's own first events, in all of its shards."""
    keys = population_of(artifact.generator, spec.key, spec.shards)
    assert keys is not None
    layout = RowLayout(artifact.schema, artifact.profile, tuple(artifact.reference.pairs))
    counts = np.zeros((1, layout.size), np.int64)
    for shard, fraction in enumerate(keys.fractions.tolist()):
        if fraction == 0:
            continue
        history = changes.history(Source(artifact, spec.seed, spec.epoch, shard, spec.shards, population=keys))
        for start in range(0, round(CHANGES_COUNTED * fraction), BLOCK_ROWS):
            bounds = (start, min(start + BLOCK_ROWS, round(CHANGES_COUNTED * fraction)))
            log = Contents((Content(steering=spec.steer),))
            found = happened(history, lambda model: artifact, log, bounds, with_before=False)
            rows = found.after.filter(pa.array(~found.deleted))
            layout.add(rows, np.zeros(0, np.int64), counts)
    return layout.read(counts[0])
