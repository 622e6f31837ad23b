"""The autoencoder's losses are torch's own, and what is drawn by is its decoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from generators.encoded.encoding import encoded
from generators.encoded.layout import Layout, layout_of
from generators.encoded.modes import modes_of
from generators.neural.tvae_module import TvaeModule, fit_tvae
from generators.start import Start
from schemas.profile import profile_table
from schemas.rows import Rows
from tests.generators.tables import ignore, orders

SETTINGS = {"width": 16, "latent": 4, "max_seconds": 60.0, "max_epochs": 3}


def made() -> tuple[TvaeModule, Tensor, Layout]:
    table, schema = orders(300)
    profile = profile_table(table, schema)
    modes = modes_of(schema, profile)
    layout = layout_of(schema, profile, modes)
    torch.manual_seed(0)
    rows = encoded(Rows.of(table), layout, schema, profile, 0, modes=modes)
    return TvaeModule(layout, 16, 4), torch.from_numpy(rows), layout


def test_a_number_that_is_missing_is_nothing_to_find_again() -> None:
    model, rows, layout = made()
    gone = rows[:, layout.numbers + 2] == int(layout.null[2])
    assert bool(gone.any())
    with torch.no_grad():
        for layer in model.encoder:
            if isinstance(layer, torch.nn.Linear):
                layer.weight.zero_()
    losses = []
    for value in (0.0, 0.9):
        rows[gone, 2] = value
        torch.manual_seed(1)
        losses.append(model.losses(rows).detach())
    assert losses[0][gone].tolist() == losses[1][gone].tolist()


def test_what_is_drawn_by_is_the_decoder() -> None:
    model, _, layout = made()
    network, normals = model.network(), torch.randn(20, 4)
    numbers, logits = network(normals.numpy(), layout.numbers)
    out = model.decoder(normals).detach()
    assert numbers == pytest.approx(out[:, : layout.numbers].tanh().numpy(), abs=1e-5)
    assert logits == pytest.approx(out[:, layout.numbers :].numpy(), abs=1e-5)
    assert network.deviation == pytest.approx(np.full(layout.numbers, 0.1), abs=1e-6)


def test_training_repeats_itself_and_loses_less() -> None:
    _, rows, layout = made()
    said: list[str] = []
    start = Start("tabular.tvae")
    first = fit_tvae(rows.numpy(), layout, SETTINGS, 0, start, lambda share, what: said.append(what))
    again = fit_tvae(rows.numpy(), layout, SETTINGS, 0, start, ignore)
    assert (first.weights()["network.0.weight"] == again.weights()["network.0.weight"]).all()
    losses = [float(what.split()[2]) for what in said]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
