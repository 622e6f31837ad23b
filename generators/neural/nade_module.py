"""The autoregressive network as torch trains it; `autoregressive.py` draws from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.discrete.autoregressive import Ints, Network, calibrated
from generators.discrete.carry import Begun
from generators.discrete.cells import Cells, Codes
from generators.neural.checkpoints import Keeper, digest_of
from generators.neural.devices import device_of, fork_random, together
from generators.neural.training import Loss, Plan, train
from generators.task import Progress

Array = npt.NDArray[np.float32]

SCALES = (2, 4, 8, 16, 32)
"""Numbers near each other share what is learned: on each scale, a column's range is cut into so many parts."""

FEW_ROWS, SMALL_BATCH, LARGE_BATCH = 15_000, 128, 512
"""Tables of fewer rows are trained in smaller batches."""

FEW_DECAY, DECAY = 1.0, 0.01
"""The weight decay for such tables, and for others: with few rows weights had better stay small."""

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

AFRESH = Begun()

GENTLY = 0.2
"""Training that goes on with more of the same learns so many times as fast as from nothing."""


def _hats(cells: Cells) -> tuple[Tensor, Tensor, int]:
    """The hat functions on each scale that are not zero at each cell of an ordered column.

    Returns:
        Their numbers and their values there, both of shape (cells, 2 * scales), and how many there are in all.
    """
    v = len(cells.share)
    which, height = np.zeros((v, 2 * len(SCALES)), np.int64), np.zeros((v, 2 * len(SCALES)), np.float32)
    count = 1
    for j in np.flatnonzero(cells.ordered).tolist():
        start, end = cells.first[j : j + 2].tolist()
        n = end - start - (cells.null[j] >= 0)
        at = np.arange(n) / max(1, n - 1)
        for s, parts in enumerate(SCALES):
            if parts >= n:
                break
            left = np.minimum((at * parts).astype(np.int64), parts - 1)
            right_height = at * parts - left
            which[start : start + n, 2 * s], which[start : start + n, 2 * s + 1] = count + left, count + left + 1
            height[start : start + n, 2 * s], height[start : start + n, 2 * s + 1] = 1 - right_height, right_height
            count += parts + 1
    return torch.from_numpy(which), torch.from_numpy(height), count


class Smooth(nn.Module):
    """A vector a cell: its own, and what cells near it share."""

    which: Tensor
    height: Tensor

    def __init__(self, cells: Cells, width: int, spread: float) -> None:
        super().__init__()
        which, height, count = _hats(cells)
        self.register_buffer("which", which)
        self.register_buffer("height", height)
        self.own = nn.Parameter(torch.randn(len(cells.share), width) * spread)
        self.shared = nn.Parameter(torch.randn(count, width) * spread * 0.5)

    def forward(self) -> Tensor:
        """All vectors, shape (cells, width)."""
        return self.own + F.embedding_bag(self.which, self.shared, per_sample_weights=self.height, mode="sum")


class NadeModule(nn.Module):
    """See `autoregressive.py`.

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
        self.mixing = nn.Linear(width, width)
        self.norm, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.forgotten = forgotten

    def losses(self, codes: Tensor, order: Sequence[int], given: Tensor | None = None) -> Tensor:
        """The mean loss of each column, in nats, in the order of drawing.

        Args:
            codes: rows of cells, -1 where unknown, shape (n, d).
            order: the columns, each drawn when those before it are known.
            given: which cells are known from the beginning, to all columns but their own, shape (n, d).
        """
        by_column = codes.T[order]  # (d, n)
        known = by_column >= 0
        if self.training:
            known &= torch.rand(known.shape, device=known.device) >= self.forgotten
        places = (by_column + self.firsts[order, None]).clamp(min=0)
        vectors = F.embedding(places, self.inputs()) * known[:, :, None]
        before = torch.ones(len(order), len(order), device=codes.device).tril(-1)  # (columns, those before them)
        state = before @ vectors.flatten(1)
        if given is not None:
            state = state + before.T @ (vectors * given.T[order][:, :, None]).flatten(1)
        state = state.view_as(vectors) + self.starts[order, None]
        first = F.hardswish(self.norm(state))
        last = self.last(first + F.hardswish(self.mixing(first))).unbind()
        weights, biases = torch.split(self.outputs(), self.sizes), torch.split(self.biases, self.sizes)
        return torch.stack(
            [
                F.cross_entropy(F.linear(x, weights[j], biases[j]), target, ignore_index=-1, reduction="sum")
                for x, j, target in zip(last, order, by_column.unbind(), strict=True)
            ]
        ) / len(codes)

    @torch.no_grad()
    def take_over(self, network: Network) -> None:
        """Become a network, other than where it has NaN."""

        def put(into: Tensor, array: Array) -> None:
            tensor = torch.from_numpy(array)
            into.copy_(torch.where(tensor.isnan(), into, tensor))

        for smooth, vectors in ((self.inputs, network.embeddings), (self.outputs, network.outputs)):
            put(smooth.own, vectors - (smooth() - smooth.own).numpy())
        put(self.starts, network.starts)
        put(self.norm.weight, network.norm[0])
        put(self.norm.bias, network.norm[1])
        put(self.mixing.weight, network.mixing.T)
        put(self.mixing.bias, network.shift)
        put(self.biases, network.biases)
        self.last.reset_parameters()  # it is in the outputs already

    @torch.no_grad()
    def network(self) -> Network:
        """The same as arrays."""
        outputs = self.outputs()
        arrays = (
            self.inputs(),
            self.starts,
            torch.stack([self.norm.weight, self.norm.bias]),
            self.mixing.weight.T,
            self.mixing.bias,
            outputs * self.last.weight,
            self.biases + outputs @ self.last.bias,
        )
        return Network(*(np.ascontiguousarray(array.numpy()) for array in arrays))


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


def fit_network(
    codes: Codes,
    cells: Cells,
    order: Ints,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    begun: Begun = AFRESH,
) -> tuple[Network, Ints]:
    """Train a network.

    Args:
        codes: the real rows as cells, -1 where unknown, shape (n, d).
        cells: what the columns are cut into.
        order: the columns, in the order they are drawn in.
        settings: see `tabular.nade`.
        seed: seeds the first weights, the order of rows, and what is dropped.
        progress: told how far training has come.
        begun: what it begins with, and where it keeps checkpoints.

    Returns:
        The network, and which rows it did not learn from.
    """
    device = device_of(begun.device)
    few = len(codes) < FEW_ROWS
    plan = Plan(
        SMALL_BATCH if few else LARGE_BATCH,
        weight_decay=FEW_DECAY if few else DECAY,
        held_back=FEW_HELD if few else HELD,
        max_seconds=settings["max_seconds"],
        max_epochs=settings["max_epochs"],
        learned=begun.network is not None,
        device=device,
        bf16=settings["bf16"],
        alone=loss_alone(codes, cells),
    )
    if begun.gently:
        plan = replace(plan, learning_rate=plan.learning_rate * GENTLY)
    keeper = None
    if begun.keep is not None:
        keeper = Keeper(begun.keep, _terms(codes, cells, order, begun) | {"settings": dict(settings), "seed": seed})
    with fork_random(device), together(device):
        torch.manual_seed(seed)
        model = NadeModule(cells, settings["width"], settings["forgotten"])
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


def _told(given: Callable[[Tensor], Tensor], order: Ints, seed: int) -> tuple[Loss[NadeModule], Loss[NadeModule]]:
    """What is made small, and what rows held back are judged by.

    Args:
        given: says which cells of rows are given.
        order: the columns, in the order they are drawn in.
        seed: seeds which cells are given of rows that are judged.
    """
    fixed = order.tolist()

    def loss(model: NadeModule, rows: Tensor) -> Tensor:
        return model.losses(rows.long(), fixed, given(rows)).sum()

    def judge(model: NadeModule, rows: Tensor) -> Tensor:
        """As they are drawn freely, and with some given, the same at every judgement."""
        with fork_random(rows.device):
            torch.manual_seed(seed)
            known = given(rows)
        rows = rows.long()
        return (model.losses(rows, fixed).sum() + model.losses(rows, fixed, known).sum()) / 2

    return loss, judge


def _terms(codes: Codes, cells: Cells, order: Ints, begun: Begun) -> dict[str, Any]:
    """What two trainings have in common, besides settings and seed, where one goes on from where the other came to."""
    before = {} if begun.network is None else begun.network.weights()
    return {
        "data": digest_of(codes, cells.first, cells.share, cells.spans, order),
        "warm start": [begun.gently, digest_of(*before.values())],
        "torch": torch.__version__,
        "device": device_of(begun.device).type,
    }
