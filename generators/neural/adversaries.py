"""What training against an opponent has in common, whatever the two networks are.

Both learn in one step of one optimizer: one loss, in which each network's parameters only have gradients of their own
part. A game has no loss that says when to stop, so it is played for a number of epochs, and the generator is kept as it
was when its rows were most like the ones held back, two columns at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from generators.neural.checkpoints import Keeper, digest_of
from generators.neural.devices import fork_random
from generators.neural.training import Plan, train
from generators.start import Start
from generators.task import Progress


class Player(nn.Module, ABC):
    """Two networks that play against each other."""

    @abstractmethod
    def losses(self, n: int) -> Tensor:
        """What both lose on about so many rows."""

    @abstractmethod
    def off(self, rows: Tensor) -> Tensor:
        """How far rows that are made are from as many real ones; see `Compared.off`.

        Args:
            rows: as `encoded` has them, shape (n, numbers + variables).
        """


Playing = TypeVar("Playing", bound=Player)

BATCH_ROWS, LEARNING_RATE, WEIGHT_DECAY = 500, 2e-4, 1e-6

FEW_ROWS, SMALL_BATCH = 15_000, 200
"""Tables of fewer rows are trained in smaller batches."""
BETAS = (0.5, 0.9)

HELD_BACK, MOST_HELD = 0.1, 2_000
"""The share of rows that generators are judged by, and the most that are."""

FEWEST_JUDGED = 500
"""Where fewer are held back, each is judged as often as it takes."""

BINS = 8
"""Numbers are judged in so many parts of about as many rows."""

MOST_STATES = 16
"""States from here on are judged together."""


def reversed_gradient(x: Tensor) -> Tensor:
    """The same numbers; whoever makes them learns to make large what is made small of them.

    Source: Ganin and Lempitsky 2015, "Unsupervised domain adaptation by backpropagation", 3.
    """
    return 2 * x.detach() - x


@dataclass(frozen=True, eq=False)
class Compared:
    """Rows in few parts a variable, as generators are judged.

    Args:
        places: the part each variable is in, among those of all, shape (n, variables).
        parts: how many there are in all.
    """

    places: Tensor
    parts: int

    def tables(self) -> Tensor:
        """How likely each two parts are together, shape (parts, parts)."""
        each = torch.zeros(len(self.places), self.parts).scatter_(1, self.places, 1.0)
        return each.T @ each / len(each)

    def off(self, other: Compared) -> Tensor:
        """How much of the pairs of variables lies elsewhere: the mean total variation of their joint distributions."""
        count = self.places.shape[1]
        return (self.tables() - other.tables()).abs().sum() / 2 / max(count * count, 1)


def compared(real: Sequence[Tensor], made: Sequence[Tensor], ordered: Sequence[bool]) -> tuple[Compared, Compared]:
    """Two tables in the parts of the real one's variables.

    A number that is made counts by its rank, as if it were the real one of that rank: that is what calibration does.

    Args:
        real: the variables: numbers, or states; missing numbers are infinite; shape (n,) each.
        made: the same of as many rows that were made, shape (n,) each.
        ordered: which are numbers.
    """
    places: tuple[list[Tensor], list[Tensor]] = ([], [])
    first = 0
    for x, y, number in zip(real, made, ordered, strict=True):
        if number:
            edges = torch.unique_consecutive(torch.quantile(x, torch.arange(1, BINS) / BINS, interpolation="lower"))
            parts, ranks = torch.bucketize(x.contiguous(), edges), y.argsort(stable=True).argsort(stable=True)
            found = (parts, parts.sort().values[ranks])
        else:
            found = (x.long().clamp(max=MOST_STATES - 1), y.long().clamp(max=MOST_STATES - 1))
        for into, part in zip(places, found, strict=True):
            into.append(part + first)
        first += BINS if number else MOST_STATES
    nothing = torch.zeros(0, 0, dtype=torch.long)
    one, other = (torch.stack(each, 1) if each else nothing for each in places)
    return Compared(one, first), Compared(other, first)


def play(
    made: Callable[[Tensor], Playing],
    rows: npt.NDArray[np.float32],
    asked: tuple[Mapping[str, Any], int, Start],
    progress: Progress,
) -> Playing:
    """Train two networks against each other.

    Args:
        made: makes them, given the rows that are learned from, shape (n, d).
        rows: all rows, shape (n, d).
        asked: the settings (`max_seconds` and `max_epochs` among them), the seed, and where training begins.
        progress: told how far it has come.
    """
    settings, seed, start = asked
    epochs = settings["max_epochs"]
    rng = np.random.Generator(np.random.Philox(seed))
    order = rng.permutation(len(rows))
    held = np.sort(order[: min(max(1, round(HELD_BACK * len(rows))), MOST_HELD)])
    plan = Plan(
        SMALL_BATCH if len(rows) < FEW_ROWS else BATCH_ROWS,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        aside=held,
        gain=0.0,
        slower=1.0,
        patience=epochs,
        max_seconds=settings["max_seconds"],
        max_epochs=epochs,
        betas=BETAS,
        unit="of pairs misplaced",
    )
    keeper = None
    if start.keep is not None:
        terms = {"data": digest_of(rows), "torch": torch.__version__, "seed": seed, "settings": dict(settings)}
        keeper = Keeper(start.keep, terms)
    everything = torch.from_numpy(rows)
    with fork_random(torch.device("cpu")):
        torch.manual_seed(seed)
        model = made(everything[np.delete(np.arange(len(rows)), held)])

        def judge(model: Playing, at: Tensor) -> Tensor:
            """The same normals are drawn at every judgement."""
            with fork_random(torch.device("cpu")):
                torch.manual_seed(seed)
                return model.off(everything[at.repeat(-(-FEWEST_JUDGED // len(at)))])

        train(model, torch.arange(len(rows)), lambda m, at: m.losses(len(at)), judge, plan, progress, keeper)
    return model
