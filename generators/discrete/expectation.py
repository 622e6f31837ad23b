"""Expectation maximisation for a finite mixture of independent columns of cells.

The kinds' chances have a Dirichlet prior, one for each column, whose weight is learned with them: columns that hardly
differ between kinds are smoothed much, one that follows from another is left alone. Its centre is the table's marginal;
in columns of numbers, the marginal times how much more often the kind has numbers near each.

Source: Dempster, Laird and Rubin 1977; stepwise updates after Cappé and Moulines 2009, "Online EM", and Liang and Klein
2009; the prior's weight by Minka 2000, "Estimating a Dirichlet distribution", equation 55, with the marginal held.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import digamma, logsumexp

from generators.discrete.cells import Cells, Codes
from generators.discrete.products import dot
from generators.task import Progress

FIRST_WEIGHT = 0.75
"""A prior weighs as much as so many rows for every cell of its column, until it is learned."""

LEAST_WEIGHT, MOST_WEIGHT = 0.05, 1e5
NEAR = 0.05
"""How far around a cell its neighbours count, as a standard deviation in shares of the column's rows."""

FROM_ALL = 5.0
"""So many rows of the marginal are among the neighbours."""

TURNS = 3
"""How often the weights are brought nearer to their best after each pass."""

HELD_BACK = 0.1
"""The share of rows that tell when to stop."""

FEWEST_HELD = 50
BATCHES, LARGEST_BATCH, SMALLEST_BATCH = 16, 2_048, 128
"""A pass is cut into so many batches at the least, unless they would be too small."""

DECAY = 0.6
"""The weight of the t-th batch is (t + 2) ** -DECAY."""

PATIENCE = 4
"""So many passes in a row without a gain on the rows held back end it."""

GAIN = 5e-4
"""What counts as a gain, in nats a row."""

MOST_PASSES = 200
FITTINGS = 20
"""How often an updated mixture's marginals are brought to the table's."""

CHUNKS = 4
"""Rows are worked on in so many parts at once, whatever the number of cores: sums must not depend on it."""

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Kinds:
    """A fitted mixture.

    Args:
        shares: the probability of each kind, shape (kinds,).
        chances: by kind the probability of each cell, shape (kinds, cells).
    """

    shares: Floats32
    chances: Floats32


@numba.njit(cache=True, nogil=True)
def _expect(codes: Codes, first: npt.NDArray[np.int64], log_shares: Floats32, logs: Floats32, sums: Floats32) -> float:
    """Add each row's kinds to the sums, and give back the rows' log-likelihood.

    Args:
        codes: the rows, -1 where a cell is unknown, shape (n, d).
        first: where each column's cells begin, shape (d + 1,).
        log_shares: of the kinds, shape (kinds,).
        logs: the logarithm of each cell's chance in each kind, shape (cells, kinds).
        sums: the weight of each kind in each cell and, in the last row, in all, shape (cells + 1, kinds); of no rows
            to add up nothing.
    """
    n, d = codes.shape
    kinds = len(log_shares)
    total = 0.0
    weight, ones = np.empty(kinds, np.float32), np.ones(kinds, np.float32)
    for i in range(n):
        for k in range(kinds):
            weight[k] = log_shares[k]
        for j in range(d):
            if codes[i, j] >= 0:
                row = logs[first[j] + codes[i, j]]
                for k in range(kinds):
                    weight[k] += row[k]
        most = weight.max()
        for k in range(kinds):
            weight[k] = np.exp(weight[k] - most)
        whole = dot(weight, ones)
        total += np.log(whole) + most
        if sums.shape[0] == 0:
            continue
        for k in range(kinds):
            weight[k] /= whole
            sums[-1, k] += weight[k]
        for j in range(d):
            if codes[i, j] >= 0:
                seen = sums[first[j] + codes[i, j]]
                for k in range(kinds):
                    seen[k] += weight[k]
    return total


def fit_mixture(codes: Codes, cells: Cells, kinds: int, max_seconds: float, seed: int, progress: Progress) -> Kinds:
    """Fit a mixture, stopping when rows held back gain nothing more.

    Args:
        codes: the rows, as `Cells.codes` gives them, shape (n, d).
        cells: what they are.
        kinds: how many kinds of rows there are.
        max_seconds: stop after so long.
        seed: seeds the first kinds and the order of rows.
        progress: told how far it has come.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    aside, rows = _held_back(codes, rng)
    em = _Em(cells, kinds, rows, rng)
    em.restart(_best(em, rows, aside, rng, max_seconds, progress))
    em.settle(codes)
    return em.kinds()


def update_mixture(
    codes: Codes, cells: Cells, kinds: Kinds, known_rows: int, max_seconds: float, seed: int, progress: Progress
) -> Kinds:
    """Go on from a mixture with other rows, by the same steps: those it has seen count as steps behind it.

    Args:
        codes: the rows, as `Cells.codes` gives them, shape (n, d).
        cells: what they are.
        kinds: the mixture, of these cells.
        known_rows: how many rows it has seen.
        max_seconds: stop after so long.
        seed: seeds the order of rows.
        progress: told how far it has come.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    aside, rows = _held_back(codes, rng)
    em = _Em(cells, len(kinds.shares), rows, rng)
    em.go_on_from(kinds, known_rows)
    return fitted(_best(em, rows, aside, rng, max_seconds, progress), cells)


def fitted(kinds: Kinds, cells: Cells) -> Kinds:
    """A mixture whose marginals are the table's.

    Source: Deming and Stephan 1940, "On a least squares adjustment of a sampled frequency table".
    """
    shares, chances = kinds.shares.astype(np.float64), kinds.chances.astype(np.float64)
    shares /= shares.sum()
    for first, end in pairwise(cells.first.tolist()):
        part = chances[:, first:end]
        for _ in range(FITTINGS):
            part *= cells.share[first:end] / np.maximum(shares @ part, 1e-12)
            part /= np.maximum(part.sum(axis=1, keepdims=True), 1e-12)
    return Kinds(kinds.shares, chances.astype(np.float32))


def _held_back(codes: Codes, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """The rows that tell when to stop, and the others."""
    order = rng.permutation(len(codes))
    held = max(int(HELD_BACK * len(codes)), min(FEWEST_HELD, len(codes) // 2))
    return codes[order[:held]], codes[order[held:]]


def _best(
    em: _Em, rows: Codes, aside: Codes, rng: np.random.Generator, max_seconds: float, progress: Progress
) -> Kinds:
    """Pass over the rows until those held back gain nothing more: the mixture they liked best."""
    best, best_gain, idle = em.kinds(), em.log_likelihood(aside), 0
    began = time.monotonic()
    for turn in range(MOST_PASSES):
        em.learn(rows[rng.permutation(len(rows))])
        gained = em.log_likelihood(aside)
        idle = 0 if gained > best_gain + GAIN else idle + 1
        if gained > best_gain:
            best, best_gain = em.kinds(), gained
        spent = time.monotonic() - began
        progress(min(max(spent / max_seconds, turn / MOST_PASSES), 0.99), f"pass {turn + 1}, {-gained:.3f} nats a row")
        if idle >= PATIENCE or spent > max_seconds:
            break
    return best


@dataclass
class _Prior:
    """A Dirichlet prior of the kinds' chances of some cells.

    Args:
        weight: so many rows it weighs.
    """

    weight: float

    def learn(self, seen: Floats, centre: Floats) -> None:
        """Bring the weight nearer to the one that makes what the kinds saw most likely.

        Args:
            seen: rows by cell and kind, shape (cells, kinds).
            centre: the middle of the prior, shape (cells, kinds) or (cells, 1).
        """
        in_all = seen.sum(axis=0)
        for _ in range(TURNS):
            prior = self.weight * centre + 1e-9
            gain = (centre * (digamma(seen + prior) - digamma(prior))).sum()
            cost = (digamma(in_all + self.weight) - digamma(self.weight)).sum()
            self.weight = float(np.clip(self.weight * gain / max(cost, 1e-9), LEAST_WEIGHT, MOST_WEIGHT))

    def chances(self, seen: Floats, centre: Floats) -> Floats:
        """The cells' chances, summing to 1 by kind, shape (cells, kinds)."""
        smoothed = seen + self.weight * centre + 1e-12
        return np.asarray(smoothed / smoothed.sum(axis=0))


class _Column:
    """What the kinds' chances in one column are, by what they have seen. Whether there is a value comes before which.

    Args:
        cells: the cells of the table.
        j: the column.
    """

    def __init__(self, cells: Cells, j: int) -> None:
        first, end = cells.first[j : j + 2].tolist()
        self.cells = slice(first, end)
        self._null = int(cells.null[j])
        share = cells.share[first:end, None]
        values = share if self._null < 0 else share[:-1]
        self._share: Floats = values / max(values.sum(), 1e-12)
        self._there = np.array([values.sum(), 1.0 - values.sum()])[:, None]
        self._near = _near(self._share[:, 0]) if cells.ordered[j] and len(values) > 1 else None
        self._which, self._whether = _Prior(FIRST_WEIGHT * len(values)), _Prior(FIRST_WEIGHT)

    def learn(self, seen: Floats) -> None:
        """Learn how much to smooth, from the rows each kind saw in each cell, shape (cells, kinds)."""
        values = seen if self._null < 0 else seen[:-1]
        self._which.learn(values, self._centre(values))
        if self._null >= 0:
            self._whether.learn(np.stack([values.sum(axis=0), seen[-1]]), self._there)

    def chances(self, seen: Floats) -> Floats:
        """The chances that follow, shape (cells, kinds)."""
        values = seen if self._null < 0 else seen[:-1]
        which = self._which.chances(values, self._centre(values))
        if self._null < 0:
            return which
        whether = self._whether.chances(np.stack([values.sum(axis=0), seen[-1]]), self._there)
        return np.append(which * whether[0], whether[1:], axis=0)

    def _centre(self, seen: Floats) -> Floats:
        """The middle of the prior, shape (cells, kinds), or (cells, 1) where it is the same for all kinds."""
        if self._near is None:
            return self._share
        expected = self._near @ self._share
        around: Floats = self._share * (self._near @ seen + FROM_ALL * expected) / expected
        centre: Floats = around / around.sum(axis=0)
        return centre


def _near(share: Floats) -> Floats:
    """How much each cell counts for each, by the share of rows between them, shape (cells, cells)."""
    middle = np.cumsum(share) - share / 2
    return np.asarray(np.exp(-0.5 * ((middle[:, None] - middle) / NEAR) ** 2))


def _batch_rows(rows: int) -> int:
    return min(max(rows // BATCHES, SMALLEST_BATCH), LARGEST_BATCH)


class _Em:
    """The state of EM: what the kinds have seen, and the chances that follow."""

    def __init__(self, cells: Cells, kinds: int, rows: Codes, rng: np.random.Generator) -> None:
        self._first, self._kinds, self._step = cells.first, kinds, 0
        self._columns = [_Column(cells, j) for j in range(len(cells.columns))]
        chances = np.tile(0.7 * cells.share[:, None], (1, kinds))  # (cells, kinds)
        begun = rows[rng.integers(0, len(rows), kinds)] if len(rows) else np.empty((0, len(cells.columns)), np.int32)
        for j, start in enumerate(cells.first[:-1].tolist()):
            known = np.flatnonzero(begun[:, j] >= 0)
            chances[start + begun[known, j], known] += 0.3
        self._seen = np.append(chances, np.ones((1, kinds)), axis=0) / kinds
        self._sums = np.zeros((CHUNKS, len(cells.share) + 1, kinds), np.float32)
        self._threads = ThreadPoolExecutor(CHUNKS)
        self._rows = max(len(rows), 1)
        self._maximise()

    def learn(self, rows: Codes) -> None:
        """One pass over rows, a batch at a time; then the priors."""
        size = _batch_rows(len(rows))
        for at in range(0, len(rows), size):
            batch = rows[at : at + size]
            eta = (self._step + 2.0) ** -DECAY
            self._seen += eta * (self._expected(batch) - self._seen)
            self._step += 1
            self._maximise()
        for column in self._columns:
            column.learn(self._seen[column.cells] * self._rows)

    def go_on_from(self, kinds: Kinds, known_rows: int) -> None:
        """Become a mixture that has seen so many rows."""
        shares = kinds.shares.astype(np.float64) / kinds.shares.sum(dtype=np.float64)
        self._seen = np.append(shares * kinds.chances.T, shares[None], axis=0)
        self._step = known_rows // _batch_rows(self._rows)
        self._rows += known_rows
        for column in self._columns:
            column.learn(self._seen[column.cells] * self._rows)
        self.restart(kinds)

    def settle(self, rows: Codes) -> None:
        """One whole step of EM: the marginals are then those of all rows."""
        self._seen = self._expected(rows)
        self._maximise()

    def log_likelihood(self, rows: Codes) -> float:
        """The mean over rows, in nats."""
        return self._expect(rows, np.empty((CHUNKS, 0, 0), np.float32)) / max(len(rows), 1)

    def kinds(self) -> Kinds:
        """The mixture as it is."""
        return Kinds(np.exp(self._log_shares), np.ascontiguousarray(np.exp(self._logs).T))

    def restart(self, kinds: Kinds) -> None:
        """Go back to a mixture."""
        self._log_shares = np.log(kinds.shares)
        self._logs = np.ascontiguousarray(np.log(kinds.chances).T)

    def _expected(self, rows: Codes) -> Floats:
        """What the kinds see in rows, a row's share each, shape (cells + 1, kinds)."""
        self._sums[:] = 0.0
        self._expect(rows, self._sums)
        return np.asarray(self._sums.sum(axis=0, dtype=np.float64) / max(len(rows), 1))

    def _expect(self, rows: Codes, sums: Floats32) -> float:
        """Work on rows in chunks, each with sums of its own."""
        ends = np.arange(CHUNKS + 1) * len(rows) // CHUNKS

        def chunk(c: int) -> float:
            return _expect(rows[ends[c] : ends[c + 1]], self._first, self._log_shares, self._logs, sums[c])

        return float(sum(self._threads.map(chunk, range(CHUNKS))))

    def _maximise(self) -> None:
        chances = [column.chances(self._seen[column.cells] * self._rows) for column in self._columns]
        nothing = np.empty((0, self._kinds))  # a table may have no columns that are learned
        self._logs = np.log(np.concatenate([nothing, *chances]) + 1e-12).astype(np.float32)
        shares = self._seen[-1] + 1.0 / self._rows / self._kinds
        self._log_shares = np.log(shares / shares.sum()).astype(np.float32)


def log_chances(codes: Codes, cells: Cells, kinds: Kinds) -> Floats:
    """The logarithm of the chance of each row, shape (n,).

    Args:
        codes: the rows, -1 where a cell is unknown, shape (n, d).
        cells: what the columns are cut into.
        kinds: the mixture.
    """
    with np.errstate(divide="ignore"):
        log_shares, logs = np.log(kinds.shares.astype(np.float64)), np.log(kinds.chances.astype(np.float64))
    found = np.empty(len(codes))
    for low in range(0, len(codes), LARGEST_BATCH):
        rows = codes[low : low + LARGEST_BATCH]
        by_kind = np.repeat(log_shares[:, None], len(rows), axis=1)  # (kinds, rows)
        for j, first in enumerate(cells.first[:-1]):
            by_kind += np.where(rows[:, j] >= 0, logs[:, first + np.maximum(rows[:, j], 0)], 0.0)
        found[low : low + LARGEST_BATCH] = logsumexp(by_kind, axis=0)
    return found
