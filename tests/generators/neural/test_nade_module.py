"""The network as torch trains it, and the same as it is drawn from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generators.discrete.autoregressive import Walk
from generators.discrete.cells import Cells, Codes, cells_of
from generators.neural.any_order import loss_alone
from generators.neural.nade_module import NadeModule, fit_network
from schemas.profile import profile_table
from tests.generators.tables import ignore, orders

SETTINGS = {"width": 16, "forgotten": 0.1, "bf16": False, "max_seconds": 60.0, "max_epochs": 4}


@pytest.fixture(scope="module")
def coded() -> tuple[Cells, Codes]:
    table, schema = orders()
    profile = profile_table(table, schema)
    cells = cells_of(schema, profile, 40)
    return cells, cells.codes(table, schema, profile)


@pytest.mark.parametrize("given", [[], [4], [1, 5]])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_drawn_from_is_what_was_trained(coded: tuple[Cells, Codes], backwards: bool, given: list[int]) -> None:
    cells, codes = coded
    codes = codes[:300].copy()
    codes[3, 1] = -1
    torch.manual_seed(0)
    module = NadeModule(cells, 16, 0.1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    module.eval()
    order = list(range(codes.shape[1]))[:: -1 if backwards else 1]
    rows = torch.from_numpy(codes).long()
    known = torch.zeros(rows.shape, dtype=torch.bool)
    known[:, given] = True
    with torch.inference_mode():
        losses = dict(zip(order, module.losses(rows, order, known).tolist(), strict=True))
    rest = [j for j in order if j not in given]
    found = Walk(module.network(), cells.first).log_chances(codes, np.array([*given, *rest]))
    assert [losses[j] for j in rest] == pytest.approx((-found.mean(axis=0)[rest]).tolist(), abs=1e-4)


def test_training_lowers_the_loss_below_that_of_independent_columns(coded: tuple[Cells, Codes]) -> None:
    cells, codes = coded
    order = np.arange(codes.shape[1])
    network, _ = fit_network(codes, cells, order, SETTINGS, 0, ignore)
    known = -Walk(network, cells.first).log_chances(codes, order).sum(axis=1).mean()
    counts = [np.bincount(column[column >= 0]) / len(column) for column in codes.T]
    alone = -sum((share[share > 0] * np.log(share[share > 0])).sum() for share in counts)
    assert known < alone - 0.3
    assert loss_alone(codes, cells) == pytest.approx(alone, abs=0.1)


def test_the_same_seed_gives_the_same_network_and_leaves_others_numbers_alone(coded: tuple[Cells, Codes]) -> None:
    cells, codes = coded
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (
        fit_network(codes, cells, np.arange(codes.shape[1]), SETTINGS | {"max_epochs": 1}, seed, ignore)[0].weights()
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(3), expected)
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)
