"""Which entity an event of a shard is about, and its how manieth: worked out for any block, remembered for none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from generators.blocks import BLOCK_ROWS
from generators.philox import addressed
from generators.randomness import Key, uniforms

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DIGITS = 20
PERIOD = 2**DIGITS
"""After so many blocks every entity has come exactly as often as its weight says, and it all begins again."""

TOTAL = PERIOD * BLOCK_ROWS
"""What weights add up to: the events of a period."""

ONCE = 2**40
"""Numbers of what is drawn once a shard; no block has so high a number."""


EARLIER_KEPT = 128
"""So many parts of blocks stay in memory: every page asks about the slots at which the content changed."""


@dataclass(frozen=True, eq=False)
class Entities:
    """The entities of one shard in the order of its events: a systematic sample in every block.

    The entities stand in random order on a line, each with a stretch as long as its weight. A block takes the entities
    at `BLOCK_ROWS` points one `PERIOD` apart and shuffles them; the points of the blocks are moved against each other
    by the whole numbers below `PERIOD`, in bit-reversed order, so that what a block leaves out comes soon. How often
    an entity came up before a block is then a sum over the bits of the block's number.

    Args:
        ends: where the stretch of the entity at each place ends, rising to `TOTAL`, shape (n,).
        order: which entity stands at each place, shape (n,).
        shift: where the points of the first block are, in [0, PERIOD).
        key: selects the numbers that shuffle blocks.

    Source: Madow 1949, "On the theory of systematic sampling, II"; van der Corput 1935.
    """

    ends: Longs
    order: Longs
    shift: int
    key: Key

    @classmethod
    def of(cls, shares: Floats, key: Key) -> Entities:
        """Put the entities of a shard in order.

        Args:
            shares: how popular each is, adding up to 1, shape (n,); each gets at least one event in a period.
            key: selects the numbers.
        """
        drawn = uniforms(key, ONCE, len(shares) + 1, 1)[:, 0]
        order = np.argsort(drawn[1:], kind="stable")
        upto = np.cumsum(shares[order])
        spread = np.rint(upto / upto[-1] * (TOTAL - len(shares))).astype(np.int64)
        return cls(spread + np.arange(1, len(shares) + 1), order, int(drawn[0] * PERIOD), key)

    def block(self, index: int) -> tuple[Longs, Longs]:
        """The events of a block.

        Args:
            index: the block's number.

        Returns:
            By slot the entity, and the number of the event among the entity's, from 0; two of shape (BLOCK_ROWS,).
        """
        points = np.arange(1, BLOCK_ROWS + 1) * PERIOD - (_reversed(index % PERIOD) ^ self.shift)
        at = np.searchsorted(self.ends, points, side="left")  # (BLOCK_ROWS,), ascending
        first = np.flatnonzero(np.diff(at, prepend=-1))
        seen = self._before(index, at[first])
        which = np.cumsum(np.diff(at, prepend=-1) > 0) - 1
        shuffled = np.argsort(uniforms(self.key, index, BLOCK_ROWS, 1)[:, 0], kind="stable")
        slots = np.empty(BLOCK_ROWS, np.int64)  # by slot its point
        slots[shuffled] = np.arange(BLOCK_ROWS)
        by_entity = np.argsort(which[slots], kind="stable")  # slots of one entity together, in order
        numbers = np.empty(BLOCK_ROWS, np.int64)
        numbers[by_entity] = seen[which] + np.arange(BLOCK_ROWS) - first[which]
        return self.order[at[slots]], numbers

    def before(self, sequence: int, entities: Longs) -> Longs:
        """How many events some entities had before a slot, shape (m,).

        Args:
            sequence: the slot.
            entities: which, shape (m,).
        """
        index, within = divmod(sequence, BLOCK_ROWS)
        found = self._before(index, self._places[entities])
        if within:
            earlier = _earlier(self, sequence)
            found += np.searchsorted(earlier, entities, side="right") - np.searchsorted(earlier, entities, side="left")
        return found

    @cached_property
    def _places(self) -> Longs:
        places = np.empty(len(self.order), np.int64)
        places[self.order] = np.arange(len(self.order))
        return places

    def _before(self, index: int, places: Longs) -> Longs:
        """How often the entities at some places came up in all blocks before one, shape (m,)."""
        periods, blocks = divmod(index, PERIOD)
        ends = self.ends[places]
        starts = np.where(places > 0, self.ends[places - 1], 0)
        whole = periods * (ends - starts) + blocks * (ends // PERIOD - starts // PERIOD)
        found: Longs = whole + self._passed(blocks, ends % PERIOD) - self._passed(blocks, starts % PERIOD)
        return found

    def _passed(self, blocks: int, rests: Longs) -> Longs:
        """In how many of the first blocks of a period a point lies in the last `rests` of a stretch of one period.

        Blocks that share all bits above one are moved by numbers evenly apart, so that those large enough are counted
        at once.
        """
        found = np.zeros(len(rests), np.int64)
        for bit in range(DIGITS):
            if blocks >> bit & 1:
                apart = DIGITS - bit
                lowest = (_reversed(blocks >> (bit + 1) << (bit + 1)) ^ self.shift) & ((1 << apart) - 1)
                too_small = (PERIOD - rests - lowest + (1 << apart) - 1) >> apart
                found += (1 << bit) - too_small
        return found


@lru_cache(maxsize=EARLIER_KEPT)
def _earlier(entities: Entities, sequence: int) -> Longs:
    """The entities of the slots of a block before one, in order of their numbers, shape (slots,)."""
    index, within = divmod(sequence, BLOCK_ROWS)
    return np.sort(entities.block(index)[0][:within])


def _reversed(number: int) -> int:
    """A number below `PERIOD` with its binary digits in reverse.

    >>> _reversed(1) == PERIOD // 2, _reversed(3) == PERIOD // 2 + PERIOD // 4
    (True, True)
    """
    return int(f"{number:0{DIGITS}b}"[::-1], 2)


@dataclass(frozen=True, eq=False)
class Events:
    """What happens to entities.

    Args:
        entities: which, shape (n,).
        numbers: the number of each event among its entity's, from 0, shape (n,).
        lives: in which of the entity's lives it is, from 0, shape (n,).
        created: whether it begins a life, shape (n,).
        deleted: whether it ends one, shape (n,).
    """

    entities: Longs
    numbers: Longs
    lives: Longs
    created: Mask
    deleted: Mask


@dataclass(frozen=True, eq=False)
class Lives:
    """How long entities live: each always the same number of events, drawn by counter.

    An entity's events number L to the life, its first life apart, which has up to one more or all but two fewer: so
    entities as popular as each other are not deleted all at once.

    Args:
        deletes: the share of events that delete, from 0 to 1/2; L is drawn so that 1/L is that on average.
        key: selects the numbers.
    """

    deletes: float
    key: Key

    def events(self, entities: Longs, numbers: Longs) -> Events:
        """What some events do.

        Args:
            entities: of which entity each is, shape (n,).
            numbers: its number among the entity's, shape (n,).
        """
        first = numbers == 0
        if self.deletes == 0:
            nothing = np.zeros(len(numbers), np.int64)
            return Events(entities, numbers, nothing, first, nothing.astype(np.bool_))
        u = addressed(self.key, (entities, np.zeros(len(entities), np.int64)), 2)
        short = int(1 / self.deletes)
        chance = (self.deletes * (short + 1) - 1) * short  # of the shorter, so that 1 / L is `deletes` on average
        length = np.where(u[:, 0] < chance, short, short + 1)
        age = numbers + np.floor(u[:, 1] * length).astype(np.int64) - 1
        lives = age.clip(min=0) // length
        created = first | ((age >= length) & (age % length == 0))
        deleted = ~first & (age % length == length - 1)
        return Events(entities, numbers, lives, created, deleted)
