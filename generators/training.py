"""The loop that trains every torch model: averaged weights, early stopping on rows held back, the best kept.

A run that was interrupted goes on from its checkpoint as if nothing had happened: whatever is random comes from one
state of torch's, which is kept with the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from generators.base import Progress
from generators.checkpoints import Keeper, Reached

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
        learned: the model has learned something already, which is kept unless there is a gain on it.

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
    learned: bool = False


def train(
    model: Model,
    rows: Tensor,
    loss: Loss[Model],
    judge: Loss[Model],
    plan: Plan,
    progress: Progress,
    keeper: Keeper | None = None,
) -> float:
    """Train a model in place; it is left at the averaged weights that were best.

    Args:
        model: what is trained.
        rows: the rows, shape (n, d).
        loss: what is made small.
        judge: what the rows held back are judged by.
        plan: how.
        progress: told how far it has come.
        keeper: keeps checkpoints, and has the one to go on from; None for none.

    Returns:
        The best loss on the rows held back, in nats a row.

    Raises:
        InputError: the checkpoint is of another training.
        ServiceError: a checkpoint can not be written.
    """
    run = _Run(model, rows, loss, judge, plan)
    reached = None if keeper is None else keeper.read()
    if reached is not None:
        run.go_on_from(reached)
    while not run.is_over():
        run.learn(keeper)
        run.judge()
        if not run.is_over() or run.epoch == plan.max_epochs:
            share = max(1 - 0.9 ** (run.epoch - 1), run.spent_s / max(plan.max_seconds, 1e-9))
            progress(min(share, 1.0), f"epoch {run.epoch}: {run.best:.3f} nats a row, {run.spent_s:.0f} s")
        if keeper is not None and (keeper.is_due() or run.is_over()):
            keeper.write(run.reached())
    model.load_state_dict(run.kept)
    model.eval()
    return run.best


class _Run(Generic[Model]):
    """A training under way: everything that changes, so everything a checkpoint has to hold.

    Args: see `train`.
    """

    def __init__(self, model: Model, rows: Tensor, loss: Loss[Model], judge: Loss[Model], plan: Plan) -> None:
        self._began = time.perf_counter()
        order = torch.randperm(len(rows))
        held = max(1, round(plan.held_back * len(rows)))
        self._rows, self._judged, self._learned = rows, rows[order[:held]], order[held:]
        self._model, self._loss, self._judge, self._plan = model, loss, judge, plan
        self._averaging = AveragedModel(model, multi_avg_fn=_nearer(plan.average))
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
        self._before_order = torch.get_rng_state()
        self.epoch, self.learned, self.idle = 0, 0, 0
        self.best, self.kept = float("inf"), deepcopy(model.state_dict())
        if plan.learned:
            self.best = self._found()

    @property
    def spent_s(self) -> float:
        """Seconds of training, those before an interruption among them."""
        return time.perf_counter() - self._began

    def is_over(self) -> bool:
        """Whether to stop, asked between epochs."""
        plan = self._plan
        enough = self.idle >= plan.patience or self.epoch >= plan.max_epochs or self.spent_s > plan.max_seconds
        return self.epoch > 0 and self.learned == 0 and enough

    def learn(self, keeper: Keeper | None) -> None:
        """Go over the rows once, or over what is left of them, keeping checkpoints on the way."""
        self._model.train()
        order = self._learned[self._order()]
        while self.learned < len(order):
            at = order[self.learned : self.learned + self._plan.batch_rows]
            self._optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(self._loss(self._model, self._rows[at]))
            self._optimizer.step()
            self._averaging.update_parameters(self._model)
            self.learned += len(at)
            if self.spent_s > self._plan.max_seconds:
                break
            if keeper is not None and keeper.is_due():
                keeper.write(self.reached())

    def _order(self) -> Tensor:
        """This epoch's order of the rows; if some of it is behind us, numbers drawn since are left as they are."""
        if self.learned == 0:
            self._before_order = torch.get_rng_state()
            return torch.randperm(len(self._learned))
        now = torch.get_rng_state()
        torch.set_rng_state(self._before_order)
        order = torch.randperm(len(self._learned))
        torch.set_rng_state(now)
        return order

    def judge(self) -> None:
        """End the epoch: keep the averaged weights if they gained, else learn more slowly from now on."""
        found = self._found()
        self.epoch, self.learned = self.epoch + 1, 0
        if found < self.best - self._plan.gain:
            self.best, self.idle, self.kept = found, 0, deepcopy(self._averaging.module.state_dict())
            return
        self.idle += 1
        for group in self._optimizer.param_groups:
            group["lr"] *= self._plan.slower

    def _found(self) -> float:
        """The averaged weights' loss on the rows held back."""
        average = cast(Model, self._averaging.module)
        average.eval()
        with torch.inference_mode():
            return float(self._judge(average, self._judged))

    def reached(self) -> Reached:
        """How far it has come."""
        tensors = {"random": torch.get_rng_state(), "random_before_order": self._before_order}
        parts = {"model": self._model.state_dict(), "average": self._averaging.state_dict(), "kept": self.kept}
        for i, state in self._optimizer.state_dict()["state"].items():
            parts[f"optimizer.{i}"] = state
        tensors |= {f"{part}/{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
        numbers = {"epoch": self.epoch, "learned": self.learned, "idle": self.idle, "best": self.best}
        numbers |= {"learning_rate": self._optimizer.param_groups[0]["lr"], "spent_s": self.spent_s}
        return Reached(tensors, numbers)

    def go_on_from(self, reached: Reached) -> None:
        """Take up where another run came to."""

        def part(name: str) -> dict[str, Tensor]:
            return {n.removeprefix(f"{name}/"): t for n, t in reached.tensors.items() if n.startswith(f"{name}/")}

        numbers, groups = reached.numbers, self._optimizer.state_dict()["param_groups"]
        self.epoch, self.learned, self.idle = numbers["epoch"], numbers["learned"], numbers["idle"]
        self.best, self.kept = numbers["best"], part("kept")
        self._began = time.perf_counter() - numbers["spent_s"]
        self._model.load_state_dict(part("model"))
        self._averaging.load_state_dict(part("average"))
        groups[0]["lr"] = numbers["learning_rate"]
        states = {i: part(f"optimizer.{i}") for i in groups[0]["params"]}
        self._optimizer.load_state_dict({"state": {i: s for i, s in states.items() if s}, "param_groups": groups})
        self._before_order = reached.tensors["random_before_order"]
        torch.set_rng_state(reached.tensors["random"])


def _nearer(decay: float) -> Callable[..., None]:
    """The moving average; at first it forgets faster, as it has seen little."""

    def nearer(average: list[Tensor], current: list[Tensor], updates: Tensor) -> None:
        n = int(updates)
        torch._foreach_lerp_(average, current, 1 - min(decay, n / (n + 10)))

    return nearer
