"""Generators of whole rows, whatever they learned: the profile's marginals, held columns, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from generators.encoded.dense import Activation, Dense, Layer
from generators.encoded.layout import Floats32, Layout
from generators.encoded.network import Network
from generators.encoded.whole import WholeRows
from generators.randomness import uniforms
from generators.start import Start
from generators.task import Task
from schemas.errors import InputError
from tests.generators.tables import AWKWARD, assert_marginals_are_the_profiles, in_pieces, orders

SETTINGS = {"width": 8, "latent": 3, "max_seconds": 1.0, "max_epochs": 1}
SEEN: list[int] = []


class Anything(WholeRows):
    """A network that learned nothing."""

    SETTINGS: ClassVar[Mapping[str, Any]] = SETTINGS

    @classmethod
    def learned(cls, rows: Floats32, layout: Layout, task: Task, start: Start) -> Network:
        SEEN.append(len(rows))
        rng, out = np.random.Generator(np.random.PCG64(task.seed)), layout.numbers + layout.states
        first, second = (rng.standard_normal(shape).astype(np.float32) for shape in ((3, 8), (8, out)))
        layers = [Layer(first, np.zeros(8, np.float32), Activation.RELU), Layer(second, np.zeros(out, np.float32))]
        return Network(Dense(layers), 3, np.zeros(0), np.zeros(layout.numbers))


class Whole(Anything):
    """One that learns from all rows."""

    LONG: ClassVar[bool] = True


def task(made: str, settings: Mapping[str, Any] = SETTINGS) -> Task:
    table, schema = AWKWARD[made]()
    return replace(Task.of(table, schema, settings), start=Start("tabular.tvae"))


@pytest.mark.parametrize("made", sorted(set(AWKWARD) - {"extremes"}))  # bins are not exact at the ends of doubles
def test_marginals_are_the_profiles_whatever_the_network_learned(made: str) -> None:
    assert_marginals_are_the_profiles(Anything.fit(task(made)), 20_000)


def test_a_row_is_a_function_of_its_own_uniforms() -> None:
    model = Anything.fit(task("orders"))
    u = uniforms((1, 2), 0, 400, model.width)
    whole, part = model.sample(400, u, {"colour": "red"}), model.sample(50, u[100:150], {"colour": "red"})
    keyless = [name for name in whole.schema.names if name != "id"]
    assert whole.slice(100, 50).select(keyless).to_pylist() == part.select(keyless).to_pylist()


def test_a_long_table_is_learned_whole_or_by_the_rows_in_memory() -> None:
    table, schema = orders(300)
    long = Task(
        in_pieces(table, 200), schema, Task.of(table, schema, SETTINGS).profile, SETTINGS, start=Start("tabular.tvae")
    )
    SEEN.clear()
    Anything.fit(long)
    Whole.fit(long)
    assert SEEN == [200, 300]


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as refused:
        Anything.fit(task("orders", {"width": 0, "latent": 0, "max_seconds": float("nan"), "max_epochs": 0}))
    assert refused.value.faults == (
        "width=0: must be at least 4",
        "latent=0: must be at least 1",
        "max_seconds=nan: must be at least 0",
        "max_epochs=0: must be at least 1",
    )


def test_without_torch_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Network:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(Anything, "learned", missing)
    with pytest.raises(InputError, match=r"needs torch; pip install 'synthstream\[nn\]', or choose tabular.mixture"):
        Anything.fit(task("orders"))
