"""The decoder as torch trains it, and the same as it is drawn from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generators.discrete.cells import Cells, Codes, cells_of
from generators.neural.decoder_module import DecoderModule, fit_decoder
from schemas.profile import profile_table
from tests.generators.tables import ignore, orders

SETTINGS = {"width": 16, "layers": 1, "forgotten": 0.1, "bf16": False, "max_seconds": 60.0, "max_epochs": 4}


@pytest.fixture(scope="module")
def coded() -> tuple[Cells, Codes]:
    table, schema = orders()
    profile = profile_table(table, schema)
    cells = cells_of(schema, profile, 40)
    return cells, cells.codes(table, schema, profile)


def shaken(cells: Cells, layers: int = 2) -> DecoderModule:
    """With weights as far from the first ones as training may bring them."""
    torch.manual_seed(layers)
    module = DecoderModule(cells, 32, layers, 0.1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return module.eval()


@pytest.mark.parametrize("given", [[], [4], [1, 5]])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_drawn_from_is_what_was_trained(coded: tuple[Cells, Codes], backwards: bool, given: list[int]) -> None:
    cells, codes = coded
    codes = codes[:300].copy()
    codes[3, 1] = -1
    module = shaken(cells)
    order = list(range(codes.shape[1]))[:: -1 if backwards else 1]
    rows = torch.from_numpy(codes).long()
    known = torch.zeros(rows.shape, dtype=torch.bool)
    known[:, given] = True
    with torch.inference_mode():
        losses = dict(zip(order, module.losses(rows, order, known).tolist(), strict=True))
    turns = [j for j in order if j in given] + [j for j in order if j not in given]
    found = module.network().walk(cells.first).log_chances(codes, np.array(turns))
    assert [losses[j] for j in turns] == pytest.approx((-found.mean(axis=0)[turns]).tolist(), abs=1e-4)


def test_a_network_taken_over_is_the_same_network_but_where_it_knows_nothing(coded: tuple[Cells, Codes]) -> None:
    cells, codes = coded
    before, after = shaken(cells).network(), shaken(cells, 2)
    order = np.arange(codes.shape[1])
    with torch.no_grad():
        for parameter in after.parameters():
            parameter.mul_(1.5)
    after.take_over(before)
    wanted, found = (n.walk(cells.first).log_chances(codes[:200], order) for n in (before, after.network()))
    assert found == pytest.approx(wanted, abs=1e-3)
    own = after.inputs().detach().numpy()[0].copy()
    partly = before.embeddings.copy()
    partly[0] = np.nan
    after.take_over(type(before)(**{**before.weights(), "embeddings": partly}))
    assert after.inputs().detach().numpy()[0] == pytest.approx(own, abs=1e-5)


def test_training_lowers_the_loss_below_that_of_independent_columns(coded: tuple[Cells, Codes]) -> None:
    cells, codes = coded
    order = np.arange(codes.shape[1])
    network, held_back = fit_decoder(codes, cells, order, SETTINGS, 0, ignore)
    known = -network.walk(cells.first).log_chances(codes, order).sum(axis=1).mean()
    counts = [np.bincount(column[column >= 0]) / len(column) for column in codes.T]
    alone = -sum((share[share > 0] * np.log(share[share > 0])).sum() for share in counts)
    assert known < alone - 0.3
    assert len(held_back) == round(0.15 * len(codes))


def test_the_same_seed_gives_the_same_network_and_leaves_others_numbers_alone(coded: tuple[Cells, Codes]) -> None:
    cells, codes = coded
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (
        fit_decoder(codes[:900], cells, np.arange(codes.shape[1]), SETTINGS | {"max_epochs": 1}, seed, ignore)[0]
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(3), expected)
    assert all((array == again.weights()[name]).all() for name, array in first.weights().items())
    assert any((array != other.weights()[name]).any() for name, array in first.weights().items())
