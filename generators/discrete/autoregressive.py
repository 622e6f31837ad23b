"""A neural autoregressive model over cells, drawn from without torch.

The state of a row is the sum of the embeddings of its known cells, and the same whatever order they came to be known
in. From it and the next column's own bias a small network works out the chances of that column's cells.

Source: Uria, Murray and Larochelle 2014, "A deep and tractable density estimator" (the order), 3; Larochelle and Murray
2011, "The neural autoregressive distribution estimator" (the sum).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numba
import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes
from generators.discrete.products import LANES, ROWS, dot, padded, times

CHUNK = 256
"""Rows are worked on so many at a time, which the processor's second cache holds."""

STABLE = np.float32(1e-5)
"""What is added to a variance before its root is taken, as torch does."""

CALIBRATIONS, CALIBRATION_ROWS = 5, 16_384
"""Marginals are brought to the table's so often, each time by what so many rows show."""

SIXTH = np.float32(1 / 6)

NEVER = np.float32(-60.0)
"""A cell whose logit is so far below the largest is never drawn."""

NOTHING = np.float32(-3.0e38)
"""The bias of what fills a column's cells up to whole tiles."""

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Network:
    """The weights, h numbers wide, over d columns and v cells in all.

    Args:
        embeddings: what each cell adds to the state, shape (v, h).
        starts: what is added to the state when a column comes next, shape (d, h).
        norm: scale and shift of the first normalisation, shape (2, h).
        mixing: the layer between, inputs first, shape (h, h).
        shift: its bias, shape (h,).
        outputs: what the last state is multiplied by for each cell's logit, the second normalisation's scale and
            shift already in them, shape (v, h).
        biases: of the logits, shape (v,).
    """

    embeddings: Floats32
    starts: Floats32
    norm: Floats32
    mixing: Floats32
    shift: Floats32
    outputs: Floats32
    biases: Floats32

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        return cls(*(arrays[field.name] for field in fields(cls)))


class Walk:
    """Draws rows column by column.

    Args:
        network: the weights.
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
    """

    def __init__(self, network: Network, first: Ints) -> None:
        h, cells = network.embeddings.shape[1], np.diff(first)
        tiled = np.concatenate([[0], np.cumsum([padded(n) for n in cells.tolist()])]).astype(np.int64)
        outputs, biases = np.zeros(tiled[-1] * h, np.float32), np.full(tiled[-1], NOTHING)
        for start, n, tile, end in zip(first[:-1], cells, tiled[:-1], tiled[1:], strict=True):
            outputs[tile * h : end * h].reshape(h, end - tile)[:, :n] = network.outputs[start : start + n].T
            biases[tile : tile + n] = network.biases[start : start + n]
        mixing = np.zeros((h, padded(h)), np.float32)
        mixing[:, :h] = network.mixing
        self._places = np.stack([first, tiled])
        self._parts = (network.embeddings, network.starts, network.norm, mixing, network.shift, outputs, biases)

    def draw(self, u: Floats, held: Codes, order: Ints) -> tuple[Codes, Floats]:
        """Draw the cells of columns, one after the other.

        Args:
            u: a uniform for every row and column, in [0, 1), shape (n, d).
            held: the cells of the other columns, which come first; negative where nothing is known, shape (n, d).
            order: the columns to draw, in the order they are drawn in.

        Returns:
            The cells, and how far into its cell's chance each uniform is, from 0 to 1, both of shape (n, d).
        """
        codes, into = held.copy(), np.zeros(u.shape)
        codes[:, order] = -1
        _draw(u, codes, into, order, np.empty(0), self._places, self._parts)
        return codes, into

    def marginals(self, u: Floats, order: Ints) -> Floats:
        """How likely each cell is on the whole: the mean of its chance over rows that are drawn.

        Args:
            u: a uniform for every row and column, in [0, 1), shape (n, d).
            order: all columns, in the order they are drawn in.

        Returns:
            shape (cells,).
        """
        codes, sums = np.full(u.shape, -1, np.int32), np.zeros(self._places[0, -1])
        _draw(u, codes, np.zeros(u.shape), order, sums, self._places, self._parts)
        return sums / len(u)

    def log_chances(self, codes: Codes, order: Ints) -> Floats32:
        """The logarithm of the chance of each known cell, given those before it in an order.

        Args:
            codes: the cells, negative where nothing is known, shape (n, d).
            order: the columns, in the order they come to be known in, shape (d,).

        Returns:
            shape (n, d); 0 where nothing is known.
        """
        found = np.zeros(codes.shape, np.float32)
        _judge(codes, order, found, self._places, self._parts)
        return found


def calibrated(network: Network, shares: Floats, first: Ints, order: Ints, seed: int) -> Network:
    """The network with biases by which its marginals are a table's, which regularisation brings nearer to even.

    Args:
        network: the weights.
        shares: how likely each cell is, shape (cells,).
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
        order: the columns, in the order they are drawn in.
        seed: seeds the rows that marginals are worked out on.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    for _ in range(CALIBRATIONS):
        drawn = Walk(network, first).marginals(rng.random((CALIBRATION_ROWS, len(order))), order)
        off = np.log((shares + 1 / CALIBRATION_ROWS) / (drawn + 1 / CALIBRATION_ROWS))
        network = replace(network, biases=(network.biases + off).astype(np.float32))
    return network


@numba.njit(cache=True, nogil=True)
def _hardswish(x: Any) -> Any:
    return x * min(max(x * SIXTH + np.float32(0.5), np.float32(0.0)), np.float32(1.0))


@numba.njit(cache=True, nogil=True)
def _normalise(row: Floats32, ones: Floats32) -> None:
    """Bring numbers to mean 0 and variance 1, in place."""
    width = np.float32(len(row))
    mean = dot(row, ones) / width
    for k in range(len(row)):
        row[k] -= mean
    scale = np.float32(1.0) / np.sqrt(dot(row, row) / width + STABLE)
    for k in range(len(row)):
        row[k] *= scale


@numba.njit(cache=True, nogil=True)
def _next(
    state: Floats32, start: Floats32, norm: Floats32, mixing: Floats32, shift: Floats32, last: Floats32, mixed: Floats32
) -> None:
    """Work out the last layer of rows whose next column has that start.

    Args:
        state: shape (rows, h).
        start: shape (h,).
        norm: see `Network`.
        mixing: the same, its columns filled up to whole tiles.
        shift: see `Network`.
        last: takes it, shape (rows filled up to whole tiles, h).
        mixed: room for what is mixed, shaped as that and `mixing` ask.
    """
    n, h = state.shape
    ones = np.ones(h, np.float32)
    for i in range(n):
        row, known = last[i], state[i]
        for k in range(h):
            row[k] = known[k] + start[k]
        _normalise(row, ones)
        for k in range(h):
            row[k] = _hardswish(row[k] * norm[0, k] + norm[1, k])
    times(last, mixing, mixed)
    for i in range(n):
        row, more = last[i], mixed[i]
        for k in range(h):
            row[k] += _hardswish(more[k] + shift[k])
        _normalise(row, ones)


@numba.njit(cache=True, nogil=True)
def exponentials(logits: Floats32, biases: Floats32, sums: Floats32) -> None:
    """Turn logits into what their chances are proportional to, in place: 2^n times a polynomial, without branches.

    Args:
        logits: shape (rows, cells), cells a multiple of LANES.
        biases: added first, shape (cells,).
        sums: takes what each row adds up to, shape (rows,).

    Source: Cephes, expf (the polynomial).
    """
    n, cells = logits.shape
    whole = np.empty(cells, np.int32)
    powers, lanes, ones = whole.view(np.float32), np.empty(LANES, np.float32), np.ones(cells, np.float32)
    for i in range(n):
        row = logits[i]
        lanes[:] = NOTHING
        for k in range(0, cells, LANES):
            for lane in range(LANES):
                row[k + lane] += biases[k + lane]
                lanes[lane] = max(lanes[lane], row[k + lane])
        most = lanes.max()
        for k in range(cells):
            x = max(row[k] - most, NEVER) * np.float32(1.44269504)
            nearest = np.floor(x + np.float32(0.5))
            f = (x - nearest) * np.float32(0.693147181)
            p = np.float32(1.9875691500e-4)
            p = p * f + np.float32(1.3981999507e-3)
            p = p * f + np.float32(8.3334519073e-3)
            p = p * f + np.float32(4.1665795894e-2)
            p = p * f + np.float32(1.6666665459e-1)
            p = p * f + np.float32(5.0000001201e-1)
            row[k] = p * f * f + f + np.float32(1.0) if row[k] - most > NEVER else np.float32(0.0)
            whole[k] = (np.int32(nearest) + np.int32(127)) << np.int32(23)
        for k in range(cells):
            row[k] *= powers[k]
        sums[i] = dot(row, ones)


@numba.njit(cache=True, nogil=True)
def pick(chances: Floats32, sums: Floats32, u: Floats, codes: Codes, into: Floats) -> None:
    """Draw a cell a row.

    Args:
        chances: what the cells' chances are proportional to, shape (rows, cells).
        sums: what each row adds up to, shape (rows,).
        u: a uniform a row, shape (rows,).
        codes: takes the cells, shape (rows,).
        into: takes how far into the cell's chance the uniform is, shape (rows,).
    """
    n, cells = chances.shape
    for i in range(n):
        row, left, k = chances[i], u[i] * sums[i], 0
        while k < cells - 1 and left >= row[k]:
            left -= row[k]
            k += 1
        while row[k] == 0.0 and k > 0:
            k -= 1
        codes[i] = k
        into[i] = min(left / row[k], 1.0)


@numba.njit(cache=True, nogil=True)
def _add(state: Floats32, codes: Codes, embeddings: Floats32, start: int) -> None:
    """Make cells of one column known."""
    for i in range(len(codes)):
        if codes[i] >= 0:
            row, more = state[i], embeddings[start + codes[i]]
            for k in range(len(row)):
                row[k] += more[k]


@numba.njit(cache=True, nogil=True)
def _chances(
    j: int, state: Floats32, rooms: tuple[Floats32, ...], places: Ints, parts: tuple[Floats32, ...]
) -> tuple[Floats32, Floats32]:
    """What the chances of a column's cells are proportional to, by the state of each row; and what they add up to.

    Args:
        j: the column.
        state: of rows, shape (rows, h).
        rooms: see `_rooms`.
        places: where each column's cells begin, and where they do once they are filled up, shape (2, d + 1).
        parts: the weights, as `Walk` has them.

    Returns:
        shapes (rows, cells filled up) and (rows,).
    """
    _, starts, norm, mixing, shift, outputs, biases = parts
    rows, h = state.shape
    whole = -(-rows // ROWS) * ROWS
    last, mixed, room = rooms[0][:whole], rooms[1][:whole], rooms[2]
    start, end = places[1, j], places[1, j + 1]
    _next(state, starts[j], norm, mixing, shift, last, mixed)
    logits = room.ravel()[: whole * (end - start)].reshape(whole, end - start)
    times(last, outputs[start * h : end * h].reshape(h, end - start), logits)
    sums = np.empty(rows, np.float32)
    exponentials(logits[:rows], biases[start:end], sums)
    return logits[:rows], sums


@numba.njit(cache=True, nogil=True)
def _rooms(places: Ints, h: int) -> tuple[Floats32, Floats32, Floats32]:
    """Room for the last layer of rows, for what is mixed, and for the largest column's logits."""
    most = (places[1, 1:] - places[1, :-1]).max() if places.shape[1] > 1 else 1
    wide = -(-h // LANES) * LANES
    return (
        np.zeros((CHUNK, h), np.float32),
        np.zeros((CHUNK, wide), np.float32),
        np.zeros((CHUNK, most), np.float32),
    )


@numba.njit(cache=True, nogil=True)
def _draw(
    u: Floats, codes: Codes, into: Floats, order: Ints, sums: Floats, places: Ints, parts: tuple[Floats32, ...]
) -> None:
    """See `Walk.draw`; the cells that are known are in `codes`, and `sums`, if any, take the chances of all rows."""
    embeddings, first = parts[0], places[0]
    n, d = codes.shape
    rooms = _rooms(places, embeddings.shape[1])
    for low in range(0, n, CHUNK):
        high = min(low + CHUNK, n)
        state = np.zeros((high - low, embeddings.shape[1]), np.float32)
        for j in range(d):
            _add(state, codes[low:high, j], embeddings, first[j])
        for j in order:
            chances, whole = _chances(j, state, rooms, places, parts)
            if len(sums):
                for i in range(high - low):
                    for k in range(first[j + 1] - first[j]):
                        sums[first[j] + k] += chances[i, k] / whole[i]
            pick(chances, whole, u[low:high, j], codes[low:high, j], into[low:high, j])
            _add(state, codes[low:high, j], embeddings, first[j])


@numba.njit(cache=True, nogil=True)
def _judge(codes: Codes, order: Ints, found: Floats32, places: Ints, parts: tuple[Floats32, ...]) -> None:
    """See `Walk.log_chances`."""
    embeddings = parts[0]
    rooms = _rooms(places, embeddings.shape[1])
    for low in range(0, len(codes), CHUNK):
        high = min(low + CHUNK, len(codes))
        state = np.zeros((high - low, embeddings.shape[1]), np.float32)
        for j in order:
            chances, whole = _chances(j, state, rooms, places, parts)
            for i in range(high - low):
                code = codes[low + i, j]
                if code >= 0:
                    found[low + i, j] = np.log(chances[i, code] / whole[i])
            _add(state, codes[low:high, j], embeddings, places[0, j])
