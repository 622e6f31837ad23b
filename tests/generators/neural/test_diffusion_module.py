"""The denoiser as torch trains it, and the same as it is drawn with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from generators.diffusion.cutting import cut
from generators.diffusion.denoiser import TOLD, WAVES, Denoiser, times_of
from generators.diffusion.drawing import Reverse
from generators.encoded.encoding import encoded
from generators.encoded.layout import Layout, layout_of
from generators.neural.diffusion_module import DenoiserModule, fit_denoiser, losses
from generators.start import Keep, Start
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import profile_table
from schemas.rows import Rows
from tests.generators.tables import orders

SETTINGS = {"width": 16, "states": 6, "steps": 4, "learning_rate": 3e-3, "max_seconds": 60.0, "max_epochs": 3}

Values = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def coded() -> tuple[Layout, Values]:
    table, schema = orders(800)
    profile = profile_table(table, schema)
    layout = cut(layout_of(schema, profile), 6)
    return layout, encoded(Rows.of(table), layout, schema, profile, 0)


@pytest.fixture(scope="module")
def module(coded: tuple[Layout, Values]) -> DenoiserModule:
    torch.manual_seed(0)
    made = DenoiserModule(coded[0], 16)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made.eval()


def by_hand(denoiser: Denoiser, state: Values, numbers: Values, step: int) -> tuple[Values, Values]:
    """Logits and velocities as `Denoiser` says they are worked out."""

    def normal(x: Values) -> Values:
        return np.asarray((x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5))

    at = numbers[:, :, None] * np.array(WAVES, np.float32)
    about = np.concatenate([numbers[:, :, None], np.sin(at), np.cos(at)], 2).reshape(len(numbers), -1)
    x = state + denoiser.starts[step] + about @ denoiser.numbers
    for layer, shift in zip(denoiser.layers, denoiser.shifts[step], strict=True):
        y = normal(x) @ layer + shift
        x = x + y * np.clip(y / 6 + 0.5, 0, 1)
    last = normal(x)
    return last @ denoiser.outputs.T + denoiser.biases, last @ denoiser.velocities + denoiser.speeds


@pytest.mark.parametrize("step", [0, 3])
def test_the_arrays_say_what_the_module_says(coded: tuple[Layout, Values], module: DenoiserModule, step: int) -> None:
    layout, values = coded
    rows = values[:50]
    numbers, codes = rows[:, : layout.numbers], rows[:, layout.numbers :].astype(np.int64)
    told = np.random.Generator(np.random.PCG64(1)).random(codes.shape) < 0.5
    denoiser = module.denoiser(4)
    assert denoiser.numbers.shape == (layout.numbers * TOLD, 16)
    times = torch.full((50,), float(times_of(4)[step]))
    with torch.no_grad():
        expected = module(torch.from_numpy(codes), torch.from_numpy(told).float(), torch.from_numpy(numbers), times)
    state = (denoiser.embeddings[codes + layout.first[:-1]] * told[:, :, None]).sum(1)
    for found, wanted in zip(by_hand(denoiser, state, numbers, step), expected, strict=True):
        assert found == pytest.approx(wanted.numpy(), abs=1e-3)


def test_what_is_drawn_in_one_step_is_what_the_module_says(
    coded: tuple[Layout, Values], module: DenoiserModule
) -> None:
    """All is hidden, and numbers are noise: so each number is its velocity, turned around."""
    layout, _ = coded
    denoiser = module.denoiser(1)
    reverse = Reverse(denoiser, layout.first)
    u = np.random.Generator(np.random.PCG64(1)).random((40, reverse.width))
    drawn = reverse.draw(u)
    noise = torch.special.ndtri(torch.from_numpy(u[:, 2 * layout.count :])).float()
    nothing = torch.zeros(40, layout.count)
    with torch.no_grad():
        logits, velocities = module(nothing.long(), nothing, noise, torch.ones(40))
    assert drawn.numbers == pytest.approx(-velocities.clamp(-5, 5).numpy(), abs=1e-3)
    chances = [part.softmax(1).mean(0).numpy() for part in torch.split(logits, layout.sizes, 1)]
    assert reverse.shares(u) == pytest.approx(np.concatenate(chances), abs=1e-4)


def test_the_nats_of_states_are_their_cross_entropies(coded: tuple[Layout, Values], module: DenoiserModule) -> None:
    layout, values = coded
    codes = torch.from_numpy(values[:20, layout.numbers :]).long()
    logits = torch.randn(20, layout.states) * 3
    parts = torch.split(logits, layout.sizes, 1)
    for j, part in enumerate(parts):
        expected = torch.nn.functional.cross_entropy(part, codes[:, j], reduction="none")
        assert module.nats(logits, codes)[:, j].numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_before_training_the_loss_is_the_entropy_of_the_marginals_and_the_spread_of_velocities(
    coded: tuple[Layout, Values],
) -> None:
    layout, values = coded
    torch.manual_seed(0)
    found = float(losses(DenoiserModule(layout, 16), torch.from_numpy(values).repeat(5, 1)).detach())
    share = layout.share[layout.share > 0]
    assert found == pytest.approx(-(share * np.log(share)).sum() + layout.numbers, rel=0.03)


def task() -> Task:
    table, schema = orders(800)
    return Task.of(table, schema, SETTINGS)


def test_training_is_the_same_again_and_goes_on_from_a_checkpoint(coded: tuple[Layout, Values], tmp_path: Path) -> None:
    layout, values = coded
    whole = fit_denoiser(values, layout, task(), Start("tabular.diffusion"))
    keep = Keep(tmp_path / "kept", every_s=0.0)

    def stop(share: float, what: str) -> None:
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_denoiser(values, layout, replace(task(), progress=stop), Start("tabular.diffusion", keep))
    again = Start("tabular.diffusion", Keep(tmp_path / "kept", every_s=0.0, resume=True))
    resumed = fit_denoiser(values, layout, task(), again)
    for name, array in whole.weights().items():
        assert (resumed.weights()[name] == array).all()
    with pytest.raises(InputError, match="is of a training with other data"):
        fit_denoiser(values[:700], layout, task(), again)
