"""A made-up stream of 20 columns whose panes are drawn as counts, or as records where bytes are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.signal import lfilter
from scipy.stats import norm

from monitors.pane import Pane, PaneLayout
from monitors.reference import Reference, change_reference
from schemas.profile import ColumnProfile, Profile
from schemas.rules import Range
from schemas.table import Column, Kind, TableSchema

KNOTS, SCALE, ROWS = 101, 1_000, 50_000
NULLS = 0.02
CATEGORY = np.array([0.1, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01])
NUMBERS = tuple(f"number{i}" for i in range(10))
CATEGORIES = tuple(f"category{i}" for i in range(10))
TOLERATED = 1e-4

Shares = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Law:
    """What records are drawn from.

    Args:
        shares: by column, the share of each cell.
        violations: by rule, the share of records that break it.
        correlation: of the normals behind the first two numbers.
    """

    shares: Shares
    violations: npt.NDArray[np.float64]
    correlation: float = 0.0


def number_profile(name: str) -> ColumnProfile:
    """Marginals of a number: normal, to whole thousandths, and sometimes missing."""
    levels = (np.arange(KNOTS) + 0.5) / KNOTS
    knots = np.round(norm.ppf(levels) * SCALE)
    inside = np.full(KNOTS - 1, 1 / (KNOTS - 1))
    nulls = round(NULLS * ROWS)
    return ColumnProfile(
        name, ROWS, nulls, ROWS - nulls, tuple(knots.tolist()), (0.0,) * KNOTS, tuple(inside.tolist()), step=1.0
    )


def category_profile(name: str) -> ColumnProfile:
    """Marginals of a category of ten values, sometimes missing."""
    values = tuple(f"value {i}" for i in range(len(CATEGORY)))
    nulls = round(NULLS * ROWS)
    return ColumnProfile(name, ROWS, nulls, len(values), values=values, shares=tuple(CATEGORY.tolist()))


SCHEMA = TableSchema(
    "watched",
    (
        *(Column(name, Kind.INTEGER, nullable=True) for name in NUMBERS),
        *(Column(name, Kind.CATEGORY, nullable=True) for name in CATEGORIES),
    ),
)
PROFILE = Profile(ROWS, (*map(number_profile, NUMBERS), *map(category_profile, CATEGORIES)))
RULES = tuple(Range(name, -1e9, 1e9) for name in NUMBERS[:3])
LAYOUT = PaneLayout(SCHEMA, PROFILE, RULES)
AT_ONCE = 100_000
SOFT = {rule.name: TOLERATED for rule in RULES}


def calm() -> Law:
    """The generator's own law."""
    return Law({name: bins.expected for name, bins in LAYOUT.bins.items()}, np.full(len(RULES), TOLERATED))


def shifted(sds: float) -> Law:
    """The mean of one number up by so many standard deviations."""
    law, name = calm(), NUMBERS[0]
    own = law.shares[name][:-1] / (1 - NULLS)
    scores = norm.ppf(np.clip(np.concatenate([[0.0], np.cumsum(own)]), 0, 1))
    moved = np.diff(norm.cdf(scores - sds)) * (1 - NULLS)
    return Law({**law.shares, name: np.append(moved, NULLS)}, law.violations)


def recategorised(share: float) -> Law:
    """One category's share at another value, the others less in proportion."""
    law, name = calm(), CATEGORIES[0]
    moved = np.append(share, CATEGORY[1:] / CATEGORY[1:].sum() * (1 - share)) * (1 - NULLS)
    return Law({**law.shares, name: np.concatenate([moved, [0.0, NULLS]])}, law.violations)


def unseen(share: float) -> Law:
    """A share of records in a category nobody knows."""
    law, name = calm(), CATEGORIES[0]
    moved = law.shares[name] * (1 - share)
    moved[-2] += share
    return Law({**law.shares, name: moved}, law.violations)


def nulled(share: float) -> Law:
    """One number missing in another share of records."""
    law, name = calm(), NUMBERS[0]
    own = law.shares[name][:-1]
    return Law({**law.shares, name: np.append(own / own.sum() * (1 - share), share)}, law.violations)


def violating(share: float) -> Law:
    """One rule broken by another share of records."""
    law = calm()
    return Law(law.shares, np.append(share, law.violations[1:]))


def correlated(r: float) -> Law:
    """Two numbers that go together."""
    law = calm()
    return Law(law.shares, law.violations, r)


def pane_of(rng: np.random.Generator, law: Law, records: int) -> Pane:
    """A pane whose columns' counts are multinomial draws, and whose numbers go together as the law says."""
    codes = np.empty((len(LAYOUT.bins), records), np.int32)
    for row, (name, share) in enumerate(law.shares.items()):
        codes[row] = np.repeat(np.arange(len(share), dtype=np.int32), rng.multinomial(records, share))
        if name in NUMBERS:
            rng.shuffle(codes[row])
    if law.correlation:
        first, noise = rng.normal(size=(2, records))
        second = law.correlation * first + np.sqrt(1 - law.correlation**2) * noise
        for row, z in enumerate((first, second)):
            upto = np.cumsum(law.shares[NUMBERS[row]][:-1]) / (1 - NULLS)
            cells = np.minimum(np.searchsorted(upto, norm.cdf(z)), len(upto) - 1)
            codes[row] = np.where(rng.random(records) < NULLS, len(upto), cells)
    pane = counted(codes)
    pane.counts[LAYOUT.violations] = rng.binomial(records, law.violations)
    return pane


def counted(codes: npt.NDArray[np.int32]) -> Pane:
    """The pane of records that are cells already, shape (columns, records)."""
    pane = Pane.empty(LAYOUT)
    LAYOUT.rows.add_codes(codes, np.zeros(0, np.int64), pane.counts[None])
    return pane


def reference_of(rng: np.random.Generator, rows: int) -> Reference:
    """The counts of so many of the generator's own rows, or a few more."""
    total = Pane.empty(LAYOUT)
    for _ in range(-(-rows // AT_ONCE)):
        total.add(pane_of(rng, calm(), AT_ONCE))
    return change_reference(LAYOUT, LAYOUT.rows.read(total.counts))


def codes_of(rng: np.random.Generator, pane: Pane) -> dict[str, npt.NDArray[np.int64]]:
    """By column, the cells of records that a pane counts, in an order of their own."""
    cells = {name: np.arange(bins.size) for name, bins in LAYOUT.bins.items()}
    return {name: rng.permutation(np.repeat(cells[name], pane.column(name))) for name in LAYOUT.bins}


def records_of(rng: np.random.Generator, pane: Pane) -> pa.RecordBatch:
    """Records that count as a pane does, its broken rules apart."""
    columns: list[pa.Array[Any]] = []
    for name, codes in codes_of(rng, pane).items():
        bins = LAYOUT.bins[name]
        missing = codes == bins.null
        if bins.ordered:
            low = np.concatenate([[bins.edges[0] - 10], bins.edges])
            width = np.append(np.diff(low), 10.0)
            spot = low[np.minimum(codes, len(low) - 1)] + 0.5  # edges lie half a unit below a number
            spot += np.floor(rng.random(len(codes)) * width[np.minimum(codes, len(low) - 1)])
            columns.append(pa.array(np.rint(spot).astype(np.int64), mask=missing))
        else:
            words = pa.array([*bins.values, "unheard of"])
            places: Any = pa.array(codes.astype(np.int32), mask=missing)
            columns.append(pa.DictionaryArray.from_arrays(places, words))
    return pa.record_batch(columns, schema=SCHEMA.arrow_schema)


class Dependent:
    """The same stream with records that follow on each other: numbers are AR(1), categories a Markov chain.

    Args:
        rng: what it is drawn by.
        keeps: the autocorrelation of numbers, and the chance that a category stays as it is.
    """

    def __init__(self, rng: np.random.Generator, keeps: float) -> None:
        self._rng, self._keeps = rng, keeps
        self._numbers = rng.normal(size=len(NUMBERS))
        self._categories = rng.choice(len(CATEGORY), len(CATEGORIES), p=CATEGORY)

    def pane(self, records: int) -> Pane:
        """The next records, counted."""
        rng, keeps = self._rng, self._keeps
        found = np.empty((len(LAYOUT.bins), records), np.int32)
        for i, name in enumerate(NUMBERS):
            noise = rng.normal(size=records) * np.sqrt(1 - keeps**2)
            values, _ = lfilter([1.0], [1.0, -keeps], noise, zi=[keeps * self._numbers[i]])
            self._numbers[i] = values[-1]
            codes = np.searchsorted(LAYOUT.bins[name].edges, values * SCALE, side="right")
            found[i] = self._missing(name, codes)
        for i, name in enumerate(CATEGORIES):
            fresh = np.append(self._categories[i], rng.choice(len(CATEGORY), records, p=CATEGORY))
            renewed = np.append(True, rng.random(records) >= keeps)
            codes = fresh[np.maximum.accumulate(np.where(renewed, np.arange(records + 1), 0))][1:]
            self._categories[i] = codes[-1]
            found[len(NUMBERS) + i] = self._missing(name, codes)
        pane = counted(found)
        pane.counts[LAYOUT.violations] = rng.binomial(records, TOLERATED, size=len(RULES))
        return pane

    def reference(self, rows: int, records: int) -> Reference:
        """The counts of its next rows, in panes of so many records."""
        total = Pane.empty(LAYOUT)
        for _ in range(rows // records):
            total.add(self.pane(records))
        return change_reference(LAYOUT, LAYOUT.rows.read(total.counts))

    def _missing(self, name: str, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The same with some of them missing."""
        return np.where(self._rng.random(len(codes)) >= NULLS, codes, LAYOUT.bins[name].null)
