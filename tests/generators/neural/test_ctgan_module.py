"""The critic's penalty is autograd's, conditions are met by real rows, and what is drawn by is the generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from generators.encoded.encoding import encoded
from generators.encoded.layout import Layout, layout_of
from generators.encoded.modes import modes_of
from generators.neural import ctgan_module
from generators.neural.ctgan_module import Conditions, CtganModule
from schemas.profile import profile_table
from schemas.rows import Rows
from schemas.table import TableSchema
from tests.generators.tables import orders

PACKED = 5


def made() -> tuple[CtganModule, Tensor, Layout]:
    table, schema = orders(400)
    profile = profile_table(table, schema)
    modes = modes_of(schema, profile)
    layout = layout_of(schema, profile, modes)
    rows = torch.from_numpy(encoded(Rows.of(table), layout, schema, profile, 0, modes=modes))
    torch.manual_seed(0)
    return CtganModule(layout, Conditions(layout, rows), 16, 4, PACKED), rows, layout


def test_every_real_row_meets_its_condition_and_rare_ones_come_more_often() -> None:
    model, rows, layout = made()
    chosen, real = model.conditions.drawn(4_000)
    assert chosen is not None
    place, variable = model.conditions.place[chosen], model.conditions.variable[chosen]
    codes = real[:, layout.numbers :].gather(1, variable[:, None])[:, 0]
    assert (codes + torch.from_numpy(layout.first)[variable] == place).all()
    assert set(variable.unique(sorted=True).tolist()) == {3, 4, 7}  # type: ignore[no-untyped-call]
    share = torch.bincount(chosen, minlength=model.conditions.count) / 4_000
    rarest = int(model.conditions.counts.argmin())
    assert float(share[rarest]) > 1.2 * float(model.conditions.true[rarest])
    assert model.conditions.true.sum() == pytest.approx(1)
    assert len(rows) == 400


def test_the_penalty_is_what_autograd_says(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows, layout = made()
    monkeypatch.setattr(ctgan_module, "KEPT", 1.0)
    row, packs, c = layout.numbers + layout.states, 5, model.conditions.count
    numbers, states = (
        rows[: packs * PACKED, : layout.numbers],
        model.blocks.one_hot(model.blocks.places(rows[: packs * PACKED, layout.numbers :])),
    )
    at = torch.zeros(packs * PACKED, c)
    at[torch.arange(packs * PACKED), torch.arange(packs * PACKED) % c] = 1
    inputs = [part.reshape(packs, -1).clone().requires_grad_() for part in (numbers, states, at)]
    first = sum((x @ w for x, w in zip(inputs, model.of_input, strict=True)), torch.zeros(1)) + model.shift
    leaky = torch.nn.functional.leaky_relu
    says = model.last(leaky(model.middle(leaky(first, 0.2)), 0.2)).sum()
    slopes = torch.autograd.grad(says, inputs)
    expected = (torch.cat(slopes, 1).norm(dim=1) - 1).square().mean()
    found = model._penalty(first.detach(), first.detach())
    assert float(found.detach()) == pytest.approx(float(expected), rel=1e-4)
    assert row == states.shape[1] + numbers.shape[1]


def test_each_network_learns_by_its_own_part_of_the_loss() -> None:
    model, _, _ = made()
    model.losses(50).backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name


def test_what_is_drawn_by_is_the_generator_normalised_as_over_many_rows() -> None:
    model, _, layout = made()
    network, n = model.network(), 4_000
    u = np.random.Generator(np.random.PCG64(1)).random((n, network.width))
    inputs, condition = network.inputs(u)
    logits = network(inputs, layout.numbers)[1]
    with torch.no_grad():
        own = model.made(torch.from_numpy(inputs[:, :4].copy()), torch.from_numpy(condition))[:, layout.numbers :]
    assert np.abs(logits - own.numpy()).mean() < 0.05 * np.abs(own.numpy()).mean() + 0.02


def test_rows_made_at_random_are_off_and_a_table_without_categories_has_no_conditions() -> None:
    model, rows, layout = made()
    assert 0 < float(model.off(rows)) < 1
    table, schema = orders(300)
    alone = TableSchema("n", (schema["size"],))
    numbers_only = Conditions(layout_of(alone, profile_table(table.select(["size"]), alone)), torch.zeros(7, 2))
    assert numbers_only.count == 0
    chosen, real = numbers_only.drawn(5)
    assert chosen is None
    assert real.shape == (5, 2)
    assert layout.count == 8
