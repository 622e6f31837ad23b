"""The training loop: it stops when rows held back say so, keeps the best, and repeats itself."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from generators.neural.checkpoints import Keeper
from generators.neural.training import Plan, train
from generators.start import Keep
from generators.task import Epoch
from schemas.errors import InputError

PLAN = Plan(64, learning_rate=0.05, max_epochs=40)


def line(rows: int = 600) -> Tensor:
    """Rows whose second number is three times the first, give or take."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 1, generator=generator)
    return torch.cat([x, 3 * x + 0.1 * torch.randn(rows, 1, generator=generator)], 1)


def squared(model: nn.Linear, rows: Tensor) -> Tensor:
    return nn.functional.mse_loss(model(rows[:, :1]), rows[:, 1:])


def trained(plan: Plan = PLAN, seed: int = 0, said: list[tuple[float, str]] | None = None) -> tuple[nn.Linear, float]:
    torch.manual_seed(seed)
    model = nn.Linear(1, 1)
    told = [] if said is None else said
    return model, train(model, line(), squared, squared, plan, lambda share, what: told.append((share, what))).loss


def test_it_learns_and_says_how_well() -> None:
    said: list[tuple[float, str]] = []
    model, best = trained(said=said)
    assert float(model.weight.detach()) == pytest.approx(3.0, abs=0.05)
    assert best == pytest.approx(0.01, abs=0.005)
    assert [share for share, _ in said] == sorted(share for share, _ in said)
    assert said[0][1].startswith("epoch 1: ")
    assert not model.training


def test_the_same_seed_gives_the_same_weights() -> None:
    first, again, other = (trained(seed=seed)[0].weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_weights_that_were_best_on_the_rows_held_back_are_kept() -> None:
    judged: list[tuple[float, Tensor]] = []

    def worse_and_worse(model: nn.Linear, rows: Tensor) -> Tensor:
        judged.append((float(len(judged)), model.weight.detach().clone()))
        return torch.tensor(judged[-1][0])

    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    assert train(model, line(), squared, worse_and_worse, PLAN, lambda share, what: None).loss == 0.0
    assert len(judged) == 1 + PLAN.patience
    assert torch.equal(model.weight, judged[0][1])


def test_a_training_whose_loss_is_never_a_number_is_refused_and_first_weights_pass_for_nothing() -> None:
    def lost(model: nn.Linear, rows: Tensor) -> Tensor:
        return squared(model, rows) * float("nan")

    with pytest.raises(InputError, match="no epoch had a loss that is a number"):
        train(nn.Linear(1, 1), line(), lost, lost, PLAN, lambda share, what: None)


def test_rows_set_aside_before_are_held_back_again_and_not_learned_from() -> None:
    rows = line(60)
    learned: list[Tensor] = []

    def watched(model: nn.Linear, batch: Tensor) -> Tensor:
        learned.append(batch)
        return squared(model, batch)

    plan = replace(PLAN, aside=np.array([3, 50]), max_epochs=1)
    found = train(nn.Linear(1, 1), rows, watched, squared, plan, lambda share, what: None)
    assert found.held_back.tolist() == [3, 50]
    seen = {row for batch in learned for row in batch[:, 0].tolist()}
    assert seen == set(rows[:, 0].tolist()) - set(rows[[3, 50], 0].tolist())


def test_the_learning_rate_falls_while_nothing_is_gained() -> None:
    steps: list[float] = []

    class Watched(torch.optim.AdamW):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            steps.append(self.param_groups[0]["lr"])
            super().step(closure)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch.optim, "AdamW", Watched)
        torch.manual_seed(0)
        train(nn.Linear(1, 1), line(), squared, lambda *_: torch.tensor(1.0), PLAN, lambda *_: None)
    assert sorted(set(steps), reverse=True) == pytest.approx([0.05 * 0.6**n for n in range(PLAN.patience)])


def test_it_ends_after_so_many_epochs_or_so_long() -> None:
    said: list[tuple[float, str]] = []
    trained(Plan(64, max_epochs=3), said=said)
    assert [what.split(":")[0] for _, what in said] == ["epoch 1", "epoch 2", "epoch 3"]
    said.clear()
    _, best = trained(Plan(64, max_seconds=0.0), said=said)
    assert len(said) <= 1
    assert best < float("inf")


def test_every_epoch_is_told_with_its_numbers_the_last_among_them_and_who_is_told_may_end_it() -> None:
    told: list[str] = []
    plan = Plan(64, learning_rate=0.05, max_epochs=40, patience=2, alone=10.0)
    torch.manual_seed(0)
    best = train(nn.Linear(1, 1), line(), squared, squared, plan, lambda share, what: told.append(what)).loss
    epochs = [what for what in told if isinstance(what, Epoch)]
    assert [each.number for each in epochs] == list(range(1, len(told) + 1))
    assert [each.apart + 10 for each in epochs] == pytest.approx([each.loss for each in epochs])
    assert epochs[-1].best == best
    assert len(epochs) < 40  # it ended by itself, and that epoch is told too
    assert all(each.best <= best for each, best in zip(epochs[1:], [e.best for e in epochs], strict=False))

    def enough(share: float, what: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(nn.Linear(1, 1), line(), squared, squared, plan, enough)


def test_many_rows_are_gone_over_in_several_epochs_each_once() -> None:
    seen: list[Tensor] = []

    def watched(model: nn.Linear, rows: Tensor) -> Tensor:
        seen.append(rows[:, 0].clone())
        return squared(model, rows)

    said: list[str] = []
    torch.manual_seed(0)
    plan = Plan(64, max_epochs=6, epoch_rows=200)
    train(nn.Linear(1, 1), line(), watched, squared, plan, lambda share, what: said.append(what.split(":")[0]))
    assert said == [f"epoch {n}" for n in range(1, 7)]
    assert [len(batch) for batch in seen] == [*[64, 64, 64, 8] * 2, 64, 64, 12] * 2  # of 600, 60 are held back
    first, again = torch.cat(seen).view(2, 540)
    assert torch.equal(first.sort().values, again.sort().values)
    assert len(first.unique()) == 540
    assert not torch.equal(first, again)


@pytest.mark.parametrize("rows", [2, 3, 70])
def test_few_rows_are_enough(rows: int) -> None:
    torch.manual_seed(0)
    found = train(nn.Linear(1, 1), line(rows), squared, squared, Plan(64, max_epochs=2), lambda *_: None)
    assert found.loss < float("inf")
    assert len(found.held_back) == max(1, rows // 10)


class Killed(Exception):
    """Training ends here."""


def noisy(rows: Tensor) -> Tensor:
    """So that random numbers are drawn in training too."""
    return rows + 0.01 * torch.randn_like(rows)


def interrupted(folder: Path, after: int | None, every_s: float = 0.0, resume: bool = True) -> Tensor:
    """Weights of a training with checkpoints that is interrupted at a step, counted from where it begins."""
    steps: list[None] = []

    def loss(model: nn.Linear, rows: Tensor) -> Tensor:
        steps.append(None)
        if after is not None and len(steps) > after:
            raise Killed
        return squared(model, noisy(rows))

    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    plan = Plan(64, learning_rate=0.05, max_epochs=6, patience=2)
    train(model, line(), loss, squared, plan, lambda *_: None, Keeper(Keep(folder, every_s, resume), {}))
    return model.weight.detach()


@pytest.mark.parametrize("after", [1, 4, 8, 9, 10, 20])  # nine steps an epoch
def test_a_run_that_was_interrupted_goes_on_as_if_nothing_had_happened(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generators.neural.checkpoints.MOST_OF_TIME", 1e9)
    whole = interrupted(tmp_path / "whole", None)
    for _ in range(2):
        with pytest.raises(Killed):
            interrupted(tmp_path / "parts", after)
    assert torch.equal(interrupted(tmp_path / "parts", None), whole)


def test_a_run_that_ended_is_not_trained_on(tmp_path: Path) -> None:
    whole = interrupted(tmp_path, None, every_s=1e9)
    assert torch.equal(interrupted(tmp_path, 0), whole)


def test_checkpoints_hold_weights_and_counts_and_no_row(tmp_path: Path) -> None:
    interrupted(tmp_path, None)
    with safe_open(tmp_path / "checkpoint.safetensors", "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    state = torch.get_rng_state().shape
    assert shapes.pop("random") == shapes.pop("random_before_order") == tuple(state)
    assert {name.split("/")[0] for name in shapes} == {"model", "average", "kept", "optimizer.0", "optimizer.1"}
    assert set(shapes.values()) == {(1, 1), (1,), ()}


def test_seconds_before_an_interruption_count(tmp_path: Path) -> None:
    keeper = Keeper(Keep(tmp_path, 0.0, resume=True), {})
    train(nn.Linear(1, 1), line(), squared, squared, Plan(64, max_epochs=1), lambda *_: None, keeper)
    reached = keeper.read()
    assert reached is not None
    keeper.write(type(reached)(reached.tensors, {**reached.numbers, "spent_s": 1_000.0}))
    said: list[str] = []
    plan = Plan(64, max_epochs=9, max_seconds=999.0)
    train(nn.Linear(1, 1), line(), squared, squared, plan, lambda share, what: said.append(what), keeper)
    assert said == []


def short_of_memory(room: int) -> tuple[Tensor, list[int]]:
    """Weights of a training on a device with room for so many rows, and how many it was given at once, each time."""
    given: list[int] = []

    def loss(model: nn.Linear, rows: Tensor) -> Tensor:
        given.append(len(rows))
        if len(rows) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return squared(model, rows)

    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    train(model, line(), loss, loss, Plan(64, learning_rate=0.05, max_epochs=3), lambda *_: None)
    return model.weight.detach(), given


def test_where_memory_is_short_batches_are_halved_and_the_steps_stay_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        halved, given = short_of_memory(20)
    assert given[:4] == [64, 32, 16, 16]
    assert caplog.messages[:2] == [
        "out of memory: 32 rows at once from here on, not 64",
        "out of memory: 16 rows at once from here on, not 32",
    ]
    assert "out of memory: 15 rows at once from here on, not 30" in caplog.messages[2:]  # sixty are held back
    assert sum(rows > 20 for rows in given) == 4
    assert halved == pytest.approx(short_of_memory(1_000)[0], rel=1e-4)


def test_no_room_for_a_single_row_and_other_failures_are_said() -> None:
    with pytest.raises(InputError, match="out of memory with a single row at once; train a smaller model"):
        short_of_memory(0)

    def broken(model: nn.Linear, rows: Tensor) -> Tensor:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(nn.Linear(1, 1), line(), broken, squared, PLAN, lambda *_: None)


def test_rows_held_back_are_judged_in_parts_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained()[1]
    monkeypatch.setattr("generators.neural.training.JUDGED_AT_ONCE", 7)
    assert trained()[1] == pytest.approx(whole, rel=1e-5)


def test_no_more_rows_are_held_back_than_tell_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def judge(model: nn.Linear, rows: Tensor) -> Tensor:
        held.append(len(rows))
        return squared(model, rows)

    for most in (1_000, 25):
        monkeypatch.setattr("generators.neural.training.MOST_HELD", most)
        train(nn.Linear(1, 1), line(), squared, judge, Plan(64, max_epochs=1), lambda *_: None)
    assert held == [60, 25]


def test_half_the_digits_learn_too() -> None:
    model = trained(Plan(64, learning_rate=0.05, max_epochs=40, bf16=True))[0]
    assert model.weight.dtype is torch.float32
    assert float(model.weight.detach()) == pytest.approx(3.0, abs=0.1)
    assert not torch.equal(model.weight, trained()[0].weight)
