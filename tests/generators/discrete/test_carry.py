"""What a model takes over from an earlier one: what fits by column and cell, and nothing else."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from generators.discrete.autoregressive import Network, Walk
from generators.discrete.carry import Cut, carried, carried_kinds, carried_network
from generators.discrete.cells import cells_of
from generators.discrete.expectation import Kinds
from generators.neural.nade_module import NadeModule
from schemas.errors import InputError
from schemas.profile import profile_table
from schemas.table import Column, Kind, Role
from tests.generators.tables import Made, orders, table


def cut(made: Made, fineness: int = 20) -> Cut:
    profile = profile_table(*made)
    return Cut(made[1], profile, cells_of(made[1], profile, fineness))


def colours(*counts: tuple[str | None, int], name: str = "c", role: Role = Role.ATTRIBUTE) -> Cut:
    cells: list[Any] = [value for value, n in counts for _ in range(n)]
    return cut(table([(Column(name, Kind.CATEGORY, nullable=None in cells, role=role), cells)]))


def test_categories_are_found_by_their_name_whatever_their_place() -> None:
    before = colours(("red", 60), ("green", 20), (None, 20))
    now = colours(("green", 50), ("blue", 30), ("red", 20))
    found = carried(before, now)
    assert found.columns.tolist() == [0]
    assert found.cells.tolist() == [1, -1, 0]  # green, blue, red
    assert found.ratio == pytest.approx([0.5 / 0.2, 1.0, 0.2 / 0.6])
    assert found.left == ("c (1 of 3 cells are new)",)
    back = carried(now, before)
    assert back.cells.tolist() == [2, 0, -1]  # that values may be missing is new


def test_numbers_are_found_by_where_they_lie_in_whatever_unit_a_profile_counts() -> None:
    whole = cut(table([(Column("x", Kind.NUMBER, decimals=1), [k / 10 for k in range(100)] * 9)]))
    fine = cut(table([(Column("x", Kind.NUMBER), [k / 97 for k in range(970)])]))
    for before, now in ((whole, fine), (fine, whole)):
        found = carried(before, now)
        starts = [c.cells.starts / (10 if c is whole else 1) for c in (before, now)]
        ends = np.append(starts[0][1:], 11.0)
        for new, old in enumerate(found.cells.tolist()):
            assert old >= 0
            upto = np.append(starts[1][1:], 11.0)[new]
            assert starts[0][old] <= upto + 0.1
            assert ends[old] >= starts[1][new] - 0.1


def test_what_is_not_taken_over_is_said(caplog: pytest.LogCaptureFixture) -> None:
    before = cut(table([(Column("a", Kind.INTEGER), [1, 2] * 9), (Column("b", Kind.CATEGORY), ["x", "y"] * 9)]))
    columns: list[tuple[Column, list[Any]]] = [
        (Column("a", Kind.CATEGORY), ["1", "2"] * 9),
        (Column("b", Kind.CATEGORY), ["x", "y"] * 9),
        (Column("c", Kind.BOOLEAN), [True, False] * 9),
    ]
    with caplog.at_level(logging.WARNING):
        found = carried(before, cut(table(columns)))
    assert found.columns.tolist() == [-1, 1, -1]
    assert found.left == ("a (was integer, is category)", "c (is new)")
    assert "a (was integer, is category), c (is new)" in caplog.text
    with pytest.raises(InputError, match=r"warm_start: no column fits the table's: z \(is new\); leave it out"):
        carried(before, colours(("x", 9), name="z"))


def test_nothing_is_left_where_a_table_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    one = cut(orders(600))
    found = carried(one, one)
    assert found.cells.tolist() == list(range(len(one.cells.share)))
    assert found.ratio == pytest.approx(1.0)
    assert (found.left, caplog.text) == ((), "")


def network_of(one: Cut, seed: int) -> tuple[NadeModule, Network]:
    torch.manual_seed(seed)
    module = NadeModule(one.cells, 8, 0.1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module, module.network()


def test_a_network_of_the_same_cells_is_the_same_network() -> None:
    one = cut(orders(600))
    _, network = network_of(one, 0)
    other, _ = network_of(one, 1)
    other.take_over(carried_network(network, carried(one, one), one.cells))
    codes, order = one.cells.codes(orders(600)[0], one.schema, one.profile), np.arange(len(one.cells.columns))
    wanted, found = (Walk(n, one.cells.first).log_chances(codes, order) for n in (network, other.network()))
    assert found == pytest.approx(wanted, abs=1e-4)


def test_a_network_of_other_cells_follows_the_new_marginals_and_begins_what_is_new_at_its_share() -> None:
    before, now = colours(("red", 60), ("green", 40)), colours(("green", 50), ("blue", 30), ("red", 20))
    _, network = network_of(before, 0)
    plain = Network(*(np.zeros_like(array) for array in network.weights().values()))
    plain.biases[:] = np.log([0.6, 0.4]) + 5.0  # where the biases lie as a whole makes no difference
    taken = carried_network(plain, carried(before, now), now.cells)
    module, _ = network_of(now, 1)
    own = module.outputs().detach().numpy().copy()
    module.take_over(taken)
    chances = np.exp(module.biases.detach().numpy())
    assert chances / chances.sum() == pytest.approx([0.5, 0.3, 0.2], abs=1e-4)
    assert np.isnan(taken.embeddings[1]).all()
    outputs = module.outputs().detach().numpy()
    assert outputs[[0, 2]] == pytest.approx(np.zeros((2, 8)), abs=1e-6)
    assert outputs[1] == pytest.approx(own[1])


def test_a_mixture_of_other_cells_is_one_of_distributions() -> None:
    before, now = colours(("red", 60), ("green", 40)), colours(("green", 50), ("blue", 30), ("red", 20))
    kinds = Kinds(np.array([0.5, 0.5], np.float32), np.array([[0.9, 0.1], [0.3, 0.7]], np.float32))
    taken = carried_kinds(kinds, carried(before, now), now.cells)
    first = np.array([0.1 * 0.5 / 0.4, 0.3, 0.9 * 0.2 / 0.6])
    assert taken.chances[0] == pytest.approx(first / first.sum(), abs=1e-6)
    assert taken.chances.sum(axis=1) == pytest.approx(1)
    assert pa.array(taken.shares).to_pylist() == [0.5, 0.5]
