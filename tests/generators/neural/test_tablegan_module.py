"""Images are as large as they must be, dense layers are the convolutions, and each network learns by its own part."""

from __future__ import annotations

import pytest
import torch

from generators.neural.tablegan_module import TableganModule, side_of


def made(count: int, target: int | None = 0) -> TableganModule:
    torch.manual_seed(0)
    rows = 2 * torch.rand(300, count) - 1
    return TableganModule(rows, target, 8, 5)


@pytest.mark.parametrize(("count", "side"), [(0, 4), (1, 4), (16, 4), (17, 8), (64, 8), (65, 16), (257, 32)])
def test_images_are_square(count: int, side: int) -> None:
    assert side_of(count) == side


@pytest.mark.parametrize("count", [3, 20])
def test_dense_layers_are_the_convolutions(count: int) -> None:
    model, n = made(count), 8_192
    network = model.network()
    normals = torch.randn(n, 5, generator=torch.Generator().manual_seed(0))  # those that normalisations were found by
    numbers, logits = network(normals.numpy(), count)
    with torch.no_grad():
        own = model.made(normals).flatten(1)[:, :count].numpy()
    assert numbers == pytest.approx(own, abs=1e-3)
    assert logits.shape == (n, count)
    assert not logits.any()


@pytest.mark.parametrize("target", [None, 2])
def test_all_networks_learn(target: int | None) -> None:
    model = made(5, target)
    model.losses(60).backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
    assert (model.classifier is None) == (target is None)


def test_the_discriminator_does_not_learn_from_what_the_generator_loses() -> None:
    model = made(5, None)
    before = {name: p.detach().clone() for name, p in model.discriminator.named_parameters()}
    with torch.no_grad():
        for parameter in model.discriminator.parameters():
            parameter.zero_()
    model.losses(60).backward()  # type: ignore[no-untyped-call]
    # a discriminator that says nothing of anything is pulled both ways alike: real and made in halves
    last = model.discriminator.last.bias
    assert last.grad is not None
    assert float(last.grad) == pytest.approx(0.0, abs=1e-6)
    assert before


def test_rows_at_random_are_off() -> None:
    model = made(5)
    assert 0 <= float(model.off(model.rows)) < 1
