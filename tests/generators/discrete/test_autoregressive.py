"""Drawing from an autoregressive network: compiled code held against the same in plain numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from generators.discrete.autoregressive import Network, Walk
from generators.discrete.layers import CHUNK

pytestmark = pytest.mark.kernel

FIRST = np.array([0, 3, 4, 9], np.int64)
IN_ORDER = np.arange(3)
FREQUENT = np.array([1, 4, 6, 7], np.int64)


def network(width: int = 6, scale: float = 0.7) -> Network:
    rng = np.random.default_rng(3)

    def some(*shape: int) -> npt.NDArray[np.float32]:
        return rng.normal(0, scale, shape).astype(np.float32)

    ends = some(9, width), some(3, width)
    between = some(2, width) + 1, some(width, width), some(width)
    return Network(*ends, *between, some(9, width), some(9), FREQUENT, some(len(FREQUENT), 9))


def normal(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = x - x.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5))


def hardswish(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(x * np.clip(x / 6 + 0.5, 0, 1))


def plain(
    net: Network, codes: npt.NDArray[np.int32], known: list[int], column: int, given: tuple[int, ...] = ()
) -> npt.NDArray[np.float64]:
    """The chances of a column's cells where some columns are known, of which some are given, shape (n, cells)."""
    state = np.tile(net.starts[column].astype(np.float64), (len(codes), 1))
    for j in known:
        told = codes[:, j] >= 0
        state[told] += net.embeddings[FIRST[j] + codes[told, j]]
    first = hardswish(normal(state) * net.norm[0] + net.norm[1])
    last = normal(first + hardswish(first @ net.mixing + net.shift))
    cells = slice(FIRST[column], FIRST[column + 1])
    logits = last @ net.outputs[cells].T + net.biases[cells]
    for j in given:
        for row, cell in enumerate(FREQUENT.tolist()):
            logits[codes[:, j] == cell - FIRST[j]] += net.direct[row, cells]
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_each_cell_is_drawn_by_its_chance(order: list[int]) -> None:
    net, n = network(), CHUNK + 30
    u = np.random.default_rng(1).random((n, 3))
    codes, into = Walk(net, FIRST).draw(u, np.full((n, 3), -1, np.int32), np.array(order))
    for nth, j in enumerate(order):
        chances = plain(net, codes, order[:nth], j)
        upto = np.cumsum(chances, axis=1)
        rows = np.arange(n)
        below = upto[rows, codes[:, j]] - chances[rows, codes[:, j]]
        assert np.abs(below + into[:, j] * chances[rows, codes[:, j]] - u[:, j]).max() < 1e-4


def test_columns_that_are_held_stay_and_move_the_others() -> None:
    net, n = network(), 50
    u = np.random.default_rng(2).random((n, 3))
    held = np.full((n, 3), -1, np.int32)
    held[:, 2] = np.arange(n) % 5
    held[7, 2] = -1  # nothing is known of it there
    codes, into = Walk(net, FIRST).draw(u, held, np.array([0, 1]))
    assert (codes[:, 2] == held[:, 2]).all()
    assert (into[:, 2] == 0).all()
    chances = plain(net, held, [2], 0, (2,))
    assert (codes[:, 0] == (np.cumsum(chances, axis=1) <= u[:, :1]).sum(axis=1)).all()


def test_log_chances_are_those_of_the_known_cells_given_those_before() -> None:
    net, n, order = network(), CHUNK + 3, [1, 2, 0]
    codes = np.random.default_rng(4).integers(0, [3, 1, 5], (n, 3)).astype(np.int32)
    codes[5, 2] = -1
    found = Walk(net, FIRST).log_chances(codes, np.array(order))
    for nth, j in enumerate(order):
        told = codes[:, j] >= 0
        expected = np.log(plain(net, codes, order[:nth], j)[np.arange(n), codes[:, j]])
        assert found[told, j] == pytest.approx(expected[told], abs=1e-4)
    assert found[5, 2] == 0


@pytest.mark.parametrize("bias", [200.0, -200.0])
def test_a_cell_that_is_out_of_the_question_is_never_drawn(bias: float) -> None:
    plainly = network()
    biases = plainly.biases.copy()
    biases[2] += bias
    net = Network(**{**plainly.weights(), "biases": biases})
    u = np.random.default_rng(1).random((44, 3))
    u[:4] = [[0.0], [0.0], [np.nextafter(1.0, 0)], [np.nextafter(1.0, 0)]]
    codes, into = Walk(net, FIRST).draw(u, np.full((44, 3), -1, np.int32), IN_ORDER)
    assert set(codes[:, 0].tolist()) == ({2} if bias > 0 else {0, 1})
    assert ((into >= 0) & (into <= 1)).all()


def test_marginals_are_those_of_the_rows_that_are_drawn() -> None:
    walk, u = Walk(network(), FIRST), np.random.default_rng(6).random((3 * CHUNK + 5, 3))
    codes, _ = walk.draw(u, np.full(u.shape, -1, np.int32), IN_ORDER)
    counts = np.concatenate([np.bincount(codes[:, j], minlength=n) for j, n in enumerate((3, 1, 5))])
    found = walk.marginals(u, IN_ORDER)
    assert np.add.reduceat(found, FIRST[:-1]) == pytest.approx(1)
    assert np.abs(found - counts / len(u)).max() < 4 * np.sqrt(0.25 / len(u))


def test_marginals_under_a_condition_are_those_of_the_rows_that_are_drawn_then() -> None:
    net, u = network(), np.random.default_rng(6).random((3 * CHUNK + 5, 3))
    held = np.full(u.shape, -1, np.int32)
    held[:, 2] = 3
    order = np.array([0, 1])
    found = Walk(net, FIRST).marginals(u, order, held)
    codes, _ = Walk(net, FIRST).draw(u, held, order)
    assert found[:3] == pytest.approx(plain(net, held, [2], 0, (2,))[0], abs=1e-4)
    assert np.abs(found[:3] - np.bincount(codes[:, 0], minlength=3) / len(u)).max() < 4 * np.sqrt(0.25 / len(u))
    assert found[FIRST[2] :].tolist() == [0.0] * 5


def test_no_rows_and_no_columns_are_fine() -> None:
    walk = Walk(network(), FIRST)
    assert walk.draw(np.zeros((0, 3)), np.zeros((0, 3), np.int32), IN_ORDER)[0].shape == (0, 3)
    held = np.zeros((2, 3), np.int32)
    assert (walk.draw(np.zeros((2, 3)), held, np.zeros(0, np.int64))[0] == held).all()


def test_a_network_is_its_weights() -> None:
    net = network()
    again = Network.from_weights({**net.weights(), "other": np.zeros(1)})
    assert all((array == again.weights()[name]).all() for name, array in net.weights().items())
