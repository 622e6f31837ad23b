"""Rows given some of their columns, by networks that know no conditional distributions.

Many candidates for what a network takes are known, with all that comes of them. For each row one of them is drawn by
how likely it makes what is given, moved a little by numbers of the row's own, and the network makes the row of that. So
what a row becomes depends on its uniforms alone, takes one pass, and never fails.

Source: Rubin 1987, "The SIR algorithm" (importance resampling); Silverman 1986, "Density estimation", 6.4.1 (moving
what is drawn again).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from generators.columns import Floats
from generators.discrete.cells import Codes
from generators.encoded.calibration import NEVER
from generators.encoded.decoding import Decoder
from generators.encoded.layout import Floats32, normals_of
from generators.encoded.network import Network, log_chances, present_states
from generators.given import Held, alike
from generators.randomness import Key, Purpose, stream_key, uniforms

CANDIDATES = 8_192
"""So many are known."""

NEAR = 0.1
"""A number is met by one that is so far away, in standard deviations of a normal, as a normal is by its deviation."""

MOVED = 0.25
"""So large a part of the normals' deviation is the row's own."""

EVENLY = 0.5
"""In so many candidates each condition is as frequent as the next, so that there are some for rare ones."""

AT_ONCE = 128
"""What is given is compared with all candidates so many different rows at a time."""

KEY: Key = stream_key("candidates", 0, 0, 0, Purpose.DATA)


@dataclass(frozen=True, eq=False)
class Asked:
    """One variable that is given.

    Args:
        variable: which.
        low, high: the normals that become the value, shape (n,) each.
        codes: its state, -1 where that tells nothing, shape (n,).
        present: whether there is a value, shape (n,).
    """

    variable: int
    low: Floats
    high: Floats
    codes: Codes
    present: npt.NDArray[np.bool_]


class Candidates:
    """What a network may take, weighed by what is given.

    Args:
        network: the network.
        decoder: turns what it gives into records.
    """

    def __init__(self, network: Network, decoder: Decoder) -> None:
        self._decoder, self._layout, self._latent = decoder, decoder.layout, network.latent
        layout, biases = decoder.layout, decoder.calibration.biases
        u = uniforms(KEY, 0, CANDIDATES, network.width + layout.count)
        chances = network.chances
        evenly = (1 - EVENLY) * chances + EVENLY / max(len(chances), 1)
        self._inputs, condition = network.inputs(u, evenly)
        with np.errstate(divide="ignore"):
            weights = np.log(chances[condition] / evenly[condition]) if len(chances) else np.zeros(CANDIDATES)
        self._weights: Floats32 = weights.astype(np.float32)
        numbers, logits = network(self._inputs, layout.numbers)
        self._chances = np.ascontiguousarray(log_chances(logits, biases, layout).T)  # (states, candidates)
        codes, into = decoder.states(present_states(logits, layout, NEVER), u[:, network.width :])
        found = decoder.uniforms(network.spread(numbers, layout, into), codes, into)
        self._normals: Floats32 = np.ascontiguousarray(
            normals_of(found).T.astype(np.float32)
        )  # (variables, candidates)

    def inputs(self, fresh: Floats32, u: Floats, held: Mapping[int, Held]) -> Floats32:
        """What the network takes to make rows that have what is given.

        Args:
            fresh: normals of the rows' own, shape (n, latent) or wider.
            u: a uniform a row that decides, shape (n,).
            held: what is given, by the column's place in the table.

        Raises:
            InputError: a value that is never drawn.
        """
        asked = [found for at, column in held.items() if (found := self._asked(at, column)) is not None]
        inputs = self._inputs[self._chosen(asked, u)]
        own = fresh[:, : self._latent]
        inputs[:, : self._latent] = np.sqrt(1 - MOVED**2) * inputs[:, : self._latent] + MOVED * own
        return inputs

    def _asked(self, at: int, column: Held) -> Asked | None:
        n = len(column.present)
        low, high = (self._decoder.held(at, column, np.full(n, noise)) for noise in (0.0, 1.0))
        if low is None or high is None:
            return None
        return Asked(low[0], normals_of(low[1]), normals_of(high[1]), low[2], column.present)

    def _chosen(self, asked: Sequence[Asked], u: Floats) -> npt.NDArray[np.int64]:
        """Which candidate each row takes, shape (n,): rows that ask the same are weighed together."""
        first, which = alike([part for each in asked for part in (each.low, each.high, each.codes)], len(u))
        order, chosen = np.argsort(which, kind="stable"), np.zeros(len(u), np.int64)
        starts = np.searchsorted(which[order], np.arange(0, len(first) + AT_ONCE, AT_ONCE))
        for at, start, end in zip(range(0, len(first), AT_ONCE), starts[:-1], starts[1:], strict=False):
            weights = self._weighed(asked, first[at : at + AT_ONCE])
            rows = order[start:end]
            chosen[rows] = _drawn(weights, which[rows] - at, u[rows])
        return chosen

    def _weighed(self, asked: Sequence[Asked], rows: npt.NDArray[np.int64]) -> Floats32:
        """How well all candidates suit rows, as logarithms, shape (rows, candidates)."""
        layout, found = self._layout, np.tile(self._weights, (len(rows), 1))
        for each in asked:
            j, start = each.variable, int(layout.first[each.variable])
            if layout.number[j] < 0:
                codes = each.codes[rows]
                found[codes >= 0] += self._chances[start + codes[codes >= 0]]
                continue
            there, null = each.present[rows], int(layout.null[j])
            normals, low, high = self._normals[j], each.low[rows, None], each.high[rows, None]
            off = np.maximum(np.maximum(low - normals, normals - high), 0.0)
            found[there] -= (off[there] ** 2 / (2 * NEAR**2)).astype(np.float32)
            if null >= 0:
                missing = self._chances[start + null]
                found[~there] += missing
                found[there] += np.log1p(-np.exp(np.minimum(missing, -1e-6)))
        return found


@numba.njit(cache=True, nogil=True)
def _drawn(weights: Floats32, which: npt.NDArray[np.int64], u: Floats) -> npt.NDArray[np.int64]:
    """Draw a candidate a row.

    Args:
        weights: logarithms, shape (different rows, candidates).
        which: which of these a row is; rows that are the same stand together, shape (n,).
        u: decides, shape (n,).
    """
    found, latest = np.zeros(len(u), np.int64), -1
    upto = np.empty(weights.shape[1])
    for i in range(len(u)):
        if which[i] != latest:
            latest, total = which[i], 0.0
            most = weights[latest].max()
            for k in range(len(upto)):
                total += np.exp(np.float64(weights[latest, k] - most))
                upto[k] = total
        found[i] = min(np.searchsorted(upto, u[i] * upto[-1], side="right"), len(upto) - 1)
    return found
