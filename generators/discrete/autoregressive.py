"""A neural autoregressive model over cells, drawn from without torch.

The state of a row is the sum of the embeddings of its known cells, and the same whatever order they came to be known
in. From it and the next column's own bias a small network works out the chances of that column's cells.

Source: Uria, Murray and Larochelle 2014, "A deep and tractable density estimator" (the order), 3; Larochelle and Murray
2011, "The neural autoregressive distribution estimator" (the sum).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numba
import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes
from generators.discrete.layers import CHUNK, NOTHING, exponentials, hardswish, normalise, pick
from generators.discrete.products import LANES, ROWS, padded, times

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
        frequent: the cells that say something directly where they are given, shape (m,).
        direct: what each of these adds to the logits of all cells then, shape (m, v).
    """

    embeddings: Floats32
    starts: Floats32
    norm: Floats32
    mixing: Floats32
    shift: Floats32
    outputs: Floats32
    biases: Floats32
    frequent: Ints
    direct: Floats32

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        return cls(*(arrays[field.name] for field in fields(cls)))

    def walk(self, first: Ints) -> Walk:
        """What draws rows by it; see `Walk`."""
        return Walk(self, first)


def nothing_direct(cells: int) -> tuple[Ints, Floats32]:
    """The parts of a network of which no cell says anything directly."""
    return np.empty(0, np.int64), np.empty((0, cells), np.float32)


class Walk:
    """See `Walker`.

    Args:
        network: the weights.
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
    """

    CALIBRATIONS: ClassVar[int] = 5
    CALIBRATION_ROWS: ClassVar[int] = 16_384

    def __init__(self, network: Network, first: Ints) -> None:
        h, cells = network.embeddings.shape[1], np.diff(first)
        tiled = np.concatenate([[0], np.cumsum([padded(n) for n in cells.tolist()])]).astype(np.int64)
        outputs, biases = np.zeros(tiled[-1] * h, np.float32), np.full(tiled[-1], NOTHING)
        direct, of = np.zeros((len(network.frequent), tiled[-1]), np.float32), np.full(first[-1], -1, np.int64)
        of[network.frequent] = np.arange(len(network.frequent))
        for start, n, tile, end in zip(first[:-1], cells, tiled[:-1], tiled[1:], strict=True):
            outputs[tile * h : end * h].reshape(h, end - tile)[:, :n] = network.outputs[start : start + n].T
            biases[tile : tile + n] = network.biases[start : start + n]
            direct[:, tile : tile + n] = network.direct[:, start : start + n]
        mixing = np.zeros((h, padded(h)), np.float32)
        mixing[:, :h] = network.mixing
        self._places = np.stack([first, tiled])
        self._direct_of = of
        ends = (network.embeddings, network.starts)
        self._parts = (*ends, network.norm, mixing, network.shift, outputs, biases, direct)

    def draw(self, u: Floats, held: Codes, order: Ints) -> tuple[Codes, Floats]:
        """See `Walker.draw`."""
        codes, into = held.copy(), np.zeros(u.shape)
        codes[:, order], into[:, order] = -1, u[:, order]
        _draw(codes, into, self._said(codes, order), order, np.empty(0), self._places, self._parts)
        return codes, into

    def _said(self, codes: Codes, order: Ints) -> Ints:
        """Which rows of what cells say directly are added where columns are given, -1 for none, shape (n, given)."""
        given = np.setdiff1d(np.arange(codes.shape[1]), order)
        known = codes[:, given]
        return np.where(known >= 0, self._direct_of[self._places[0, given] + np.maximum(known, 0)], -1)

    def marginals(self, u: Floats, order: Ints, held: Codes | None = None) -> Floats:
        """See `Walker.marginals`; of columns that are not in the order, `held` has the cells."""
        codes, sums = np.full(u.shape, -1, np.int32), np.zeros(self._places[0, -1])
        if held is not None:
            codes[:] = held
        _draw(codes, u.copy(), self._said(codes, order), order, sums, self._places, self._parts)
        return sums / len(u)

    def log_chances(self, codes: Codes, order: Ints) -> Floats32:
        """See `Walker.log_chances`."""
        found = np.zeros(codes.shape, np.float32)
        _judge(codes, order, found, self._places, self._parts)
        return found


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
        normalise(row, ones)
        for k in range(h):
            row[k] = hardswish(row[k] * norm[0, k] + norm[1, k])
    times(last, mixing, mixed)
    for i in range(n):
        row, more = last[i], mixed[i]
        for k in range(h):
            row[k] += hardswish(more[k] + shift[k])
        normalise(row, ones)


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
    j: int,
    state: Floats32,
    said: Ints,
    rooms: tuple[Floats32, ...],
    places: Ints,
    parts: tuple[Floats32, ...],
) -> tuple[Floats32, Floats32]:
    """What the chances of a column's cells are proportional to, by the state of each row; and what they add up to.

    Args:
        j: the column.
        state: of rows, shape (rows, h).
        said: see `Walk._said`, of the same rows.
        rooms: see `_rooms`.
        places: where each column's cells begin, and where they do once they are filled up, shape (2, d + 1).
        parts: the weights, as `Walk` has them.

    Returns:
        shapes (rows, cells filled up) and (rows,).
    """
    _, starts, norm, mixing, shift, outputs, biases, direct = parts
    rows, h = state.shape
    whole = -(-rows // ROWS) * ROWS
    last, mixed, room = rooms[0][:whole], rooms[1][:whole], rooms[2]
    start, end = places[1, j], places[1, j + 1]
    _next(state, starts[j], norm, mixing, shift, last, mixed)
    logits = room.ravel()[: whole * (end - start)].reshape(whole, end - start)
    times(last, outputs[start * h : end * h].reshape(h, end - start), logits)
    for i in range(rows):
        for q in said[i]:
            if q >= 0:
                row, more = logits[i], direct[q, start:end]
                for k in range(end - start):
                    row[k] += more[k]
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
    codes: Codes, into: Floats, said: Ints, order: Ints, sums: Floats, places: Ints, parts: tuple[Floats32, ...]
) -> None:
    """See `Walk.draw`; the cells that are known are in `codes`, the uniforms in `into`, and `sums`, if any, take the
    chances of all rows."""
    embeddings, first = parts[0], places[0]
    n, d = codes.shape
    rooms = _rooms(places, embeddings.shape[1])
    for low in range(0, n, CHUNK):
        high = min(low + CHUNK, n)
        state = np.zeros((high - low, embeddings.shape[1]), np.float32)
        for j in range(d):
            _add(state, codes[low:high, j], embeddings, first[j])
        for j in order:
            chances, whole = _chances(j, state, said[low:high], rooms, places, parts)
            if len(sums):
                for i in range(high - low):
                    for k in range(first[j + 1] - first[j]):
                        sums[first[j] + k] += chances[i, k] / whole[i]
            pick(chances, whole, into[low:high, j], codes[low:high, j], into[low:high, j])
            _add(state, codes[low:high, j], embeddings, first[j])


@numba.njit(cache=True, nogil=True)
def _judge(codes: Codes, order: Ints, found: Floats32, places: Ints, parts: tuple[Floats32, ...]) -> None:
    """See `Walk.log_chances`."""
    embeddings = parts[0]
    nothing = np.empty((CHUNK, 0), np.int64)
    rooms = _rooms(places, embeddings.shape[1])
    for low in range(0, len(codes), CHUNK):
        high = min(low + CHUNK, len(codes))
        state = np.zeros((high - low, embeddings.shape[1]), np.float32)
        for j in order:
            chances, whole = _chances(j, state, nothing, rooms, places, parts)
            for i in range(high - low):
                code = codes[low + i, j]
                if code >= 0:
                    found[low + i, j] = np.log(chances[i, code] / whole[i])
            _add(state, codes[low:high, j], embeddings, places[0, j])
