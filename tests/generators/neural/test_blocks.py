"""What concerns all variables at once is what torch says of each alone."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from generators.encoded.layout import Layout, layout_of
from generators.neural.blocks import Blocks
from schemas.profile import profile_table
from tests.generators.tables import orders

N = 40


def made() -> tuple[Layout, Blocks, Tensor, Tensor]:
    """Blocks, logits, and the states they should be in."""
    table, schema = orders(300)
    layout = layout_of(schema, profile_table(table, schema))
    torch.manual_seed(1)
    codes = torch.stack([torch.randint(size, (N,)) for size in layout.sizes], 1)
    blocks = Blocks(layout)
    return layout, blocks, 5 * torch.randn(N, layout.states), blocks.places(codes.float())


def test_losses_are_the_cross_entropies() -> None:
    layout, blocks, logits, places = made()
    found = blocks.losses(logits, places)
    for j, part in enumerate(torch.split(logits, layout.sizes, 1)):
        expected = F.cross_entropy(part, places[:, j] - int(layout.first[j]), reduction="none")
        assert found[:, j].tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_one_stands_where_each_variable_is() -> None:
    layout, blocks, _, places = made()
    found = blocks.one_hot(places)
    assert found.sum(1).tolist() == [layout.count] * N
    assert bool((found.gather(1, places) == 1).all())


def test_soft_draws_are_shares_and_as_frequent_as_their_chances() -> None:
    layout, blocks, logits, _ = made()
    drawn = blocks.softened(1_000 * logits, 0.2)
    for part in torch.split(drawn, layout.sizes, 1):
        assert part.sum(1).tolist() == pytest.approx([1.0] * N, abs=1e-5)
    many = blocks.softened(logits[:1].expand(20_000, -1), 0.2)
    for part, of in zip(torch.split(many, layout.sizes, 1), torch.split(logits[0], layout.sizes), strict=True):
        hard = F.one_hot(part.argmax(1), part.shape[1]).float().mean(0)
        assert hard.tolist() == pytest.approx(of.softmax(0).tolist(), abs=0.02)


def test_soft_draws_have_gradients() -> None:
    _, blocks, logits, _ = made()
    logits = (logits / 10).requires_grad_()
    blocks.softened(logits, 0.5).square().sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())
    assert float(logits.grad.abs().sum()) > 0
