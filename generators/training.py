"""The loop that trains every torch model: averaged weights, early stopping on rows held back, the best kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from generators.base import Progress

Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Model, Tensor], Tensor]
"""Works out a batch's loss a row, in nats: of the model, given rows of shape (n, d)."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        batch_rows: rows a step.
        learning_rate: of AdamW, to begin with.
        weight_decay: of AdamW.
        average: the weights kept are an exponential moving average, with this decay a step.
        held_back: the share of rows that say when to stop.
        gain: what counts as a gain on these, in nats a row.
        slower: what the learning rate is multiplied by after an epoch without a gain.
        patience: so many epochs in a row without one end it.
        max_seconds: training ends after so long.
        max_epochs: training ends after so many.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization"; Polyak and Juditsky 1992.
    """

    batch_rows: int
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    average: float = 0.99
    held_back: float = 0.1
    gain: float = 1e-3
    slower: float = 0.6
    patience: int = 5
    max_seconds: float = 3_600.0
    max_epochs: int = 1_000


def train(model: Model, rows: Tensor, loss: Loss[Model], judge: Loss[Model], plan: Plan, progress: Progress) -> float:
    """Train a model in place; it is left at the averaged weights that were best.

    Args:
        model: what is trained.
        rows: the rows, shape (n, d).
        loss: what is made small.
        judge: what the rows held back are judged by.
        plan: how.
        progress: told how far it has come.

    Returns:
        The best loss on the rows held back, in nats a row.
    """
    began = time.perf_counter()
    order = torch.randperm(len(rows))
    held = max(1, round(plan.held_back * len(rows)))
    judged, learned = rows[order[:held]], rows[order[held:]]
    averaging = AveragedModel(model, multi_avg_fn=_nearer(plan.average))
    average = cast(Model, averaging.module)
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True)
    best, kept, idle = float("inf"), deepcopy(model.state_dict()), 0
    for epoch in range(plan.max_epochs):
        model.train()
        for batch in torch.split(learned[torch.randperm(len(learned))], plan.batch_rows):
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss(model, batch))
            optimizer.step()
            averaging.update_parameters(model)
            if time.perf_counter() - began > plan.max_seconds:
                break
        average.eval()
        with torch.inference_mode():
            found = float(judge(average, judged))
        if found < best - plan.gain:
            best, idle, kept = found, 0, deepcopy(average.state_dict())
        else:
            idle += 1
            for group in optimizer.param_groups:
                group["lr"] *= plan.slower
        spent = time.perf_counter() - began
        if spent > plan.max_seconds or idle == plan.patience:
            break
        progress(max(1 - 0.9**epoch, spent / plan.max_seconds), f"epoch {epoch + 1}: {best:.3f} nats a row")
    model.load_state_dict(kept)
    model.eval()
    return best


def _nearer(decay: float) -> Callable[..., None]:
    """The moving average; at first it forgets faster, as it has seen little."""

    def nearer(average: list[Tensor], current: list[Tensor], updates: Tensor) -> None:
        n = int(updates)
        torch._foreach_lerp_(average, current, 1 - min(decay, n / (n + 10)))

    return nearer
