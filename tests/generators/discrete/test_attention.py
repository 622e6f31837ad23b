"""Drawing from a decoder: compiled code with what it keeps held against the whole sequence in plain numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from generators.discrete.attention import CHUNK, HEAD, Decoder

pytestmark = pytest.mark.kernel

FIRST = np.array([0, 3, 4, 9], np.int64)
IN_ORDER = np.arange(3)
LAYERS, WIDTH, WIDE = 2, 2 * HEAD, HEAD


def network(scale: float = 0.4) -> Decoder:
    rng = np.random.default_rng(3)

    def some(*shape: int) -> npt.NDArray[np.float32]:
        return rng.normal(0, scale, shape).astype(np.float32)

    return Decoder(
        *(some(9, WIDTH), some(3, WIDTH), some(LAYERS, WIDTH, 3 * WIDTH), some(LAYERS, 3 * WIDTH)),
        *(some(LAYERS, WIDTH, WIDTH), some(LAYERS, WIDTH), some(LAYERS, WIDTH, WIDE), some(LAYERS, WIDE)),
        *(some(LAYERS, WIDE, WIDTH), some(LAYERS, WIDTH), some(9, WIDTH), some(9)),
    )


def normal(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5))


def softmax(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def plain(net: Decoder, codes: npt.NDArray[np.int32], known: list[int], column: int) -> npt.NDArray[np.float64]:
    """The chances of a column's cells where some columns are known, in that order, shape (n, cells)."""
    sequence = [*known, column]
    x = np.tile(net.starts[sequence].astype(np.float64), (len(codes), 1, 1))  # (n, steps, width)
    for step, j in enumerate(known):
        told = codes[:, j] >= 0
        x[told, step + 1] += net.embeddings[FIRST[j] + codes[told, j]]
    ahead = np.triu(np.full((len(sequence),) * 2, -np.inf), 1)
    for layer in range(LAYERS):
        asked = normal(x) @ net.asked[layer] + net.asked_shift[layer]
        query, key, value = (
            part.reshape(*x.shape[:2], -1, HEAD).transpose(0, 2, 1, 3) for part in np.split(asked, 3, axis=-1)
        )
        found = softmax(query @ key.transpose(0, 1, 3, 2) + ahead) @ value
        x = x + found.transpose(0, 2, 1, 3).reshape(x.shape) @ net.mixing[layer] + net.mixing_shift[layer]
        widened = normal(x) @ net.wide[layer] + net.wide_shift[layer]
        x = x + (widened * np.clip(widened / 6 + 0.5, 0, 1)) @ net.narrow[layer] + net.narrow_shift[layer]
    cells = slice(FIRST[column], FIRST[column + 1])
    return softmax(normal(x[:, -1]) @ net.outputs[cells].T + net.biases[cells])


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_each_cell_is_drawn_by_its_chance(order: list[int]) -> None:
    net, n = network(), CHUNK + 30
    u = np.random.default_rng(1).random((n, 3))
    codes, into = net.walk(FIRST).draw(u, np.full((n, 3), -1, np.int32), np.array(order))
    for nth, j in enumerate(order):
        chances = plain(net, codes, order[:nth], j)
        rows = np.arange(n)
        below = np.cumsum(chances, axis=1)[rows, codes[:, j]] - chances[rows, codes[:, j]]
        assert np.abs(below + into[:, j] * chances[rows, codes[:, j]] - u[:, j]).max() < 1e-4


def test_columns_that_are_held_stay_and_move_the_others() -> None:
    net, n = network(), 50
    u = np.random.default_rng(2).random((n, 3))
    held = np.full((n, 3), -1, np.int32)
    held[:, 2] = np.arange(n) % 5
    held[7, 2] = -1  # nothing is known of it there
    codes, into = net.walk(FIRST).draw(u, held, np.array([0, 1]))
    assert (codes[:, 2] == held[:, 2]).all()
    assert (into[:, 2] == 0).all()
    chances = plain(net, held, [2], 0)
    assert (codes[:, 0] == (np.cumsum(chances, axis=1) <= u[:, :1]).sum(axis=1)).all()


def test_log_chances_are_those_of_the_known_cells_given_those_before() -> None:
    net, n, order = network(), CHUNK + 3, [1, 2, 0]
    codes = np.random.default_rng(4).integers(0, [3, 1, 5], (n, 3)).astype(np.int32)
    codes[5, 2] = -1
    found = net.walk(FIRST).log_chances(codes, np.array(order))
    for nth, j in enumerate(order):
        told = codes[:, j] >= 0
        expected = np.log(plain(net, codes, order[:nth], j)[np.arange(n), codes[:, j]])
        assert found[told, j] == pytest.approx(expected[told], abs=1e-4)
    assert found[5, 2] == 0


def test_a_row_is_the_same_whatever_rows_are_drawn_beside_it() -> None:
    walk, u = network().walk(FIRST), np.random.default_rng(5).random((CHUNK + 9, 3))
    held = np.full(u.shape, -1, np.int32)
    whole = walk.draw(u, held, IN_ORDER)[0]
    assert (walk.draw(u[77:80], held[77:80], IN_ORDER)[0] == whole[77:80]).all()


def test_marginals_are_those_of_the_rows_that_are_drawn() -> None:
    walk, u = network().walk(FIRST), np.random.default_rng(6).random((5 * CHUNK + 5, 3))
    codes, _ = walk.draw(u, np.full(u.shape, -1, np.int32), IN_ORDER)
    counts = np.concatenate([np.bincount(codes[:, j], minlength=n) for j, n in enumerate((3, 1, 5))])
    found = walk.marginals(u, IN_ORDER)
    assert np.add.reduceat(found, FIRST[:-1]) == pytest.approx(1)
    assert np.abs(found - counts / len(u)).max() < 4 * np.sqrt(0.25 / len(u))


def test_no_rows_and_no_columns_are_fine() -> None:
    walk = network().walk(FIRST)
    assert walk.draw(np.zeros((0, 3)), np.zeros((0, 3), np.int32), IN_ORDER)[0].shape == (0, 3)
    held = np.zeros((2, 3), np.int32)
    assert (walk.draw(np.zeros((2, 3)), held, np.zeros(0, np.int64))[0] == held).all()


def test_a_network_is_its_weights() -> None:
    net = network()
    assert net.layers == LAYERS
    again = Decoder.from_weights({**net.weights(), "other": np.zeros(1)})
    assert all((array == again.weights()[name]).all() for name, array in net.weights().items())
