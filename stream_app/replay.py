"""Time travel: records that a stream published, drawn again to another topic."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.kafka import Cluster, Outbox, last_record
from generators.blocks import BLOCK_ROWS
from schemas.errors import InputError
from stream_app.change_log import CHANGES_KEPT
from stream_app.progress import Progress
from stream_app.publish import ShardPublisher
from stream_app.recipe import Recipe
from stream_app.shards import check_epoch
from stream_app.topics import Topics


@dataclass(frozen=True)
class Range:
    """Records of one shard.

    Args:
        shard: the shard.
        start: the first record.
        stop: the record after the last.

    Raises:
        InputError: an empty range.
    """

    shard: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise InputError(f"start={self.start} rows={self.stop - self.start}: expected at least one record")


def published(cluster: Cluster, topics: Topics, recipe: Recipe, wanted: Range) -> Progress:
    """The progress of a shard that has published a range, with the logs by which it did.

    Raises:
        InputError: no such shard, it has not come so far in this epoch, or when the range was due is forgotten.
    """
    if wanted.shard >= topics.shards:
        raise InputError(f"shard={wanted.shard}: stream {topics.stream} has shards 0 to {topics.shards - 1}")
    known = last_record(cluster, topics.progress, wanted.shard)
    position = 0
    if known is not None:
        progress = Progress.from_bytes(known)
        check_epoch(progress, recipe, topics)
        position = progress.position if progress.epoch == recipe.epoch else 0
        if wanted.stop <= position:
            _check_kept(max(progress.schedule.oldest, progress.contents.oldest), recipe, wanted)
            return progress
    raise InputError(
        f"shard={wanted.shard}: has published records 0 to {position - 1} of epoch {recipe.epoch}, "
        f"{wanted.start} to {wanted.stop - 1} were asked for"
        if position
        else f"shard={wanted.shard}: has published nothing in epoch {recipe.epoch}"
    )


def _check_kept(oldest: int, recipe: Recipe, wanted: Range) -> None:
    disturbed = recipe.disorder is not None  # what is published late lies earlier in the block
    first = wanted.start // BLOCK_ROWS * BLOCK_ROWS if disturbed else wanted.start
    if first < oldest:
        ready = -(-oldest // BLOCK_ROWS) * BLOCK_ROWS if disturbed else oldest
        raise InputError(
            f"shard={wanted.shard} start={wanted.start}: it was changed so often since that only the newest "
            f"{CHANGES_KEPT} changes are kept; begin at record {ready} or later"
        )


def replay(outbox: Outbox, recipe: Recipe, progress: Progress, wanted: Range) -> int:
    """Publish a range again, byte for byte, with keys, headers and timestamps as they were.

    Under the rate `max` a record's timestamp was the time it was handed over, which nobody wrote down; it is the time
    at which that rate began instead.

    Labels and what was kept out are not written again.

    Returns:
        How many slots.
    """
    disorder = None if recipe.disorder is None else replace(recipe.disorder, labels=None)
    recipe = replace(recipe, disorder=disorder, gate=replace(recipe.gate, topic=None))
    publisher = ShardPublisher(
        recipe, wanted.shard, outbox, progress.schedule, wanted.start, wanted.stop, progress.contents
    )
    publisher.publish_until(wanted.stop)
    outbox.flush()
    return wanted.stop - wanted.start
