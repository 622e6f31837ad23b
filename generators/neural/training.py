"""The loop that trains every torch model: averaged weights, early stopping on rows held back, the best kept.

A run that was interrupted goes on from its checkpoint as if nothing had happened: whatever is random comes from one
state of torch's, which is kept with the rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite, nan
from typing import Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from generators.neural.checkpoints import Keeper, Reached
from generators.neural.devices import is_out_of_memory, processes
from generators.task import Epoch, Progress
from schemas.errors import InputError

Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Model, Tensor], Tensor]
"""Works out a batch's loss a row, in nats: of the model, given rows of shape (n, d), on the model's device."""

CPU = torch.device("cpu")

MOST_HELD, JUDGED_AT_ONCE = 100_000, 16_384
"""So many rows held back tell enough, however many there are; they are judged so many at a time."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        batch_rows: rows a step.
        learning_rate: of AdamW, to begin with.
        weight_decay: of AdamW.
        average: the weights kept are an exponential moving average, with this decay a step.
        held_back: the share of rows that say when to stop, up to `MOST_HELD`.
        aside: which rows these are, as an earlier training left them; None to choose them.
        gain: what counts as a gain on these, in nats a row.
        slower: what the learning rate is multiplied by after an epoch without a gain.
        patience: so many epochs in a row without one end it.
        max_seconds: training ends after so long.
        max_epochs: training ends after so many.
        epoch_rows: an epoch ends after so many rows, if there are more.
        learned: the model has learned something already, which is kept unless there is a gain on it.
        device: what it is trained on.
        bf16: half the digits where that is enough (torch's autocast); judged in full ones.
        alone: the loss of columns that know nothing of each other, in nats a row, for who compares trainings.
        betas: of AdamW: how slowly it forgets gradients and their squares.
        unit: what rows held back are judged in.
        judged_at_once: how many of these at a time, at the most.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization"; Polyak and Juditsky 1992.
    """

    batch_rows: int
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    average: float = 0.99
    held_back: float = 0.1
    aside: npt.NDArray[np.int64] | None = None
    gain: float = 1e-3
    slower: float = 0.6
    patience: int = 5
    max_seconds: float = 3_600.0
    max_epochs: int = 1_000
    epoch_rows: int = 1_000_000
    learned: bool = False
    device: torch.device = CPU
    bf16: bool = False
    alone: float = nan
    betas: tuple[float, float] = (0.9, 0.999)
    unit: str = "nats a row"
    judged_at_once: int = JUDGED_AT_ONCE


@dataclass(frozen=True, eq=False)
class Trained:
    """What training came to.

    Args:
        loss: the best on the rows held back, in the plan's unit.
        held_back: which rows these are, shape (held back,).
        spent_s: seconds of training, those before an interruption among them.
    """

    loss: float
    held_back: npt.NDArray[np.int64]
    spent_s: float


def train(
    model: Model,
    rows: Tensor,
    loss: Loss[Model],
    judge: Loss[Model],
    plan: Plan,
    progress: Progress,
    keeper: Keeper | None = None,
) -> Trained:
    """Train a model in place; it is left at the averaged weights that were best.

    Args:
        model: what is trained.
        rows: the rows, shape (n, d).
        loss: what is made small.
        judge: what the rows held back are judged by.
        plan: how.
        progress: told how far it has come.
        keeper: keeps checkpoints, and has the one to go on from; None for none.

    Raises:
        InputError: the checkpoint is of another training; or no loss was a number.
        ServiceError: a checkpoint can not be written.

    Where memory does not suffice, batches are worked on in halves, or their halves, whose gradients add up to the same
    step. Processes that torchrun started take a part of each batch each (`devices.py`).
    """
    run = _Run(model, rows, loss, judge, plan)
    reached = None if keeper is None else keeper.read()
    if reached is not None:
        run.go_on_from(reached)
    while not run.is_over():
        run.learn(keeper)
        run.judge()
        if keeper is not None and (keeper.is_due() or run.is_over()):
            keeper.write(run.reached())
        known = 1 - 0.9 ** (run.epoch - 1) if plan.patience < plan.max_epochs else run.epoch / plan.max_epochs
        share = max(known, run.spent_s / max(plan.max_seconds, 1e-9))
        epoch = Epoch(run.epoch, run.found, run.best, run.spent_s, run.found - plan.alone, plan.unit)
        progress(min(share, 1.0), epoch)  # last, since it may end the training
    if not isfinite(run.best):
        raise InputError(
            "training lost itself, no epoch had a loss that is a number; train anew with another --seed, or a smaller "
            "--set width"
        )
    model.load_state_dict(run.kept)
    model.to("cpu").eval()
    return Trained(run.best, run.held_back, run.spent_s)


class _Run(Generic[Model]):
    """A training under way: everything that changes, so everything a checkpoint has to hold.

    Args: see `train`.
    """

    def __init__(self, model: Model, rows: Tensor, loss: Loss[Model], judge: Loss[Model], plan: Plan) -> None:
        self._began, self._late = time.perf_counter(), False
        self._processes, self._at_once, self._judged_at_once = processes(), plan.batch_rows, plan.judged_at_once
        model.to(plan.device)
        order = self._processes.same(torch.randperm(len(rows)))
        if plan.aside is None:
            held = order[: min(max(1, round(plan.held_back * len(rows))), MOST_HELD)]
        else:
            held = torch.from_numpy(plan.aside)
        self.held_back: npt.NDArray[np.int64] = held.cpu().numpy()
        self._rows, self._judged = rows, rows[held]
        self._learned = order[torch.isin(order, held.to(order.device), invert=True)]
        self._model, self._loss, self._judge, self._plan = model, loss, judge, plan
        self._averaging = AveragedModel(model, multi_avg_fn=_nearer(plan.average))
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, betas=plan.betas, fused=True
        )
        self._before_order = torch.get_rng_state()
        self.epoch, self.learned, self.idle = 0, 0, 0
        self.best, self.found, self.kept = float("inf"), float("inf"), deepcopy(model.state_dict())
        if plan.learned:
            self.best = self._found()
        self._processes.begin_alike(model)

    @property
    def spent_s(self) -> float:
        """Seconds of training, those before an interruption among them."""
        return time.perf_counter() - self._began

    def is_over(self) -> bool:
        """Whether to stop, asked between epochs."""
        plan = self._plan
        enough = self.idle >= plan.patience or self.epoch >= plan.max_epochs or self._late
        return self.epoch > 0 and self.learned % plan.epoch_rows == 0 and enough

    def learn(self, keeper: Keeper | None) -> None:
        """Go over the rows of an epoch, or over what is left of them, keeping checkpoints on the way."""
        self._model.train()
        order = self._learned[self._processes.same(self._order())]
        end = min(len(order), (self.learned // self._plan.epoch_rows + 1) * self._plan.epoch_rows)
        while self.learned < end:
            at = order[self.learned : min(self.learned + self._plan.batch_rows, end)]
            self._find_gradients(at)
            late = self.spent_s > self._plan.max_seconds
            self._late = self._processes.add_up(list(self._model.parameters()), late)
            self._optimizer.step()
            self._averaging.update_parameters(self._model)
            self.learned += len(at)
            if self._late:
                break
            if keeper is not None and self.learned < end and keeper.is_due():
                keeper.write(self.reached())

    def _find_gradients(self, batch: Tensor) -> None:
        """Work out the gradients of this process's part of a batch, in as large pieces as memory has room for."""
        mine = self._processes.part(batch)
        while True:
            self._optimizer.zero_grad(set_to_none=True)
            try:
                for at in torch.split(mine, self._at_once) if len(mine) else ():
                    with torch.autocast(self._plan.device.type, torch.bfloat16, self._plan.bf16):
                        loss = self._loss(self._model, self._rows[at].to(self._plan.device))
                    torch.autograd.backward(loss if len(at) == len(batch) else loss * (len(at) / len(batch)))
            except RuntimeError as error:
                self._at_once = self._halved(min(self._at_once, len(mine)), error)
            else:
                return

    def _halved(self, rows: int, error: RuntimeError) -> int:
        """Half as many rows at once, after an error that says there is no room for so many."""
        if not is_out_of_memory(error):
            raise error
        if rows == 1:
            raise InputError(
                "out of memory with a single row at once; train a smaller model, such as --set width=32, or on "
                "--device cpu"
            ) from error
        logging.getLogger(__name__).warning("out of memory: %d rows at once from here on, not %d", rows // 2, rows)
        return rows // 2

    def _order(self) -> Tensor:
        """The order in which all rows are gone over; if some are behind us, numbers drawn since stay as they are."""
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
        found = self.found = self._found()
        late = torch.tensor(float(self.spent_s > self._plan.max_seconds), device=self._plan.device)
        self._late = self._late or bool(self._processes.same(late))
        self.epoch += 1
        if self._late or self.learned >= len(self._learned):
            self.learned = 0
        if found < self.best - self._plan.gain:
            self.best, self.idle, self.kept = found, 0, deepcopy(self._averaging.module.state_dict())
            return
        self.idle += 1
        for group in self._optimizer.param_groups:
            group["lr"] *= self._plan.slower

    def _found(self) -> float:
        """The averaged weights' loss on the rows held back."""
        average, total = cast(Model, self._averaging.module), None
        average.eval()
        while total is None:
            try:
                with torch.inference_mode():
                    parts = torch.split(self._judged, self._judged_at_once)
                    losses = [float(self._judge(average, part.to(self._plan.device))) for part in parts]
                    total = float(np.average(losses, weights=[len(part) for part in parts])) if parts[1:] else losses[0]
            except RuntimeError as error:
                self._judged_at_once = self._halved(min(self._judged_at_once, len(self._judged)), error)
        return float(self._processes.same(torch.tensor(total, dtype=torch.float64, device=self._plan.device)))

    def reached(self) -> Reached:
        """How far it has come."""
        tensors = {"random": torch.get_rng_state(), "random_before_order": self._before_order}
        if self._plan.device.type == "cuda":
            tensors["random_cuda"] = torch.cuda.get_rng_state(self._plan.device)
        parts = {"model": self._model.state_dict(), "average": self._averaging.state_dict(), "kept": self.kept}
        for i, state in self._optimizer.state_dict()["state"].items():
            parts[f"optimizer.{i}"] = state
        tensors |= {f"{part}/{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
        numbers = {"epoch": self.epoch, "learned": self.learned, "idle": self.idle, "best": self.best}
        numbers |= {"at_once": self._at_once, "judged_at_once": self._judged_at_once}
        numbers |= {"learning_rate": self._optimizer.param_groups[0]["lr"], "spent_s": self.spent_s}
        return Reached(tensors, numbers)

    def go_on_from(self, reached: Reached) -> None:
        """Take up where another run came to."""

        def part(name: str) -> dict[str, Tensor]:
            return {n.removeprefix(f"{name}/"): t for n, t in reached.tensors.items() if n.startswith(f"{name}/")}

        numbers, groups = reached.numbers, self._optimizer.state_dict()["param_groups"]
        self.epoch, self.learned, self.idle = numbers["epoch"], numbers["learned"], numbers["idle"]
        self.best, self.kept = numbers["best"], part("kept")
        self._at_once, self._judged_at_once = numbers["at_once"], numbers["judged_at_once"]
        self._began = time.perf_counter() - numbers["spent_s"]
        self._late = self.spent_s > self._plan.max_seconds
        self._model.load_state_dict(part("model"))
        self._averaging.load_state_dict(part("average"))
        groups[0]["lr"] = numbers["learning_rate"]
        states = {i: part(f"optimizer.{i}") for i in groups[0]["params"]}
        self._optimizer.load_state_dict({"state": {i: s for i, s in states.items() if s}, "param_groups": groups})
        self._before_order = reached.tensors["random_before_order"]
        torch.set_rng_state(reached.tensors["random"])
        if self._plan.device.type == "cuda":
            torch.cuda.set_rng_state(reached.tensors["random_cuda"], self._plan.device)


def _nearer(decay: float) -> Callable[..., None]:
    """The moving average; at first it forgets faster, as it has seen little."""

    def nearer(average: list[Tensor], current: list[Tensor], updates: Tensor) -> None:
        n = int(updates)
        torch._foreach_lerp_(average, current, 1 - min(decay, n / (n + 10)))

    return nearer
