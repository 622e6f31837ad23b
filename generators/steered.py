"""Steering worked out for a generator: what its rows are given, and what a boosted record is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.sampler import Sampler
from schemas.blobs import Blobs
from schemas.errors import InputError, noted
from schemas.steering import Boost, Steering
from schemas.table import Column, Kind

Floats = npt.NDArray[np.float64]

YAML_WORDS: Mapping[str, tuple[str, ...]] = {
    "true": ("yes", "Yes", "YES", "True", "TRUE", "on", "On", "ON"),
    "false": ("no", "No", "NO", "False", "FALSE", "off", "Off", "OFF"),
}
"""What may have been written where YAML read true or false."""


@dataclass(frozen=True, eq=False)
class Shares:
    """A column's values with the chance of each.

    Args:
        values: of the column's Arrow type, the last one null where values may be missing, shape (k,).
        upto: the chance of each and those before it, rising to 1, shape (k,).
    """

    values: pa.Array[Any]
    upto: Floats

    def drawn(self, u: Floats) -> pa.Array[Any]:
        """Turn uniforms in [0, 1) into values, shape (n,)."""
        return self.values.take(pa.array(np.searchsorted(self.upto, u, side="right").clip(max=len(self.upto) - 1)))


@dataclass(frozen=True, eq=False)
class Weights:
    """What records are worth where one value is boosted: how likely each is by itself over how likely it was made.

    Args:
        column: whose value.
        value: the value, or a null, of the column's Arrow type, shape (1,).
        texts: what other records are worth, and what those with the value are, as headers have it.
    """

    column: str
    value: pa.Array[Any]
    texts: Blobs

    def of(self, batch: pa.RecordBatch) -> Blobs:
        """What each row is worth, in decimal digits, shape (rows,)."""
        return self.texts.take(_equal(batch.column(self.column), self.value).astype(np.int64))


@dataclass(frozen=True, eq=False)
class Steered:
    """Steering, worked out for one generator.

    Args:
        given: columns held at a value.
        shares: columns whose values are drawn in other shares, by name in the table's order.
        weights: what records are worth, where a value is boosted.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    shares: Mapping[str, Shares] = field(default_factory=dict)
    weights: Weights | None = None

    @property
    def width(self) -> int:
        """How many uniforms a row takes, besides those of the generator."""
        return len(self.shares)

    @property
    def columns(self) -> frozenset[str]:
        """The columns it settles."""
        return frozenset({*self.given, *self.shares})

    def drawn(self, u: Floats) -> dict[str, pa.Array[Any]]:
        """The columns drawn in other shares.

        Args:
            u: in [0, 1), shape (n, width).
        """
        return {name: shares.drawn(u[:, at]) for at, (name, shares) in enumerate(self.shares.items())}


UNSTEERED = Steered()


def steered(generator: Sampler, form: Steering) -> Steered:
    """Work out what steering means for a generator.

    Args:
        generator: what will be steered.
        form: how.

    Raises:
        InputError: unknown columns or values, values that can not be listed, or shares that can not be had; all at
            once.
    """
    return UNSTEERED if form == Steering() else _worked_out(generator, form.model_dump_json())


@lru_cache(maxsize=32)  # asked for every block
def _worked_out(generator: Sampler, text: str) -> Steered:
    form = Steering.model_validate_json(text)
    shares: dict[str, Shares] = {}
    weights, faults = None, list[str]()
    for name in sorted(form.shares, key=_place(generator)):
        with noted(faults):
            known = _Known.of(generator, name, f"shares.{name}")
            shares[name] = known.shared({known.place(word): share for word, share in form.shares[name].items()})
    if form.boost is not None:
        with noted(faults):
            shares[form.boost.column], weights = _boosted(generator, form.boost)
    given = {name: _meant(generator, name, value) for name, value in form.given.items()}
    with noted(faults):
        generator.sample(1, np.full((1, generator.width), 0.5), given)
    if faults:
        raise InputError(*faults)
    return Steered(given, shares, weights)


def _place(generator: Sampler) -> Callable[[str], tuple[int, str]]:
    """Where a column is in the table; behind the last for an unknown one."""
    at = {name: place for place, name in enumerate(generator.schema.names)}
    return lambda name: (at.get(name, len(at)), name)


@dataclass(frozen=True, eq=False)
class _Known:
    """The values of a column that can be listed, the last one null where values may be missing, with their chances."""

    column: Column
    values: pa.Array[Any]
    chances: Floats
    key: str

    @classmethod
    def of(cls, generator: Sampler, name: str, key: str) -> _Known:
        """List them.

        Raises:
            InputError: no such column, or one whose values can not be listed.
        """
        try:
            column, domain = generator.schema[name], generator.domain(name)
        except InputError as error:
            part = key.partition(".")[0]
            said = (f"{part}: {fault}; expected a column whose values can be listed" for fault in error.faults)
            raise InputError(*said) from None
        if domain.null_share == 0:
            return cls(column, domain.values, domain.shares, key)
        indices: pa.Int64Array = pa.array([*range(len(domain.values)), None], pa.int64())
        chances = np.append(domain.shares * (1 - domain.null_share), domain.null_share)
        return cls(column, domain.values.take(indices), chances, key)

    def place(self, word: str) -> int:
        """Which value a word means.

        Raises:
            InputError: none that the generator draws.
        """
        at = -1
        if word == "null" and self.values.null_count:
            at = len(self.values) - 1
        for spelled in (word, *YAML_WORDS.get(word, ())):
            if at < 0:
                at = self._found(spelled)
        if at < 0 or self.chances[at] == 0:
            words = ["null" if value is None else str(value) for value in self.values[:8].to_pylist()]
            some = ", ".join(words) + (", …" if len(self.values) > 8 else "")
            raise InputError(f"{self.key}={word}: is no value that is drawn; choose among {some}")
        return at

    def _found(self, word: str) -> int:
        try:
            if self.column.kind in (Kind.CATEGORY, Kind.TEXT):
                found = pc.index(self.values.cast(pa.string()), word)
            else:
                found = pc.index(self.values, pa.array([word]).cast(self.column.arrow_type)[0])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return -1
        return int(found.as_py())

    def shared(self, wanted: Mapping[int, float]) -> Shares:
        """The values, some in other shares and the others in the proportions they have.

        Raises:
            InputError: no others are left to share what remains.
        """
        places = np.array(list(wanted))
        rest = self.chances.copy()
        rest[places] = 0.0
        remains = 1.0 - sum(wanted.values())
        if rest.sum() <= 0 and remains > 1e-9:
            raise InputError(
                f"{self.key}: every value is named, and the shares sum to {1 - remains:g}; expected 1, or leave one out"
            )
        chances = rest * (max(remains, 0.0) / rest.sum()) if rest.sum() > 0 else rest
        chances[places] = list(wanted.values())
        upto = np.cumsum(chances) / chances.sum()
        upto[np.flatnonzero(chances)[-1] :] = 1.0
        return Shares(self.values, upto)


def _boosted(generator: Sampler, boost: Boost) -> tuple[Shares, Weights]:
    """The shares of a boosted column, and what its records are worth.

    Raises:
        InputError: the value is not drawn, is all there is, or would be more than all.
    """
    known = _Known.of(generator, boost.column, "boost.column")
    at = replace(known, key="boost.value").place(boost.value)
    true = float(known.chances[at])
    share = boost.share if boost.factor is None else true * boost.factor
    assert share is not None
    if true >= 1:
        raise InputError(f"boost.value={boost.value}: is the only value of {boost.column}, so it can not be boosted")
    if not share < 1:
        raise InputError(
            f"boost.factor={boost.factor:g}: {boost.column}={boost.value} is {true:.4g} of the records, and would be "
            f"more than all of them; expected less than {1 / true:.4g}"
        )
    texts = Blobs.of([f"{(1 - true) / (1 - share):.9g}".encode(), f"{true / share:.9g}".encode()])
    return known.shared({at: share}), Weights(boost.column, known.values.slice(at, 1), texts)


def _meant(generator: Sampler, name: str, value: Any) -> Any:
    """A value to hold a column at; a category's where YAML read it as true or false."""
    if isinstance(value, bool) and name in generator.schema.names and generator.schema[name].kind is Kind.CATEGORY:
        known = generator.profile[name].values
        return next((word for word in (str(value).lower(), *YAML_WORDS[str(value).lower()]) if word in known), value)
    return value


def _equal(array: pa.Array[Any], value: pa.Array[Any]) -> npt.NDArray[np.bool_]:
    """Which values are that one, a null equal to a null, shape (n,)."""
    if value.null_count:
        return array.is_null().to_numpy(zero_copy_only=False)
    if isinstance(array, pa.DictionaryArray):
        among = np.append(_equal(array.dictionary, value.cast(pa.string())), False)
        codes = array.indices.fill_null(len(among) - 1).to_numpy(zero_copy_only=False)
        found: npt.NDArray[np.bool_] = among[codes]
        return found
    return pc.is_in(array, value_set=value).to_numpy(zero_copy_only=False)
