"""The pages of encoded records that a stream is published in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka import Records
from generators.blocks import BLOCK_ROWS, Source
from generators.changes.history import History
from generators.steered import Steered, steered
from schemas.blobs import Blobs
from schemas.drift_kinds import AnyDrift
from schemas.steering import Steering
from stream_app import lineage
from stream_app.arranged import Arranged, arranged
from stream_app.changes import Happened, check_images, happened
from stream_app.contents import Content, Contents, Model
from stream_app.disorder import undisturbed
from stream_app.drifts import Moments, drifted
from stream_app.page import Page
from stream_app.recipe import Recipe
from stream_app.schedule import Schedule


@dataclass(frozen=True)
class Drawn:
    """What a shard is drawn from under one content.

    Args:
        recipe: what the shards share, with the artifact that draws.
        source: its blocks.
        shard: the shard.
    """

    recipe: Recipe
    source: Source
    shard: int

    @cached_property
    def history(self) -> History | None:
        """What happens to the shard's entities, where records are changes to them.

        Raises:
            InputError: the keys or columns have no changes.
        """
        return None if self.recipe.changes is None else self.recipe.changes.history(self.source)


DrawnBy = Callable[[Model | None], Drawn]
"""What a shard is drawn from under a model; None for the one the stream was begun with."""


def draw_page(drawn_by: DrawnBy, schedule: Schedule, contents: Contents, sequence: int) -> Page | Arranged:
    """Draw and encode the page that a slot lies in.

    Args:
        drawn_by: what it is drawn from.
        schedule: when the shard's records are due.
        contents: the shard's content log.
        sequence: the first slot wanted; the page starts there.
    """
    beginning = drawn_by(None)
    block = sequence // BLOCK_ROWS
    until = _holds_until(schedule, contents, sequence)
    stop = (block + 1) * BLOCK_ROWS if until is None else min((block + 1) * BLOCK_ROWS, until)
    plan = beginning.recipe.plan(beginning.shard, block)

    def page(start: int, stop: int) -> Page:
        late_ms = None if plan is None else plan.late_ms[start % BLOCK_ROWS :][: stop - start]
        return _page(drawn_by, schedule, contents, (start, stop), late_ms)

    if plan is None:
        own = page(sequence, stop)
        if not own.kept_out and not len(own.tombstones):
            return own
        plan, parts = undisturbed(), [own]
    else:
        parts, start = [], block * BLOCK_ROWS + plan.first_row(sequence % BLOCK_ROWS)
        while start < stop:  # what was on its way when something changed is as it was before
            until = _holds_until(schedule, contents, start)
            parts.append(page(start, stop if until is None else min(until, stop)))
            start = parts[-1].stop
    return arranged(beginning.recipe, plan, parts, sequence, schedule.at(sequence).clock)


def _holds_until(schedule: Schedule, contents: Contents, sequence: int) -> int | None:
    ends = (schedule.holds_until(sequence), contents.holds_until(sequence))
    return min((end for end in ends if end is not None), default=None)


def check_draws(drawn_by: DrawnBy, model: Model | None, steering: Steering, drifts: Sequence[AnyDrift] = ()) -> None:
    """Make sure that records can be drawn by a model, steered so and drifting so.

    Raises:
        InputError: the model can not be had here, or it can not be steered so or drift so.
    """
    drawn, history = drawn_by(model), drawn_by(None).history
    drawn.recipe.check_drifts(drifts)
    how = steered(drawn.recipe.artifact.generator, steering)
    if history is None:
        drawn.source.block(0, how)
    else:
        check_images(history, drawn.recipe.artifact, how)


def _page(
    drawn_by: DrawnBy,
    schedule: Schedule,
    contents: Contents,
    bounds: tuple[int, int],
    late_ms: npt.NDArray[np.int64] | None,
) -> Page:
    """The records between two bounds, of one block and under one change."""
    start, stop = bounds
    content = contents.at(start)
    drawn = drawn_by(content.model)
    recipe = drawn.recipe
    due_ms = schedule.due_ms(np.arange(start, stop))
    changed = _changed(drawn_by, contents, bounds)
    how = steered(recipe.artifact.generator, content.steering)
    clock = schedule.at(start).clock
    shown_ms = clock.event(due_ms)
    if changed is None:
        fraction = drawn_by(None).recipe.fractions[drawn.shard]
        batch, own = _rows(drawn, content, how, Moments(start, shown_ms, clock.event_ms, fraction))
        keys = None if recipe.key == "none" else drawn.source.keys(start, stop - start)
    else:
        batch, keys, own = changed.after, changed.keys, _worth(how, changed.after, changed.deleted)
    event_ms = None
    if recipe.event_time is not None:
        event_ms = shown_ms
        if late_ms is not None:
            event_ms = event_ms - late_ms
        batch = _stamped(batch, recipe.event_time, event_ms)
    marks = lineage.headers(recipe.artifact.identity, recipe.epoch, drawn.shard, start, stop)
    shared = [(name, Blobs.same(head, stop - start)) for name, head in recipe.schema_header.items()]
    heads = [(lineage.HEADER, marks), *shared, *own]
    records = Records(_encoded(recipe, batch, changed, due_ms, drawn.shard), keys, heads)
    gone = np.zeros(stop - start, np.bool_) if changed is None else changed.deleted
    kept_out = recipe.gate.kept_out(batch, records.sizes, keys, gone, content.held)
    followed = recipe.changes is not None and recipe.changes.form.followed
    return Page(start, records, due_ms, event_ms, kept_out, np.flatnonzero(gone & followed))


def _rows(
    drawn: Drawn, content: Content, how: Steered, moments: Moments
) -> tuple[pa.RecordBatch, list[tuple[str, Blobs]]]:
    """Records that are rows of their own, with the headers that say how they came about."""
    block, within = divmod(moments.start, BLOCK_ROWS)
    whole, count = drawn.source.block(block, how), len(moments.event_ms)
    heads = _worth(how, whole.slice(within, count))
    if content.drifts:
        whole, labels = drifted(drawn.source, whole, content.drifts, moments)
        heads += [] if labels is None else [(lineage.DRIFT_HEADER, labels)]
    return whole.slice(within, count), heads


def _worth(how: Steered, batch: pa.RecordBatch, gone: npt.NDArray[np.bool_] | None = None) -> list[tuple[str, Blobs]]:
    """The header of weights where a value is boosted; not on records that are gone."""
    if how.weights is None:
        return []
    worth = how.weights.of(batch)
    return [(lineage.WEIGHT_HEADER, worth if gone is None else worth.without(gone))]


def _changed(drawn_by: DrawnBy, contents: Contents, bounds: tuple[int, int]) -> Happened | None:
    """What happens between two bounds, where records are changes."""
    beginning = drawn_by(None)
    if beginning.history is None or beginning.recipe.changes is None:
        return None
    enveloped = beginning.recipe.changes.envelope is not None
    return happened(beginning.history, lambda model: drawn_by(model).recipe.artifact, contents, bounds, enveloped)


def _encoded(
    recipe: Recipe, batch: pa.RecordBatch, changed: Happened | None, due_ms: npt.NDArray[np.int64], shard: int
) -> Blobs:
    """A message a row: deletes without an envelope have no value."""
    envelope = None if recipe.changes is None else recipe.changes.envelope
    if changed is not None and envelope is not None:
        batch = changed.wrapped(envelope, due_ms, shard)
    values = recipe.codec.encode(batch, recipe.prefix).blobs
    return values if changed is None or envelope is not None else values.without(changed.deleted)


def _stamped(batch: pa.RecordBatch, event_time: str, event_ms: npt.NDArray[np.int64]) -> pa.RecordBatch:
    index = batch.schema.get_field_index(event_time)
    target = batch.schema.field(index)
    instants = pa.array(event_ms).cast(pa.timestamp("ms", tz=target.type.tz)).cast(target.type)
    return batch.set_column(index, target, instants)
