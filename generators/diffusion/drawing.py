"""Draws rows with a denoiser: compiled, one thread, no torch, nothing random but the uniforms it is given.

Numbers go from noise to what they are along a path that is determined. States are hidden at first, and each is told at
one step and stays: a row's variables are told at evenly spread steps, in an order of its own, so that hardly two are
told at once, and each knows those before it. What is given is told from the first.

Source: Song, Meng and Ermon 2021, "Denoising diffusion implicit models", equation 12 (numbers); Austin et al. 2021,
"Structured denoising diffusion models in discrete state-spaces", 3.1 (states that are hidden, or told).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from generators.columns import Floats
from generators.diffusion.denoiser import TOLD, WAVES, Denoiser, signal_and_noise, times_of
from generators.discrete.cells import Codes
from generators.discrete.products import ROWS, dot, padded, times
from generators.encoded.layout import Floats32

CHUNK = 128
"""Rows are worked on so many at a time, which the processor's second cache holds."""

STABLE = np.float32(1e-5)
"""What is added to a variance before its root is taken, as torch does."""

SIXTH = np.float32(1 / 6)

FARTHEST = np.float32(5.0)
"""No number is told to be farther out."""

_WAVES = np.array(WAVES, np.float32)

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows that were drawn.

    Args:
        codes: their states, counted from their variable's first, shape (n, d).
        into: how far into its state's chance each uniform was, from 0 to 1, shape (n, d).
        numbers: shape (n, m).
    """

    codes: Codes
    into: Floats
    numbers: Floats32


class Reverse:
    """Goes from noise to rows.

    Args:
        denoiser: the network.
        first: where each variable's states begin, and where the last one's end, shape (d + 1,).
    """

    def __init__(self, denoiser: Denoiser, first: Ints) -> None:
        self._first, self._numbers = first, len(denoiser.speeds)
        self._path = np.stack(signal_and_noise(times_of(denoiser.steps)), axis=1)
        self._parts = (
            denoiser.embeddings,
            _filled(denoiser.numbers),
            denoiser.starts,
            np.stack([_filled(layer) for layer in denoiser.layers]),
            denoiser.shifts,
            denoiser.outputs,
            denoiser.biases,
            _filled(denoiser.velocities),
            denoiser.speeds,
        )

    @property
    def width(self) -> int:
        """How many uniforms a row takes: two a variable, and one a number."""
        return 2 * (len(self._first) - 1) + self._numbers

    def draw(self, u: Floats, codes: Codes | None = None, numbers: Floats32 | None = None) -> Drawn:
        """Draw rows.

        Args:
            u: in [0, 1), shape (n, width): which variables are told first, which states, and the noise of numbers.
            codes: the states that are given, counted from their variable's first, -1 for those to draw, shape (n, d);
                None to draw all.
            numbers: those that are given, NaN for any, shape (n, m).
        """
        return self._drawn(u, codes, numbers, np.empty(0))

    def shares(self, u: Floats) -> Floats:
        """How likely each state is on the whole: the mean of its chance when it is told, shape (states,).

        Args:
            u: of rows that are drawn, in [0, 1), shape (n, width).
        """
        sums = np.zeros(self._first[-1])
        self._drawn(u, None, None, sums)
        return sums / max(len(u), 1)

    def _drawn(self, u: Floats, codes: Codes | None, numbers: Floats32 | None, sums: Floats) -> Drawn:
        d = len(self._first) - 1
        noise = ndtri(np.maximum(u[:, 2 * d :], 2.0**-54)).astype(np.float32)
        codes = np.full((len(u), d), -1, np.int32) if codes is None else codes.copy()
        given = np.full(noise.shape, np.nan, np.float32) if numbers is None else numbers
        rows = Drawn(codes, np.zeros(codes.shape), noise.copy())
        of = (np.ascontiguousarray(u[:, :d]), np.ascontiguousarray(u[:, d : 2 * d]), noise)
        drawn = (codes, rows.into, rows.numbers)
        if d:
            _draw(of, drawn, (codes >= 0, given), sums, (self._first, self._path), self._parts)
        return rows


def _filled(matrix: Floats32) -> Floats32:
    """The matrix with its columns filled up to whole tiles."""
    filled = np.zeros((matrix.shape[0], padded(matrix.shape[1])), np.float32)
    filled[:, : matrix.shape[1]] = matrix
    return filled


@numba.njit(cache=True, nogil=True)
def _hardswish(x: Any) -> Any:
    return x * min(max(x * SIXTH + np.float32(0.5), np.float32(0.0)), np.float32(1.0))


@numba.njit(cache=True, nogil=True)
def _normalised(row: Floats32, ones: Floats32, into: Floats32) -> None:
    """Numbers brought to mean 0 and variance 1."""
    width = np.float32(len(row))
    mean = dot(row, ones) / width
    for k in range(len(row)):
        into[k] = row[k] - mean
    scale = np.float32(1.0) / np.sqrt(dot(into, into) / width + STABLE)
    for k in range(len(row)):
        into[k] *= scale


@numba.njit(cache=True, nogil=True)
def _tell(numbers: Floats32, told: Floats32) -> None:
    """What the network is told of noisy numbers: shape (n, m) to (n, m * TOLD)."""
    n, m = numbers.shape
    waves = len(_WAVES)
    for i in range(n):
        for j in range(m):
            x, at = numbers[i, j], j * TOLD
            told[i, at] = x
            for k in range(waves):
                told[i, at + 1 + k] = np.float32(math.sin(x * _WAVES[k]))
                told[i, at + 1 + waves + k] = np.float32(math.cos(x * _WAVES[k]))


@numba.njit(cache=True, nogil=True)
def _add(row: Floats32, more: Floats32) -> None:
    for k in range(len(row)):
        row[k] += more[k]


@numba.njit(cache=True, nogil=True)
def _when(turns: Floats, given: Mask, steps: int, when: Codes) -> None:
    """The step at which each variable of a row is told; -1 for those that are given."""
    d = len(turns)
    hidden, total = 0, 0.0
    for j in range(d):
        when[j] = -1
        if not given[j]:
            hidden += 1
            total += turns[j]
    shift = total * 1024.0 - math.floor(total * 1024.0)  # as good as a uniform of its own
    for j in range(d):
        if not given[j]:
            rank = 0
            for k in range(d):
                if not given[k] and (turns[k] < turns[j] or (turns[k] == turns[j] and k < j)):
                    rank += 1
            when[j] = min(int((rank + shift) / hidden * steps), steps - 1)


@numba.njit(cache=True, nogil=True)
def _pick(
    last: Floats32, outputs: Floats32, biases: Floats32, u: float, chances: Floats, sums: Floats
) -> tuple[int, float]:
    """Draw one variable's state, and say how far into its chance the uniform is.

    Args:
        last: what the network came to, shape (h,).
        outputs: of the variable's states, shape (k, h).
        biases: theirs, shape (k,).
        u: the uniform.
        chances: room for k numbers.
        sums: takes the chances, added to what is there, shape (k,); empty to take none.
    """
    count = len(biases)
    most = np.float32(-3e38)
    for k in range(count):
        logit = dot(last, outputs[k]) + biases[k]
        chances[k] = logit
        most = max(most, logit)
    total = 0.0
    for k in range(count):
        chances[k] = math.exp(chances[k] - most)
        total += chances[k]
    for k in range(len(sums)):
        sums[k] += chances[k] / total
    left, at = u * total, 0
    while at < count - 1 and left >= chances[at]:
        left -= chances[at]
        at += 1
    while chances[at] == 0.0 and at > 0:
        at -= 1
    return at, min(left / chances[at], 1.0)


@numba.njit(cache=True, nogil=True)
def _through(step: int, state: Floats32, rooms: tuple[Floats32, ...], parts: tuple[Any, ...]) -> None:
    """Take rows through the layers.

    Args:
        step: which.
        state: what the states that are told add up to, shape (rows, h).
        rooms: take what the network comes to, for products, and have what it is told of numbers.
        parts: the weights, as `Reverse` has them.
    """
    starts, layers, shifts = parts[2], parts[3], parts[4]
    last, normal, more, told = rooms
    rows, h = state.shape
    ones = np.ones(h, np.float32)
    if told.shape[1]:
        times(told, parts[1], more)
    for i in range(rows):
        row = last[i]
        for k in range(h):
            row[k] = state[i, k] + starts[step, k]
        if told.shape[1]:
            _add(row, more[i, :h])
    for layer in range(len(layers)):
        for i in range(rows):
            _normalised(last[i], ones, normal[i])
        times(normal, layers[layer], more)
        for i in range(rows):
            row, sums, shift = last[i], more[i], shifts[step, layer]
            for k in range(h):
                row[k] += _hardswish(sums[k] + shift[k])
    for i in range(rows):
        _normalised(last[i], ones, last[i])


@numba.njit(cache=True, nogil=True)
def _onward(
    numbers: Floats32, given: Floats32, noise: Floats32, moves: tuple[Floats32, Floats32], path: Floats
) -> None:
    """Take numbers one step along their path; those that are given are as noisy as they would be.

    Args:
        numbers: those before, and then those after, shape (n, m).
        given: those that are given, NaN for others, shape (n, m).
        noise: what all begin as, shape (n, m).
        moves: the velocities, their columns filled up to whole tiles, and the biases of these.
        path: the signal and the noise before the step and after it, shape (2, 2).
    """
    velocities, speeds = moves
    for i in range(len(numbers)):
        for j in range(numbers.shape[1]):
            x, velocity = numbers[i, j], velocities[i, j] + speeds[j]
            clean = min(max(path[0, 0] * x - path[0, 1] * velocity, -FARTHEST), FARTHEST)
            blur = path[0, 1] * x + path[0, 0] * velocity
            if not np.isnan(given[i, j]):
                clean, blur = given[i, j], noise[i, j]
            numbers[i, j] = path[1, 0] * clean + path[1, 1] * blur


@numba.njit(cache=True, nogil=True)
def _draw(
    u: tuple[Floats, Floats, Floats32],
    rows: tuple[Codes, Floats, Floats32],
    held: tuple[Mask, Floats32],
    sums: Floats,
    plan: tuple[Ints, Floats],
    parts: tuple[Any, ...],
) -> None:
    """See `Reverse.draw`.

    Args:
        u: which variables are told first, which states, and the noise that numbers begin as.
        rows: the states, those given in place, how far into their chances uniforms are, and the numbers: that noise.
        held: which variables are given, and the numbers that are, NaN for others.
        sums: take the chances of all states, if they are any.
        plan: where each variable's states begin; signal and noise before the first step and after each.
        parts: the weights, as `Reverse` has them.
    """
    turns, picks, noise = u
    codes, into, numbers = rows
    given, fixed = held
    first, path = plan
    embeddings, outputs, biases, velocities = parts[0], parts[5], parts[6], parts[7]
    n, d = codes.shape
    m, h, steps = numbers.shape[1], embeddings.shape[1], len(path) - 1
    last, normal = np.zeros((CHUNK, h), np.float32), np.zeros((CHUNK, h), np.float32)
    more, about = np.zeros((CHUNK, parts[3].shape[2]), np.float32), np.zeros((CHUNK, m * TOLD), np.float32)
    moves, chances = np.zeros((CHUNK, velocities.shape[1]), np.float32), np.zeros(len(biases))
    when = np.zeros((CHUNK, d), np.int32)
    for low in range(0, n, CHUNK):
        high = min(low + CHUNK, n)
        whole = -(-(high - low) // ROWS) * ROWS
        state = np.zeros((whole, h), np.float32)
        rooms = (last[:whole], normal[:whole], more[:whole], about[:whole])
        for i in range(high - low):
            _when(turns[low + i], given[low + i], steps, when[i])
            for j in range(d):
                if given[low + i, j]:
                    _add(state[i], embeddings[first[j] + codes[low + i, j]])
        for step in range(steps):
            if m:
                _tell(numbers[low:high], rooms[3])
            _through(step, state, rooms, parts)
            for i in range(high - low):
                for j in range(d):
                    if when[i, j] == step:
                        start, end = first[j], first[j + 1]
                        of = sums[start:end] if len(sums) else sums
                        row = low + i
                        codes[row, j], into[row, j] = _pick(
                            last[i], outputs[start:end], biases[start:end], picks[row, j], chances, of
                        )
                        _add(state[i], embeddings[start + codes[row, j]])
            if m:
                times(last[:whole], velocities, moves[:whole])
                at = slice(low, high)
                _onward(numbers[at], fixed[at], noise[at], (moves, parts[8]), path[step : step + 2])
