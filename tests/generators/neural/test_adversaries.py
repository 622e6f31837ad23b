"""Games: opposite gradients in one step, a distance of tables, and training that repeats itself and goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from generators.neural.adversaries import Player, compared, play, reversed_gradient
from generators.start import Keep, Start


def test_a_gradient_is_reversed_and_the_numbers_are_not() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reversed_gradient(x)
    assert y.tolist() == [1, -2]
    (3 * y).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.tolist() == [-3, -3]


def off(real: list[Tensor], made: list[Tensor], ordered: list[bool]) -> float:
    one, other = compared(real, made, ordered)
    return float(one.off(other))


def test_the_same_table_is_nowhere_off_and_shuffled_columns_are() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2_000, generator=generator)
    c = (x > 0).float()
    assert off([x, c], [x, c], [True, False]) == 0
    assert off([x, c], [x[torch.randperm(2_000, generator=generator)], c], [True, False]) > 0.1


def test_a_number_counts_by_its_rank() -> None:
    x = torch.randn(500, generator=torch.Generator().manual_seed(2))
    assert off([x, (x > 0).float()], [x.exp() * 9 - 3, (x > 0).float()], [True, False]) == 0


def test_what_most_rows_hold_is_one_part_and_missing_numbers_are_one() -> None:
    x = torch.tensor([0.0] * 90 + [1.0, 2.0, 3.0, 4.0, 5.0] + [torch.inf] * 5)
    one, other = compared([x], [x.flip(0)], [True])
    assert float(one.off(other)) == 0
    assert len(set(one.places.flatten().tolist())) >= 2


def test_two_categories_half_off_by_hand() -> None:
    real, made = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 0.0, 0.0, 1.0])
    assert off([real], [made], [False]) == pytest.approx(0.25)  # one of four rows lies elsewhere


def test_no_variables_are_nowhere_off() -> None:
    assert off([], [], []) == 0


class Duel(Player):
    """A number that wants to be where a critic, a line, can not tell it from the rows."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows, self.at, self.line = rows, nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def losses(self, n: int) -> Tensor:
        real = self.rows[torch.randint(len(self.rows), (n,)), 0].mean()
        lost: Tensor = (self.line * (reversed_gradient(self.at) - real)).sum() + self.line.square().sum()
        return lost

    def off(self, rows: Tensor) -> Tensor:
        return (rows.mean() - self.at.detach()).abs().sum()


def played(epochs: int, start: Start | None = None) -> tuple[float, list[str]]:
    rows = np.full((3_000, 1), 0.05, np.float32) + np.random.Generator(np.random.PCG64(1)).normal(0, 0.01, (3_000, 1))
    said: list[str] = []
    asked = ({"max_seconds": 60.0, "max_epochs": epochs}, 0, Start("tabular.ctgan") if start is None else start)
    model = play(Duel, rows.astype(np.float32), asked, lambda share, what: said.append(what))
    return float(model.at.detach()), said


def test_the_generator_gets_where_the_rows_are_and_all_epochs_are_played() -> None:
    at, said = played(40)
    assert at == pytest.approx(0.05, abs=0.02)
    assert len(said) == 40
    assert said[-1].startswith("epoch 40: ")
    assert "of pairs misplaced" in said[-1]
    assert played(40)[0] == at


def test_a_game_goes_on_from_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.neural.checkpoints.MOST_OF_TIME", 1e9)
    whole, steps = played(6)[0], [0]

    class Stopped(Exception):
        pass

    def counted(model: Duel, n: int) -> Tensor:
        steps[0] += 1
        if steps[0] > 14:
            raise Stopped
        return losses(model, n)

    losses = Duel.losses
    keep = Start("tabular.ctgan", Keep(tmp_path, 0.0, resume=True))
    with monkeypatch.context() as patched:
        patched.setattr(Duel, "losses", counted)
        with pytest.raises(Stopped):
            played(6, keep)
    assert played(6, keep)[0] == whole
