"""A small decoder over columns, drawn from without torch.

A token is what is known of one column and which column comes next. Each token attends to itself and to those before it,
so what is known may have come in any order; keys and values of tokens are kept while a row is drawn. The last state
tells the chances of the next column's own cells, and of no others.

Source: Vaswani et al. 2017, "Attention is all you need"; Xiong et al. 2020, "On layer normalization in the transformer
architecture" (normalised before each part); Pannatier, Courdier and Fleuret 2024, "Sigma-GPTs: a new approach to
autoregressive models" (the next place is part of the token).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numba
import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Codes
from generators.discrete.layers import NOTHING, exponentials, hardswish, normalise, pick
from generators.discrete.products import LANES, ROWS, dot, padded, times

HEAD = LANES
"""A head of attention is so many numbers wide: a processor's vector."""

CHUNK = 128
"""Rows are worked on so many at a time: their keys and values are what takes room."""

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Decoder:
    """The weights, h numbers wide (a multiple of `HEAD`), over d columns and v cells in all, in l layers.

    What normalisations scale and shift by is already in what comes after them.

    Args:
        embeddings: what each cell adds to the token that comes after it, shape (v, h).
        starts: what a column that comes next adds to that token, shape (d, h).
        asked: inputs first, what makes queries, keys and values of a token, queries divided by the root of `HEAD`,
            shape (l, h, 3 * h).
        asked_shift: its bias, shape (l, 3 * h).
        mixing: what brings the heads together, shape (l, h, h).
        mixing_shift: its bias, shape (l, h).
        wide: what widens a token, shape (l, h, w), w a multiple of LANES.
        wide_shift: its bias, shape (l, w).
        narrow: what narrows it again, shape (l, w, h).
        narrow_shift: its bias, shape (l, h).
        outputs: what the last state is multiplied by for each cell's logit, shape (v, h).
        biases: of the logits, shape (v,).
    """

    embeddings: Floats32
    starts: Floats32
    asked: Floats32
    asked_shift: Floats32
    mixing: Floats32
    mixing_shift: Floats32
    wide: Floats32
    wide_shift: Floats32
    narrow: Floats32
    narrow_shift: Floats32
    outputs: Floats32
    biases: Floats32

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.asked)

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays this can be rebuilt from."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_weights(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `weights` came from."""
        return cls(*(arrays[field.name] for field in fields(cls)))

    def walk(self, first: Ints) -> Attending:
        """What draws rows by it; see `Attending`."""
        return Attending(self, first)


class Attending:
    """See `Walker`.

    Args:
        network: the weights.
        first: where each column's cells begin, and where the last one's end, shape (d + 1,).
    """

    CALIBRATIONS: ClassVar[int] = 5
    CALIBRATION_ROWS: ClassVar[int] = 8_192

    def __init__(self, network: Decoder, first: Ints) -> None:
        h, cells = network.embeddings.shape[1], np.diff(first)
        self._first, self._network, self._ends = first, network, (network.embeddings, network.starts)
        self._heads = []
        for start, n in zip(first[:-1].tolist(), cells.tolist(), strict=True):
            outputs, biases = np.zeros((h, padded(n)), np.float32), np.full(padded(n), NOTHING)
            outputs[:, :n], biases[:n] = network.outputs[start : start + n].T, network.biases[start : start + n]
            self._heads.append((outputs, biases))
        self._layers = (
            *(network.asked, network.asked_shift, network.mixing, network.mixing_shift),
            *(network.wide, network.wide_shift, network.narrow, network.narrow_shift),
        )

    def draw(self, u: Floats, held: Codes, order: Ints) -> tuple[Codes, Floats]:
        """See `Walker.draw`."""
        codes, into = held.copy(), np.zeros(u.shape)
        codes[:, order] = -1
        known = [j for j in range(codes.shape[1]) if j not in order and (codes[:, j] >= 0).any()]
        for low in range(0, len(codes), CHUNK):
            here, told = codes[low : low + CHUNK], into[low : low + CHUNK]
            for j, chances, sums in self._going(here, [*known, *order.tolist()], len(known)):
                pick(chances, sums, u[low : low + CHUNK, j], here[:, j], told[:, j])
        return codes, into

    def marginals(self, u: Floats, order: Ints) -> Floats:
        """See `Walker.marginals`."""
        codes, into, sums_of = np.full(u.shape, -1, np.int32), np.zeros(u.shape), np.zeros(self._first[-1])
        for low in range(0, len(codes), CHUNK):
            here = codes[low : low + CHUNK]
            for j, chances, sums in self._going(here, order.tolist(), 0):
                own = slice(*self._first[j : j + 2].tolist())
                sums_of[own] += (chances[:, : own.stop - own.start] / sums[:, None]).sum(axis=0, dtype=np.float64)
                pick(chances, sums, u[low : low + CHUNK, j], here[:, j], into[low : low + CHUNK, j])
        return sums_of / len(u)

    def log_chances(self, codes: Codes, order: Ints) -> Floats32:
        """See `Walker.log_chances`."""
        found = np.zeros(codes.shape, np.float32)
        for low in range(0, len(codes), CHUNK):
            here, told = codes[low : low + CHUNK], found[low : low + CHUNK]
            for j, chances, sums in self._going(here, order.tolist(), 0):
                rows = np.flatnonzero(here[:, j] >= 0)
                told[rows, j] = np.log(chances[rows, here[rows, j]] / sums[rows])
        return found

    def _going(self, codes: Codes, order: list[int], known: int) -> Any:
        """Go through the columns of a few rows, whose cells are to be filled in as it goes.

        Args:
            codes: the rows' cells, shape (n, d).
            order: the columns; so many of them come first, whose chances nobody asks for.
            known: see `order`.

        Yields:
            A column, what the chances of its cells are proportional to, by row, and what these add up to.
        """
        room = _Room(len(codes), len(order), self._network)
        for step, j in enumerate(order):
            before = order[step - 1] if step else -1
            _begin(room.tokens, codes[:, before], self._first[before] if step else -1, j, self._ends)
            _attend(room.tokens, step, room.kept, self._layers, room.between)
            if step < known:
                continue
            outputs, biases = self._heads[j]
            logits = room.logits(outputs.shape[1])
            sums = np.empty(len(codes), np.float32)
            _tell(room.tokens, outputs, logits)
            exponentials(logits[: len(codes)], biases, sums)
            yield j, logits[: len(codes)], sums


class _Room:
    """Room for what a few rows need on their way.

    Args:
        rows: how many these are.
        steps: how many tokens each has.
        network: the weights.
    """

    def __init__(self, rows: int, steps: int, network: Decoder) -> None:
        whole, h, w = -(-rows // ROWS) * ROWS, network.embeddings.shape[1], network.wide.shape[2]
        self.tokens = np.zeros((whole, h), np.float32)
        self.kept = np.zeros((2, network.layers, whole, h // HEAD, max(steps, 1), HEAD), np.float32)
        self.between = tuple(np.zeros((whole, width), np.float32) for width in (h, 3 * h, h, w))

    def logits(self, cells: int) -> Floats32:
        """Room for a column's logits."""
        return np.empty((len(self.tokens), cells), np.float32)


@numba.njit(cache=True, nogil=True)
def _begin(tokens: Floats32, codes: Codes, first: int, column: int, ends: tuple[Floats32, ...]) -> None:
    """Make tokens of what was known last and of what comes next.

    Args:
        tokens: takes them, shape (rows filled up, h).
        codes: the cell of each row that was known last, negative for none, shape (rows,).
        first: where that column's cells begin; negative if there is none before.
        column: the column that comes next.
        ends: embeddings and starts.
    """
    embeddings, starts = ends
    start = starts[column]
    for i in range(len(tokens)):
        token = tokens[i]
        for k in range(len(token)):
            token[k] = start[k]
        if first >= 0 and i < len(codes) and codes[i] >= 0:
            more = embeddings[first + codes[i]]
            for k in range(len(token)):
                token[k] += more[k]


@numba.njit(cache=True, nogil=True)
def _normalised(tokens: Floats32, out: Floats32) -> None:
    ones = np.ones(tokens.shape[1], np.float32)
    for i in range(len(tokens)):
        row, token = out[i], tokens[i]
        for k in range(len(token)):
            row[k] = token[k]
        normalise(row, ones)


@numba.njit(cache=True, nogil=True)
def _add(tokens: Floats32, more: Floats32, shift: Floats32) -> None:
    for i in range(len(tokens)):
        token, row = tokens[i], more[i]
        for k in range(len(token)):
            token[k] += row[k] + shift[k]


@numba.njit(cache=True, nogil=True)
def _tell(tokens: Floats32, outputs: Floats32, logits: Floats32) -> None:
    """The logits of a column's cells, shape (rows filled up, cells filled up), by the last states."""
    last = np.empty_like(tokens)
    _normalised(tokens, last)
    times(last, outputs, logits)


@numba.njit(cache=True, nogil=True)
def _heads(asked: Floats32, shift: Floats32, step: int, kept: Floats32, out: Floats32) -> None:
    """Attend to the tokens of a row.

    Args:
        asked: queries, keys and values of the newest, without their bias, shape (3 * h,).
        shift: that, shape (3 * h,).
        step: how many tokens came before.
        kept: keys and values, to which its own are added, shape (2, heads, steps, HEAD).
        out: takes what the heads found, shape (h,).
    """
    h = len(out)
    for k in range(3 * h):
        asked[k] += shift[k]
    chances = np.empty(step + 1, np.float32)
    for head in range(h // HEAD):
        at = head * HEAD
        keys, values = kept[0, head], kept[1, head]
        for k in range(HEAD):
            keys[step, k] = asked[h + at + k]
            values[step, k] = asked[2 * h + at + k]
        query, found = asked[at : at + HEAD], out[at : at + HEAD]
        most = NOTHING
        for t in range(step + 1):
            chances[t] = dot(query, keys[t])
            most = max(most, chances[t])
        whole = np.float32(0.0)
        found[:] = np.float32(0.0)
        for t in range(step + 1):
            chance = np.exp(chances[t] - most)
            whole += chance
            value = values[t]
            for k in range(HEAD):
                found[k] += chance * value[k]
        for k in range(HEAD):
            found[k] /= whole


@numba.njit(cache=True, nogil=True)
def _attend(
    tokens: Floats32, step: int, kept: Floats32, layers: tuple[Floats32, ...], between: tuple[Floats32, ...]
) -> None:
    """Take the newest tokens through all layers, in place.

    Args:
        tokens: shape (rows filled up, h).
        step: how many came before.
        kept: keys and values of those, shape (2, layers, rows filled up, heads, steps, HEAD).
        layers: the weights of `Decoder` from `asked` to `narrow_shift`.
        between: room, so many rows each, as wide as a token, three times that, once, and as a widened one.
    """
    asks, asks_shift, mixing, mixing_shift, wide, wide_shift, narrow, narrow_shift = layers
    plain, asked, mixed, widened = between
    for layer in range(len(asks)):
        _normalised(tokens, plain)
        times(plain, asks[layer], asked)
        for i in range(len(tokens)):
            _heads(asked[i], asks_shift[layer], step, kept[:, layer, i], plain[i])
        times(plain, mixing[layer], mixed)
        _add(tokens, mixed, mixing_shift[layer])
        _normalised(tokens, plain)
        times(plain, wide[layer], widened)
        shift = wide_shift[layer]
        for i in range(len(tokens)):
            row = widened[i]
            for k in range(len(row)):
                row[k] = hardswish(row[k] + shift[k])
        times(widened, narrow[layer], mixed)
        _add(tokens, mixed, narrow_shift[layer])
