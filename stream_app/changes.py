"""A stream's records as changes: what happens in the slots of a page, and what the rows were before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS
from generators.changes.entities import Events
from generators.changes.history import History, previous
from generators.population import key_texts
from generators.steered import Steered, steered
from schemas import changes as forms
from schemas.blobs import Blobs
from schemas.envelope import OPERATIONS, Changed, Envelope
from schemas.errors import InputError
from schemas.table import Column, Kind, TableSchema
from stream_app.contents import Content, Contents, Model

if TYPE_CHECKING:
    from generators.blocks import Source

Mask = npt.NDArray[np.bool_]
Draws = Callable[[Model | None], Artifact]
"""The artifact of a model; of None the one the stream was begun with."""


@dataclass(frozen=True)
class Changes:
    """A stream's changes.

    Args:
        form: as the stream's file has them.
        envelope: what they are put in; None for upserts.
    """

    form: forms.Changes
    envelope: Envelope | None = None

    def history(self, source: Source) -> History:
        """What happens to the entities of a shard.

        Raises:
            InputError: these keys or columns have no changes.
        """
        return History(source, self.form.deletes, self.form.columns)


@dataclass(frozen=True, eq=False)
class Happened:
    """What happens in consecutive slots of one block.

    Args:
        first: the first slot.
        keys: the key of each entity.
        after: the rows after, whatever for a delete, shape (slots,).
        before: the rows before, whatever for a creation; None where nobody asked.
        created: shape (slots,).
        deleted: shape (slots,).
    """

    first: int
    keys: Blobs
    after: pa.RecordBatch
    before: pa.RecordBatch | None
    created: Mask
    deleted: Mask

    def wrapped(self, envelope: Envelope, ts_ms: npt.NDArray[np.int64], shard: int) -> pa.RecordBatch:
        """The changes in their envelopes.

        Args:
            envelope: the stream's.
            ts_ms: when each happens, milliseconds since the epoch, shape (slots,).
            shard: the shard.
        """
        assert self.before is not None
        return envelope.wrapped(Changed(self.before, self.after, self.created, self.deleted, ts_ms, self.first, shard))


OPERATION, KEY = "__op", "__key"
"""The columns that say what a change did (`c`, `u`, `d`) and to which entity, where changes are rows of a table."""


def flat_schema(schema: TableSchema) -> TableSchema:
    """The columns of changes as rows of a table.

    Raises:
        InputError: the table has a column called like one that is added.
    """
    taken = [name for name in (OPERATION, KEY) if name in schema.names]
    if taken:
        raise InputError(*(f"changes: the table has a column {name}, as a change has; rename it" for name in taken))
    added = (Column(OPERATION, Kind.CATEGORY), Column(KEY, Kind.TEXT))
    return TableSchema(schema.name, (*schema.columns, *added))


def flat(changes: Changes, source: Source, content: Content, bounds: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Changes as rows of a table, block by block: the row after, or of a delete the row before; `OPERATION` and `KEY`.

    Args:
        changes: the stream's.
        source: a shard's blocks.
        content: how they are steered.
        bounds: the first slot, and the one after the last.

    Source: Debezium 2.7 documentation, "New Record State Extraction", deletes rewritten.
    """
    history, contents = changes.history(source), Contents((content,))
    for start in range(bounds[0] - bounds[0] % BLOCK_ROWS, bounds[1], BLOCK_ROWS):
        within = (max(start, bounds[0]), min(start + BLOCK_ROWS, bounds[1]))
        found = happened(history, lambda model: source.artifact, contents, within, changes.form.deletes > 0)
        rows = found.after
        if found.before is not None:
            both = pa.Table.from_batches([found.after, found.before]).unify_dictionaries().combine_chunks()
            which = np.arange(len(rows)) + np.where(found.deleted, len(rows), 0)
            rows = both.take(which).combine_chunks().to_batches()[0]
        done = np.where(found.created, 0, np.where(found.deleted, 2, 1)).astype(np.int32)
        said = pa.DictionaryArray.from_arrays(done, pa.array(OPERATIONS))
        keys = pa.array([None if key is None else key.decode() for key in found.keys], pa.string())
        yield pa.record_batch([*rows.columns, said, keys], names=[*rows.schema.names, OPERATION, KEY])


def happened(
    history: History, draws: Draws, contents: Contents, bounds: tuple[int, int], with_before: bool
) -> Happened:
    """Draw what happens in slots of one block and under one content.

    Args:
        history: the shard's.
        draws: the artifacts of the models in the content log.
        contents: the shard's content log.
        bounds: the first slot, and the one after the last.
        with_before: whether to draw the rows before, too.
    """
    start, stop = bounds
    index, within = divmod(start, BLOCK_ROWS)
    here = slice(within, within + stop - start)
    events = history.block(index)
    looks = _Looks(history, draws, events)
    which = (events, previous(events)) if with_before else (events,)
    after, *own = looks.under(contents.at(start), *which)
    return Happened(
        start,
        history.messages(events.entities[here]),
        after.slice(within, stop - start),
        looks.before(contents, here, start, own[0]) if with_before else None,
        events.created[here],
        events.deleted[here],
    )


@dataclass(frozen=True, eq=False)
class _Looks:
    """What the entities of a block's events look like, under any content."""

    history: History
    draws: Draws
    events: Events

    def under(self, content: Content, *events: Events) -> list[pa.RecordBatch]:
        """The rows after events of the block or after those before them, under one content."""
        artifact = self.draws(content.model)
        how = steered(artifact.generator, content.steering)
        kept = self.history.kept(artifact, self.events, how)
        return [self.history.images(artifact, each, how, kept) for each in events]

    def before(self, contents: Contents, here: slice, start: int, own: pa.RecordBatch) -> pa.RecordBatch:
        """The rows before some of the events: each under the content that held at the event before of its entity.

        Where other columns were drawn then, as by a model of another schema, a row is as the model of now draws it.

        Args:
            contents: the shard's content log.
            here: the events.
            start: the slot of the first.
            own: the block's rows before, under the content of now.
        """
        log = [change for change in contents.changes if change.sequence <= start]
        fell = self._fell(log, here)
        chosen = np.zeros(len(fell), np.int64)
        drawn, images = [_timeless(log[-1])], [own]
        for entry in np.unique(fell).tolist():
            chosen[fell == entry] = self._place(_timeless(log[entry]), drawn, images)
        if not chosen.any():
            return own.slice(here.start, len(chosen))
        at = chosen * BLOCK_ROWS + np.arange(here.start, here.stop)
        together = pa.Table.from_batches(images).unify_dictionaries().combine_chunks()
        return together.take(at).combine_chunks().to_batches()[0]

    def _fell(self, log: Sequence[Content], here: slice) -> npt.NDArray[np.int64]:
        """Under which entry of the log the event before of the same entity fell, for some of the events."""
        numbers, entities = self.events.numbers[here] - 1, self.events.entities[here]
        fell = np.full(len(numbers), len(log) - 1)
        rows = np.flatnonzero(~self.events.created[here])
        for entry in range(len(log) - 1, 0, -1):
            rows = rows[numbers[rows] < self.history.entities.before(log[entry].sequence, entities[rows])]
            if not len(rows):
                break
            fell[rows] = entry - 1
        return fell

    def _place(self, content: Content, drawn: list[Content], images: list[pa.RecordBatch]) -> int:
        """Where among the images those under a content are, drawn if they are not there yet."""
        if content not in drawn:
            if not self.draws(content.model).schema.arrow_schema.equals(images[0].schema):
                return 0
            drawn.append(content)
            images += self.under(content, previous(self.events))
        return drawn.index(content)


def _timeless(content: Content) -> Content:
    """A content whenever it holds."""
    return replace(content, sequence=0)


def check_images(history: History, artifact: Artifact, how: Steered) -> None:
    """Make sure that an artifact can draw a shard's entities, steered so.

    Raises:
        InputError: it does not know a key, or they can not be steered so.
    """
    assert history.source.population is not None
    name = history.source.population.column
    if name is not None and artifact is not history.source.artifact:
        column = artifact.schema[name]
        known = key_texts(artifact.generator.domain(name).values, column)
        texts: pa.Array[Any] = pa.array(list(history.members.texts[:-1]), pa.binary())
        unknown = texts.filter(pc.invert(pc.is_in(texts, value_set=known.cast(pa.binary()))))
        if len(unknown):
            raise InputError(
                f"artifact={artifact.identity[:12]}: does not know {name}={unknown[0].as_py().decode()}, an entity of "
                "this stream; train it on rows that have all of them"
            )
    events = history.block(0)
    history.images(artifact, events, how, history.kept(artifact, events, how))
