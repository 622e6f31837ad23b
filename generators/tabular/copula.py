"""A Gaussian copula: every column as its profile says, tied together by the correlations of normals behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtr, ndtri

from generators.base import Generator
from generators.columns import (
    Columns,
    categorical,
    column_parts,
    intervals_of,
    pieces_of,
    place,
    without,
)
from generators.cost import Cost, Learns
from generators.domain import Domain
from generators.given import Held, alike, arrays_of, held_columns
from generators.invented.surrogates import Surrogates
from generators.latent.dependence import correlations, ordered, variables_of
from generators.latent.gaussian import GRID, LATENTS, REACH, cholesky, conditional_latents, latents
from generators.latent.missing import Patterns, missing_cells, patterns_of
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.table import TableSchema

NODES = 128
"""Points of the integral over the normal behind a pattern."""

FAR = REACH + 2.0

Floats = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def _decode(x: Floats, reached: Floats, table: Floats, guide: npt.NDArray[np.int32]) -> Floats:
    """Turn normals into values: the tabulated distribution function, then the inverted marginal, both (d, n)."""
    d, n = x.shape
    per_unit = (GRID - 1) / (2.0 * REACH)
    last = 1.0 - 2.0**-53
    drawn = np.empty((d, n))
    for j in range(d):
        for i in range(n):
            at = (x[j, i] + REACH) * per_unit
            if at < 0.0:
                at = 0.0
            elif at > GRID - 1.001:
                at = GRID - 1.001
            k = int(at)
            u = reached[j, k] + (at - k) * (reached[j, k + 1] - reached[j, k])
            drawn[j, i] = place(u if u < last else last, table, guide[j])
    return drawn


class Copula(Generator):
    """Columns and missing-value patterns as functions of correlated normals.

    A column that may be missing is turned by its distribution function among the rows that have it, so that every
    marginal is the profile's. Source: Sklar 1959; Nelsen 2006, "An Introduction to Copulas", 2.3.

    Args:
        schema: what the columns are.
        profile: their marginals.
        surrogates: the columns whose values are invented.
        groups: the columns that go missing together.
        orders: the order of the values of each category, by the column's place in the table.
        correlation: of the normals behind the modelled columns, then the groups with more than one pattern.
    """

    HELP: ClassVar[str] = "Gaussian copula: keeps marginals and how pairs of columns go together; fits in seconds"
    LEARNS: ClassVar[Learns] = Learns.PAIRS
    COST: ClassVar[Cost] = Cost(0.5, 2.0, 0.05)
    SETTINGS: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        schema: TableSchema,
        profile: Profile,
        surrogates: Surrogates,
        groups: list[Patterns],
        orders: Mapping[int, npt.NDArray[np.int32]],
        correlation: Floats,
    ) -> None:
        self.schema, self.profile, self.surrogates = schema, profile, surrogates
        self._groups, self._orders, self._correlation = groups, dict(orders), correlation
        self._drawn = [i for i, column in enumerate(schema) if not column.is_surrogate]
        self._varied = [g for g in groups if len(g.shares) > 1]
        pairs = [(schema.columns[i], profile.columns[i]) for i in self._drawn]
        self._columns = Columns(pairs)
        parts = [column_parts(*pair, self._orders.get(i)) for i, pair in zip(self._drawn, pairs, strict=True)]
        parts += [categorical(g.shares, np.arange(len(g.shares))) for g in self._varied]
        self._pieces = pieces_of(parts)
        self._lower = cholesky(correlation)
        self._reached = self._distribution_functions()

    def _distribution_functions(self) -> Floats:
        """Of each normal, given that its column has a value, at `LATENTS`; shape (variables, GRID)."""
        table = np.tile(ndtr(LATENTS), (len(self._correlation), 1))
        for g, group in enumerate(self._varied):
            at = len(self._drawn) + g
            edges = np.concatenate([[0.0], np.cumsum(group.shares)])
            for q, column in enumerate(group.columns):
                if int(column) not in self._drawn:
                    continue
                j = self._drawn.index(int(column))
                r = self._correlation[j, at]
                has = np.flatnonzero(~group.missing[:, q] & (group.shares > 0))
                if r == 0.0 or len(has) == 0:
                    continue
                nodes = (np.arange(NODES) + 0.5) / NODES
                total = np.zeros(GRID)
                for k in has:
                    t = ndtri((edges[k] + nodes * (edges[k + 1] - edges[k])).clip(1e-12, 1 - 1e-12))
                    within = ndtr((LATENTS[:, None] - r * t) / np.sqrt(1.0 - r * r)).mean(axis=1)
                    total += group.shares[k] * within
                table[j] = total / group.shares[has].sum()
        return table

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Learn the order of categories, the missing-value patterns and the correlations."""
        table, schema, profile, progress = task.table, task.schema, task.profile, task.progress
        surrogates = task.surrogates()
        progress(0.3, "missing values")
        groups, of_rows = patterns_of(missing_cells(table, schema))
        varied = [(g, codes) for g, codes in zip(groups, of_rows, strict=True) if len(g.shares) > 1]
        progress(0.4, "orders of categories")
        drawn = [i for i, column in enumerate(schema) if not column.is_surrogate]
        variables = variables_of(table, schema, profile, varied)
        found, scores = ordered(variables)
        progress(0.8, "correlations")
        apart = _apart(drawn, [g for g, _ in varied])
        correlation = correlations(scores, apart) if scores else np.empty((0, 0))
        orders = {i: found[j].astype(np.int32) for j, i in enumerate(drawn) if profile.columns[i].values}
        sorted_groups = iter(_reordered(g, found[len(drawn) + k]) for k, (g, _) in enumerate(varied))
        groups = [next(sorted_groups) if len(g.shares) > 1 else g for g in groups]
        progress(1.0, "copula")
        return cls(schema, profile, surrogates, groups, orders, correlation)

    @property
    def width(self) -> int:
        """One uniform a normal, then those of the invented values."""
        return len(self._correlation) + self.surrogates.width

    def sample(
        self, n: int, uniforms: npt.NDArray[np.float64], given: Mapping[str, Any] | None = None
    ) -> pa.RecordBatch:
        """Draw rows; see `Generator.sample`. Exact when one column is given, see `conditional_latents`."""
        held = held_columns({} if given is None else given, n, self.schema, self.profile, self.surrogates)
        x = self._held_latents(uniforms, held) if held else latents(uniforms, self._lower)
        drawn = _decode(x, self._reached, self._pieces.table, self._pieces.guide)
        present = self._present(n, drawn[len(self._drawn) :])
        arrays = self.surrogates.draw(uniforms[:, len(self._correlation) :], arrays_of(held))
        for index, column in held.items():
            present[index] = column.present
            if index in arrays:
                arrays[index] = column.values
            else:
                drawn[self._drawn.index(index)] = column.places
        for index, array in arrays.items():
            arrays[index] = without(array, present[index]) if index in present else array
        for j, index in enumerate(self._drawn):
            arrays[index] = self._columns.array(j, drawn[j], present.get(index))
        return pa.record_batch([arrays[i] for i in range(len(arrays))], schema=self.schema.arrow_schema)

    def domain(self, name: str) -> Domain:
        """See `Generator.domain`; values go missing as often as their patterns say."""
        at = self.schema.names.index(name) if name in self.schema.names else -1
        missing = [float(g.shares[g.missing[:, g.columns == at].any(axis=1)].sum()) for g in self._groups]
        return replace(super().domain(name), null_share=sum(missing))

    def _present(self, n: int, patterns: Floats) -> dict[int, npt.NDArray[np.bool_]]:
        varied = iter(patterns)
        present: dict[int, npt.NDArray[np.bool_]] = {}
        for group in self._groups:
            codes = next(varied).astype(np.int64) if len(group.shares) > 1 else np.zeros(n, np.int64)
            for q, column in enumerate(group.columns):
                present[int(column)] = ~group.missing[codes, q]
        return present

    def _held_latents(self, uniforms: Floats, held: Mapping[int, Held]) -> Floats:
        """The normals behind rows that hold columns: rows with the same of these missing are drawn together."""
        x = np.empty((len(self._correlation), len(uniforms)))
        missing = np.column_stack([~column.present for column in held.values()])  # (n, held)
        first, kinds = alike(list(missing.T), len(uniforms))
        ends = {i: self._ends(i, column) for i, column in held.items() if i in self._drawn}
        for kind, gone in enumerate(missing[first]):
            rows = slice(None) if len(first) == 1 else np.flatnonzero(kinds == kind)
            of_columns = dict(zip(held, gone, strict=True))
            bounds = [(self._drawn.index(i), ends[i][:, rows]) for i in ends if not of_columns[i]]
            x[:, rows] = self._bounded(uniforms[rows], bounds, self._allowed(of_columns))
        return x

    def _bounded(
        self, uniforms: Floats, bounds: list[tuple[int, Floats]], allowed: Mapping[int, npt.NDArray[np.bool_]]
    ) -> Floats:
        """Normals with some variables between bounds, and patterns among those allowed.

        The first bounded variable is drawn by its own distribution among the rows that have its column, and the
        patterns given it: for one column that is exact.

        Args:
            uniforms: shape (n, d) or wider.
            bounds: the variables, each with its `_ends`.
            allowed: of patterns of missing values, by their place among those that vary.
        """
        first = [j for j, _ in bounds] + [len(self._drawn) + g for g in allowed]
        turned = np.array(first + [j for j in range(len(self._correlation)) if j not in first], np.int64)
        low, high = np.empty((2, len(bounds), len(uniforms)))
        for row, (j, (from_, to, low_end, high_end)) in enumerate(bounds):
            low[row], high[row] = low_end, high_end
            if row == 0:
                low[0] = high[0] = np.interp(from_ + (to - from_) * uniforms[:, 0], self._reached[j], LATENTS)
        most = max((int(patterns.sum()) for patterns in allowed.values()), default=1)
        ends = np.zeros((2, len(allowed), most))
        for row, (g, patterns) in enumerate(allowed.items()):
            edges = np.concatenate(
                [[-FAR], ndtri(np.cumsum(self._varied[g].shares)[:-1].clip(1e-15, 1 - 1e-15)), [FAR]]
            )
            ends[0, row, : patterns.sum()], ends[1, row, : patterns.sum()] = edges[:-1][patterns], edges[1:][patterns]
        parts = np.array([patterns.sum() for patterns in allowed.values()], np.int64)
        lower = cholesky(self._correlation[np.ix_(turned, turned)])
        x = np.empty((len(turned), len(uniforms)))
        x[turned] = conditional_latents(uniforms, lower, low, high, ends, parts)
        return x

    def _allowed(self, gone: Mapping[int, bool]) -> dict[int, npt.NDArray[np.bool_]]:
        """The patterns, of the groups that vary, in which columns are missing or not; only where some are not.

        Raises:
            InputError: there are none.
        """
        found: dict[int, npt.NDArray[np.bool_]] = {}
        for g, group in enumerate(self._varied):
            allowed = group.shares > 0
            for q, column in enumerate(group.columns):
                if int(column) in gone:
                    allowed &= group.missing[:, q] == gone[int(column)]
            if not allowed.any():
                names = ", ".join(self.schema.names[i] for i in gone)
                raise InputError(f"given {names}: these are never missing and present together")
            if not allowed.all():
                found[g] = allowed
        return found

    def _ends(self, index: int, held: Held) -> Floats:
        """What becomes the held values of a column: from where and up to where, as uniforms and as normals; (4, n)."""
        first, kind = alike([held.places, held.present], len(held.places))
        j, taken = self._drawn.index(index), held.values.take(first)
        column, profile = self.schema.columns[index], self.profile.columns[index]
        from_, to = intervals_of(column, profile, self._pieces, j, (taken, held.places[first]))
        low = np.where(from_ <= 0, -FAR, np.interp(from_, self._reached[j], LATENTS))
        high = np.where(to >= 1, FAR, np.interp(to, self._reached[j], LATENTS))
        return np.stack([from_, to, low, high])[:, kind]

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """Correlations, orders of categories, patterns, and the pools of invented values."""
        found: dict[str, npt.NDArray[Any]] = {"correlation": self._correlation, **self.surrogates.weights()}
        found |= {f"order.{i}": order for i, order in self._orders.items()}
        for g, group in enumerate(self._groups):
            found |= {f"missing.{g}.{part}": array for part, array in group.weights().items()}
        return found

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], schema: TableSchema, profile: Profile) -> Self:
        """Rebuild the model that `weights` came from."""
        orders = {int(name.split(".")[1]): a for name, a in weights.items() if name.startswith("order.")}
        count = len({name.split(".")[1] for name in weights if name.startswith("missing.")})
        parts = ("columns", "missing", "shares")
        groups = [Patterns.from_weights({p: weights[f"missing.{g}.{p}"] for p in parts}) for g in range(count)]
        surrogates = Surrogates.from_weights(weights, schema, profile)
        return cls(schema, profile, surrogates, groups, orders, weights["correlation"])


def _apart(drawn: list[int], groups: list[Patterns]) -> npt.NDArray[np.bool_]:
    """A group and the columns it leaves out are told apart by nothing but the pattern itself."""
    size = len(drawn) + len(groups)
    apart = np.zeros((size, size), bool)
    for g, group in enumerate(groups):
        for column in group.columns:
            if int(column) in drawn:
                j = drawn.index(int(column))
                apart[j, len(drawn) + g] = apart[len(drawn) + g, j] = True
    return apart


def _reordered(group: Patterns, order: npt.NDArray[np.int64]) -> Patterns:
    return Patterns(group.columns, group.missing[order], group.shares[order])


GENERATOR = Copula
