"""A generator whose rows meet rules, whatever generator it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.constraints.asked import Asked, Translation, translated
from generators.constraints.plan import Arrays, Plan
from generators.constraints.redraw import Drawn, redrawn
from generators.constraints.units import array_of, units_at
from generators.domain import Domain
from generators.invented.distinct import Numbered, numbered_of
from generators.invented.surrogates import Surrogates
from generators.keys import DEFAULT_BASE
from generators.sampler import Sampler
from schemas.errors import InputError
from schemas.joint_rules import Unique
from schemas.numeric import NUMERIC_KINDS, as_numbers
from schemas.profile import Profile
from schemas.rules import IsNull, NotNull, Range, Rule
from schemas.table import Kind

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SPARE = 3
"""Uniforms a row takes beside the generator's: one draws combinations, two address what the row is drawn again from."""


class Constrained(Sampler):
    """Draws rows of a table by a generator of re-expressed ones, and again those that break a rule.

    Args:
        inner: fitted on what `plan` makes of the table.
        plan: how the table is re-expressed.
        profile: the marginals of the table, all of whose rows meet the rules.
        rules: what every row meets.
    """

    def __init__(self, inner: Sampler, plan: Plan, profile: Profile, rules: Sequence[Rule]) -> None:
        self.inner, self.plan, self.schema, self.profile, self.rules = inner, plan, plan.table, profile, tuple(rules)
        self.numbered = {name: self._numbers(name) for name in plan.numbered}
        places = {name: at for at, name in enumerate(inner.schema.names) if name not in self.numbered}
        self.surrogates = Surrogates(
            {
                at: inner.surrogates.columns[places[name]]
                for at, name in enumerate(plan.table.names)
                if places.get(name) in inner.surrogates.columns
            }
        )
        self.combined = plan.combined(inner.profile)

    def _numbers(self, name: str) -> Numbered:
        known, base = self.profile[name], self.inner.profile[name].key_base
        return numbered_of(self.schema[name], known.text, known.distinct, DEFAULT_BASE if base is None else base)

    @property
    def width(self) -> int:
        """How many uniforms one row takes."""
        return self.inner.width + SPARE

    def sample(self, n: int, uniforms: Floats, given: Mapping[str, Any] | None = None) -> pa.RecordBatch:
        """Draw rows; see `Sampler.sample`.

        Raises:
            InputError: as there; or what is given breaks a rule, or hardly any row with it meets the rules.
        """
        asked = Asked.of({} if given is None else given, n, self)
        width = self.inner.width
        drawn = self.drawn(uniforms[:, : width + 1], asked)
        if not drawn.off.any():
            return drawn.batch
        return redrawn(drawn, uniforms[:, width + 1 :], asked, self.drawn, width + 1)

    def drawn(self, uniforms: Floats, asked: Asked) -> Drawn:
        """Draw rows once, whether they break a rule or not.

        Args:
            uniforms: in [0, 1), shape (n, inner width + 1).
            asked: what columns are held at, for each of the rows.
        """
        held = translated(asked, uniforms[:, -1], self)
        rows = self.inner.sample(len(uniforms), np.ascontiguousarray(uniforms[:, :-1]), held.given)
        missed: dict[str, Mask] = {}
        batch = self._back(rows, asked, held, missed)
        for rule in self._doubtful:
            missed[f"rule {rule.name}"] = rule.violations(batch)
        return Drawn(batch, missed)

    def _back(self, rows: pa.RecordBatch, asked: Asked, held: Translation, missed: dict[str, Mask]) -> pa.RecordBatch:
        """The table's columns; notes where they are not what is asked, or what the table never holds."""
        arrays: Arrays = {}
        for name, array in zip(rows.schema.names, rows.columns, strict=True):
            arrays |= self.combined[name].back(array) if name in self.combined else {name: array}
        levels: dict[str, Any] = {}
        for offset in self.plan.offsets:
            name = offset.column.name
            self.plan.ready(offset, arrays, levels)
            arrays[name] = offset.back(arrays[offset.name], arrays, levels)
            if name in held.loose:
                missed[f"given {name}"] = ~asked.near(name, arrays[name], self)
                arrays[name] = asked.values[name]
                levels.pop(name)
            else:
                missed[f"range of {name}"] = self._outside(name, arrays[name])
        for name in held.loose - set(self.plan.distances):
            missed[f"given {name}"] = ~asked.same(name, arrays[name])
        return pa.record_batch([arrays[name] for name in self.schema.names], schema=self.schema.arrow_schema)

    def _outside(self, name: str, array: pa.Array[Any]) -> Mask:
        """Where values lie beyond those of the table."""
        knots = self.profile[name].knots
        values, present = as_numbers(self.schema[name], array)
        if not knots:
            return present
        return present & ~((knots[0] <= values) & (values <= knots[-1]))

    @cached_property
    def _doubtful(self) -> Sequence[Rule]:
        """The rules that not every row meets by what its columns hold."""
        numbered = set(self.numbered)
        return [
            rule
            for rule in self.rules
            if not isinstance(rule, Unique)
            and (isinstance(rule, NotNull | IsNull) or not numbered & set(rule.columns))
            and not self._settled(rule)
        ]

    def kept(self, rule: Rule) -> str:
        """How a rule is kept, in a few words."""
        if isinstance(rule, Unique):
            return "written from the record's number"
        if rule not in self._doubtful:
            return "nothing else is drawn"
        if self.plan.tells(rule):
            return "drawn as a distance"
        return "drawn again where broken"

    def _settled(self, rule: Rule) -> bool:
        """Whether all that is ever drawn of a rule's columns meets it."""
        if isinstance(rule, NotNull):
            return not self.schema[rule.column].nullable
        values = self._all_values(rule.columns, ends=isinstance(rule, Range))
        return values is not None and not rule.violations(values).any()

    def _all_values(self, names: Sequence[str], ends: bool) -> pa.RecordBatch | None:
        """All that some columns hold together; None where that is not known.

        Args:
            names: the columns.
            ends: whether the lowest and the highest value of a single one will do.
        """
        listings = {self.plan.listed[name].name for name in names if name in self.plan.listed}
        if len(listings) == 1 and all(name in self.plan.listed for name in names):
            one = self.combined[listings.pop()]
            return pa.record_batch([one.values[name] for name in names], names=list(names))
        if len(names) > 1 or listings or names[0] in self.plan.distances or self.schema[names[0]].is_surrogate:
            return None
        column, known = self.schema[names[0]], self.profile[names[0]]
        if column.kind in NUMERIC_KINDS and known.knots:
            if not ends and any(known.inside):
                return None
            knots = np.array(known.knots)
            values = array_of(column, units_at(column, knots), np.ones(len(knots), bool))
        elif column.kind is Kind.CATEGORY:
            values = pa.array([*known.values, *([None] if column.nullable else [])], pa.string())
        else:
            return None
        return pa.record_batch([values], names=[column.name])

    def domain(self, name: str) -> Domain:
        """See `Sampler.domain`; as often as in the table, all of whose rows meet the rules."""
        if name in self.numbered:
            raise InputError(f"{name}: has a value of its own in every row")
        if name in self.plan.listed:
            return self._listed_domain(name)
        if name in self.plan.distances:
            raise InputError(f"{name}: is told from other columns by a rule, so they come before its values")
        return self.inner.domain(name)

    def _listed_domain(self, name: str) -> Domain:
        one = self.combined[self.plan.listed[name].name]
        values = one.values[name].dictionary_encode()
        codes = values.indices.fill_null(len(values.dictionary)).to_numpy()
        shares = np.bincount(codes, weights=one.shares, minlength=len(values.dictionary) + 1)
        present = shares[:-1].sum()
        if present == 0:
            raise InputError(f"{name}: is always missing")
        order = np.argsort(-shares[:-1], kind="stable")
        kept = values.dictionary.take(order)
        if self.schema[name].kind is Kind.CATEGORY:
            kept = kept.dictionary_encode().cast(self.schema[name].arrow_type)
        return Domain(kept, shares[order] / present, float(shares[-1] / shares.sum()))

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The generator's."""
        return self.inner.weights()
