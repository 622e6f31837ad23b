"""How networks that draw column by column are trained, so that any columns may be given and come first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.discrete.carry import Begun
from generators.discrete.cells import Cells, Codes
from generators.discrete.columnwise import Floats32, Ints, N, calibrated
from generators.neural.checkpoints import Keeper, digest_of
from generators.neural.devices import device_of, fork_random, together
from generators.neural.smooth import Smooth
from generators.neural.training import JUDGED_AT_ONCE, Loss, Plan, train
from generators.task import Progress

FEW_ROWS, SMALL_BATCH, LARGE_BATCH = 15_000, 128, 512
"""Tables of fewer rows are trained in smaller batches."""

PRIOR_ROWS, MOST_DECAY, DECAY = 1_000, 1.0, 0.01
"""The weight decay of such tables is so many rows' share of theirs, up to `MOST_DECAY`, that of others is `DECAY`: the
fewer rows there are, the smaller weights had better stay; but not so small that what one column settles of another is
blurred."""

FEW_HELD, HELD = 0.15, 0.1
"""The share of rows held back of such tables, and of others: they also decide who draws the target."""

GIVEN = 0.8
"""The share of rows that have cells given while training."""

AT_FIRST = 0.1
"""The standard deviation of embeddings before training; that of outputs is half of it."""

CLOSING, CLOSING_RATE = 2, 1 / 3
"""Training closes with so many epochs of rows with few cells given, and learns so many times as fast as before: users
hold a column or two, and of all that may be known of a row, these are states that were met seldom."""

MOST_GIVEN = 2
"""So many cells are given at the most then."""

JUDGED_LOGITS = 2**26
"""Rows are judged so many at a time that a column has no more logits than this, 256 MiB of them."""

GENTLY = 0.2
"""Training that goes on with more of the same learns so many times as fast as from nothing."""


class AnyOrder(nn.Module, ABC, Generic[N]):
    """What such networks have at either end.

    Args:
        cells: what the columns are cut into.
        width: of the state.
        forgotten: the share of cells that are not known while training, though their columns came before.
    """

    firsts: Tensor

    def __init__(self, cells: Cells, width: int, forgotten: float) -> None:
        super().__init__()
        self.sizes = np.diff(cells.first).tolist()
        self.register_buffer("firsts", torch.from_numpy(cells.first[:-1]))
        self.inputs, self.outputs = Smooth(cells, width, AT_FIRST), Smooth(cells, width, AT_FIRST / 2)
        self.biases = nn.Parameter(torch.from_numpy(np.log(cells.share + 1e-6)).float())
        self.starts = nn.Parameter(torch.zeros(len(self.sizes), width))
        self.last = nn.LayerNorm(width)
        self.forgotten = forgotten

    @abstractmethod
    def losses(self, codes: Tensor, order: Sequence[int], given: Tensor | None = None) -> Tensor:
        """The mean loss of each column, in nats, in the order of drawing.

        Args:
            codes: rows of cells, -1 where unknown, shape (n, d).
            order: the columns, each drawn when those before it are known.
            given: which cells are known from the beginning, shape (n, d).
        """

    def told(self, last: Tensor, order: Sequence[int], by_column: Tensor) -> Tensor:
        """The losses that follow, shape (d,).

        Args:
            last: the last states, in the order of drawing, shape (d, n, width).
            order: the columns.
            by_column: what is to be told, in the same order, shape (d, n).
        """
        weights, biases = torch.split(self.outputs(), self.sizes), torch.split(self.biases, self.sizes)
        return (
            torch.stack(
                [
                    F.cross_entropy(F.linear(x, weights[j], biases[j]), target, ignore_index=-1, reduction="sum")
                    for x, j, target in zip(last.unbind(), order, by_column.unbind(), strict=True)
                ]
            )
            / by_column.shape[1]
        )

    @torch.no_grad()
    def take_over_ends(self, network: N) -> None:
        """Become a network at either end, other than where it has NaN."""
        for smooth, vectors in ((self.inputs, network.embeddings), (self.outputs, network.outputs)):
            put(smooth.own, vectors - (smooth() - smooth.own).numpy())
        put(self.starts, network.starts)
        put(self.biases, network.biases)
        self.last.reset_parameters()  # it is in the outputs already

    @abstractmethod
    def take_over(self, network: N) -> None:
        """Become a network, other than where it has NaN."""

    @abstractmethod
    def network(self) -> N:
        """The same as arrays."""


def put(into: Tensor, array: Floats32) -> None:
    """Put numbers in place, other than where they are NaN."""
    tensor = torch.from_numpy(array)
    into.copy_(torch.where(tensor.isnan(), into, tensor))


def some_given(rows: Tensor) -> Tensor:
    """Which cells are taken as given, shape (n, d): none in some of the rows, in the others any number of them.

    Args:
        rows: shape (n, d).
    """
    n, d = rows.shape
    where = rows.device
    share = float(d) ** -torch.rand(n, 1, device=where)  # so that few are as frequent as many
    share = share * (torch.rand(n, 1, device=where) < GIVEN)
    return torch.rand(n, d, device=where) < share


def few_given(rows: Tensor) -> Tensor:
    """Which cells are taken as given at the close, shape (n, d): one or two a row, all as likely.

    Args:
        rows: shape (n, d).
    """
    n, d = rows.shape
    where = rows.device
    places = torch.rand(n, d, device=where).argsort(1).argsort(1)
    return places < torch.randint(1, MOST_GIVEN + 1, (n, 1), device=where)


def fit_any_order(
    build: Callable[[], AnyOrder[N]],
    table: tuple[Codes, Cells, Ints],
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    begun: Begun[N],
    learning_rate: float = 3e-3,
) -> tuple[N, Ints]:
    """Train a network.

    Args:
        build: makes it, with the first weights.
        table: the real rows as cells, -1 where unknown, shape (n, d); what these are; and the columns in the order
            they are drawn in.
        settings: see `tabular.nade`.
        seed: seeds the first weights, the order of rows, and what is dropped.
        progress: told how far training has come.
        begun: what it begins with, and where it keeps checkpoints.
        learning_rate: to begin with.

    Returns:
        The network, and which rows it did not learn from.
    """
    device = device_of(begun.device)
    codes, cells, order = table
    few = len(codes) < FEW_ROWS
    plan = Plan(
        SMALL_BATCH if few else LARGE_BATCH,
        learning_rate=learning_rate,
        weight_decay=min(PRIOR_ROWS / max(len(codes), 1), MOST_DECAY) if few else DECAY,
        held_back=FEW_HELD if few else HELD,
        max_seconds=settings["max_seconds"],
        max_epochs=settings["max_epochs"],
        learned=begun.network is not None,
        device=device,
        bf16=settings["bf16"],
        alone=loss_alone(codes, cells),
        judged_at_once=judged_at_once(cells),
    )
    if begun.gently:
        plan = replace(plan, learning_rate=plan.learning_rate * GENTLY)
    keeper = None
    if begun.keep is not None:
        keeper = Keeper(begun.keep, _terms(codes, cells, order, begun) | {"settings": dict(settings), "seed": seed})
    with fork_random(device), together(device):
        torch.manual_seed(seed)
        model = build()
        if not len(order):  # all values are invented
            return model.network(), np.empty(0, np.int64)
        if begun.network is not None:
            model.take_over(begun.network)
        rows = torch.from_numpy(codes)
        trained = train(model, rows, *_told(some_given, order, seed), plan, progress, keeper)
        close = replace(
            plan,
            learning_rate=plan.learning_rate * CLOSING_RATE,
            aside=trained.held_back,
            max_seconds=max(0.0, plan.max_seconds - trained.spent_s),
            max_epochs=min(CLOSING, plan.max_epochs),
            learned=True,
        )
        train(model, rows, *_told(few_given, order, seed), close, lambda _, what: progress(1.0, f"closing, {what}"))
    return calibrated(model.network(), cells.share, cells.first, order, seed), trained.held_back


def judged_at_once(cells: Cells) -> int:
    """How many rows are judged at a time: fewer where a column has very many cells."""
    return min(max(JUDGED_LOGITS // int(np.diff(cells.first).max(initial=1)), 1), JUDGED_AT_ONCE)


def loss_alone(codes: Codes, cells: Cells) -> float:
    """The mean loss of columns that know nothing of each other, in nats a row.

    Args:
        codes: rows of cells, -1 where unknown, shape (n, d).
        cells: what they are; none has a share of 0 that some row is in.
    """
    found = 0.0
    for j in range(codes.shape[1]):
        counts = np.bincount(codes[:, j] + 1, minlength=1)[1:]
        share = cells.share[cells.first[j] : cells.first[j + 1]][: len(counts)]
        found -= float(counts @ np.log(np.maximum(share, 1e-12)))
    return found / max(len(codes), 1)


def _told(given: Callable[[Tensor], Tensor], order: Ints, seed: int) -> tuple[Loss[AnyOrder[Any]], Loss[AnyOrder[Any]]]:
    """What is made small, and what rows held back are judged by.

    Args:
        given: says which cells of rows are given.
        order: the columns, in the order they are drawn in.
        seed: seeds which cells are given of rows that are judged.
    """
    fixed = order.tolist()

    def loss(model: AnyOrder[Any], rows: Tensor) -> Tensor:
        return model.losses(rows.long(), fixed, given(rows)).sum()

    def judge(model: AnyOrder[Any], rows: Tensor) -> Tensor:
        """As they are drawn freely, and with some given, the same at every judgement."""
        with fork_random(rows.device):
            torch.manual_seed(seed)
            known = given(rows)
        rows = rows.long()
        return (model.losses(rows, fixed).sum() + model.losses(rows, fixed, known).sum()) / 2

    return loss, judge


def _terms(codes: Codes, cells: Cells, order: Ints, begun: Begun[Any]) -> dict[str, Any]:
    """What two trainings have in common, besides settings and seed, where one goes on from where the other came to."""
    before = {} if begun.network is None else begun.network.weights()
    return {
        "data": digest_of(codes, cells.first, cells.share, cells.spans, order),
        "warm start": [begun.gently, digest_of(*before.values())],
        "torch": torch.__version__,
        "device": device_of(begun.device).type,
    }
