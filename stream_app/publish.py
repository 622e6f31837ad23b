"""The loop: draw blocks, encode them, hand them to the broker when they are due."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from connectors.kafka import Outbox
from generators.blocks import BLOCK_ROWS
from schemas.drift_kinds import AnyDrift
from schemas.steering import Steering
from stream_app.arranged import Arranged
from stream_app.contents import Contents, Model
from stream_app.page import Page
from stream_app.pages import Drawn, check_draws, draw_page
from stream_app.recipe import Recipe
from stream_app.schedule import UNPACED, Schedule

logger = logging.getLogger(__name__)

TICK_S = 0.005
"""How long the loop rests between turns that keep up; records are handed over about this long after their time."""


BACK_MS = 1_000.0
"""A clock that goes back by more than this is said to; less is what time servers do."""


@dataclass(frozen=True)
class Clock:
    """The time and how to wait, as arguments: rate code is tested without sleeping.

    Args:
        now_ms: milliseconds since the epoch.
        sleep: waits for some seconds.
    """

    now_ms: Callable[[], float] = field(default=lambda: time.time() * 1_000)
    sleep: Callable[[float], None] = time.sleep


class ShardPublisher:
    """One shard on its way: where it is, what it publishes next.

    Args:
        recipe: what the shards share.
        shard: the shard, which is the partition.
        outbox: takes the encoded records.
        schedule: when its records are due.
        position: the first record to publish.
        count: publish up to this sequence number; None for ever.
        contents: what its records are drawn from.

    Attributes:
        skipped_s: how much of the schedule was skipped, or how far it was shifted, in seconds.
        tally: how many records met with which mishap.
    """

    def __init__(
        self,
        recipe: Recipe,
        shard: int,
        outbox: Outbox,
        schedule: Schedule,
        position: int = 0,
        count: int | None = None,
        contents: Contents | None = None,
    ) -> None:
        self.recipe = recipe
        self.shard = shard
        self.outbox = outbox
        self.schedule = schedule
        self.position = position
        self.count = count
        self.contents = recipe.beginning if contents is None else contents
        self.skipped_s = 0.0
        self.tally: Counter[str] = Counter()
        self._ended = False
        self._drawn: dict[Model | None, Drawn] = {}
        self._page: Page | Arranged | None = None
        self._ahead: Page | Arranged | None = None

    @property
    def done(self) -> bool:
        """Whether every record asked for was handed over."""
        return self._ended or (self.count is not None and self.position >= self.count)

    def change(self, schedule: Schedule | None = None, contents: Contents | None = None) -> None:
        """Take another schedule or content log; records already handed over keep theirs."""
        self.schedule = self.schedule if schedule is None else schedule
        self.contents = self.contents if contents is None else contents
        self._page = self._ahead = None

    def check(
        self,
        model: Model | None,
        steering: Steering,
        drifts: Sequence[AnyDrift] = (),
        held: Sequence[str] = (),
    ) -> None:
        """Make sure that records can be drawn by a model, steered so and drifting so, and held to rules.

        Raises:
            InputError: the model can not be had here, or it can not be steered so or drift so, or a rule is not known.
        """
        self.recipe.gate.held(held)
        if self.count != 0:  # else it has no keys, and no source
            check_draws(self._drawn_by, model, steering, drifts)

    def _drawn_by(self, model: Model | None) -> Drawn:
        if model not in self._drawn:
            recipe = self.recipe if model is None else self.recipe.another(model)
            self._drawn[model] = Drawn(recipe, recipe.source(self.shard), self.shard)
        return self._drawn[model]

    def prepare(self) -> bool:
        """Draw the page that comes next, so that it is there when its first record is due.

        Returns:
            Whether there was anything to draw.
        """
        if self._ahead is not None:
            return False
        following = self.position if self._page is None else self._page.stop
        if self.count is not None and following >= self.count:
            return False
        self._ahead = self._draw(following)
        return True

    def _draw(self, sequence: int) -> Page | Arranged:
        return draw_page(self._drawn_by, self.schedule, self.contents, sequence)

    def _current(self) -> Page | Arranged:
        """The page the next record lies in."""
        page = self._page
        if page is None or not page.start <= self.position < page.stop:
            ahead, self._ahead = self._ahead, None
            page = ahead if ahead is not None and ahead.start == self.position else self._draw(self.position)
            self._page = page
        return page

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        """Hand over what is due, at most a block.

        Args:
            now_ms: the time now, milliseconds since the epoch.

        Returns:
            How late each record was handed over, in seconds, shape (records,).
        """
        bound = self._bound(now_ms)
        if bound <= self.position:
            self._ended = now_ms >= self.recipe.until_ms
            return np.zeros(0)
        page = self._current()
        lag_ms = now_ms - float(page.due_ms[self.position - page.start])
        moved = self.recipe.behind.applied(self.schedule, self.position, now_ms, lag_ms)
        if moved is not None:
            self.skipped_s += lag_ms / 1_000
            self.change(moved)
            return self.publish_due(now_ms)
        unpaced = self.schedule.at(self.position).rate_per_s == UNPACED
        due_ms = self._hand_over(page, min(bound, page.stop), int(now_ms) if unpaced else None)
        late: npt.NDArray[np.float64] = np.maximum(now_ms - due_ms, 0) / 1_000
        return late

    def publish_until(self, stop: int) -> None:
        """Hand over every record before one, whether it is due or not, as of its intended time."""
        while self.position < stop:
            page = self._current()
            self._hand_over(page, min(stop, page.stop))

    def _hand_over(self, page: Page | Arranged, stop: int, at_ms: int | None = None) -> npt.NDArray[np.int64]:
        """Hand over a page's slots before one; the records' timestamps, shape (records,)."""
        due_ms = page.send(self.outbox, self.shard, self.position, stop, at_ms, self.tally)
        self.position = stop
        return due_ms

    def overdue(self, now_ms: float) -> bool:
        """See `Publisher.overdue`."""
        return self.owes(now_ms - TICK_S * 1_000)

    def owes(self, now_ms: float) -> bool:
        """Whether a record that was due by then still waits; always so for a shard that is not paced."""
        return self._bound(now_ms) > self.position

    def _bound(self, now_ms: float) -> int:
        due = self.schedule.due_until(min(now_ms, self.recipe.until_ms - 1), self.position)
        if due is None:
            due = self.position + (BLOCK_ROWS if now_ms < self.recipe.until_ms else 0)
        return due if self.count is None else min(due, self.count)


class Publisher(Protocol):
    """What the loop asks of a shard."""

    @property
    def shard(self) -> int:
        """Which shard."""
        ...

    @property
    def done(self) -> bool:
        """Whether every record asked for was handed over."""
        ...

    def publish_due(self, now_ms: float) -> npt.NDArray[np.float64]:
        """Hand over what is due; how late each record was, in seconds."""
        ...

    def overdue(self, now_ms: float) -> bool:
        """Whether a record that was due a tick ago still waits; always so for a shard that is not paced."""
        ...

    def prepare(self) -> bool:
        """Draw what comes next; whether there was anything to draw."""
        ...


Sent = Callable[[int, npt.NDArray[np.float64]], None]
"""Told, after every hand-over, the shard and how late each record was in seconds."""


def run(
    publishers: Callable[[], Sequence[Publisher]],
    sent: Sent,
    stopped: Callable[[], bool],
    clock: Clock | None = None,
    between: Callable[[float], None] = lambda now_ms: None,
) -> None:
    """Publish turn by turn until every shard is done or somebody says stop.

    Args:
        publishers: the shards published now; it may change between turns.
        sent: told what was handed over.
        stopped: asked before every turn.
        clock: the time and how to wait.
        between: called once a turn with the time in milliseconds: commits, commands.
    """
    clock = Clock() if clock is None else clock
    latest_ms = -math.inf
    while not stopped():
        for publisher in publishers():
            late_s = publisher.publish_due(clock.now_ms())
            if len(late_s):
                sent(publisher.shard, late_s)
        now_ms = clock.now_ms()
        if now_ms < latest_ms - BACK_MS:
            logger.warning(
                "the machine's clock went back: nothing is due until it is where it was",
                extra={"back_s": round((latest_ms - now_ms) / 1_000, 3)},
            )
        latest_ms = now_ms
        between(now_ms)
        shards = publishers()
        if shards and all(publisher.done for publisher in shards):
            return
        if any(publisher.overdue(clock.now_ms()) for publisher in shards):
            continue
        if not any(publisher.prepare() for publisher in shards):
            clock.sleep(TICK_S)
