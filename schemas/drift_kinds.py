"""The kinds of drift: each says which columns it fits, and what it does to a column of a block."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import AfterValidator, Field, ValidationError

from schemas.adoption import misfits
from schemas.avro import avro_schema
from schemas.drifts import Drift, Floats, Hits, Known
from schemas.errors import InputError
from schemas.faults import fault_line
from schemas.numeric import NUMERIC_KINDS
from schemas.parts import Part, one_line
from schemas.profile import Profile
from schemas.table import Kind, Role, TableSchema

Numbers = npt.NDArray[Any]
ColumnName = Annotated[str, Field(min_length=1)]

MOST = 2.0**63 - 1_024
"""The greatest whole number of 64 bits that is exact as a double."""

DAYS = (-719_162, 2_932_896)
"""The first day of the year 1 and the last of 9999, counted from 1970: dates and timestamps stay within."""

IN_A_SECOND = {"ms": 1_000, "us": 1_000_000}

MOST_LABELS = 1_000

NOT_WITH_CHANGES = "an event of an entity would have to know how the one before drifted; drop drifts, or changes"
"""Why records that are changes have no drifts."""


class Numeric(Drift):
    """A drift that moves numbers; decimals are kept, whole numbers stay whole, and what is missing stays missing."""

    SIZED = True

    column: ColumnName

    def faults(self, known: Known) -> Iterator[str]:
        """See `Drift.faults`: what would leave the column's type is refused here, so that nothing ever overflows."""
        kind = known.column.kind
        if kind not in NUMERIC_KINDS:
            yield f"is a {kind}; a {self.kind} needs an integer, a number, a date or a timestamp"
            return
        if not known.profile.knots:
            yield "has invented values, of which nobody knows how far they reach; choose another column"
            return
        (low, high), (least, most) = self.reach(known), _limits(known)
        if not (least <= low and high <= most):
            yield f"would reach from {low:g} to {high:g}, and a {kind} holds {least:g} to {most:g}; make it smaller"

    def reach(self, known: Known) -> tuple[float, float]:
        """See `Drift.reach`."""
        with np.errstate(over="ignore"):
            ends = self.moved(known, np.array(known.bounds), np.ones(2))
        return min(known.bounds[0], float(ends.min())), max(known.bounds[1], float(ends.max()))

    def brought(self, known: Known) -> list[Any]:
        """See `Drift.brought`."""
        whole = known.column.kind is Kind.INTEGER
        return [int(end) if whole else end for end in self.reach(known)] if known.column.kind in SPOKEN else []

    def changed(self, known: Known, values: pa.Array[Any], hits: Hits) -> pa.Array[Any]:
        """See `Drift.changed`."""
        plain: Any = values.view(PLAIN.get(known.column.kind, values.type))
        numbers: Numbers = plain.fill_null(0).to_numpy(zero_copy_only=False)
        moved = np.where(hits.rows, self.moved(known, numbers, hits.size), numbers)
        array: pa.Array[Any] = pa.array(moved.astype(numbers.dtype), plain.type, mask=_missing(values))
        return array.view(values.type)

    @abstractmethod
    def moved(self, known: Known, numbers: Numbers, size: Floats) -> Numbers:
        """Numbers in the units of Arrow (days, units of time), moved by a share of it, shape (n,)."""


SPOKEN = frozenset({Kind.INTEGER, Kind.NUMBER})
PLAIN: Mapping[Kind, pa.DataType] = {Kind.DATE: pa.int32(), Kind.TIMESTAMP: pa.int64()}
"""What times are counted in."""


def _nonzero(by: float) -> float:
    if by == 0:
        raise ValueError("must be a number other than 0")
    return by


def _not_one(factor: float) -> float:
    if factor == 1:
        raise ValueError("must be a number other than 1")
    return factor


class Shift(Numeric):
    """Something is added to every value: days to dates, seconds to timestamps, else what the column is in."""

    kind: Literal["shift"]
    by: Annotated[float, AfterValidator(_nonzero)]

    def moved(self, known: Known, numbers: Numbers, size: Floats) -> Numbers:
        """See `Numeric.moved`."""
        column = known.column
        if column.kind is Kind.NUMBER:
            return _rounded(known, numbers + self.by * size)
        steps = np.rint(self.by * size * (IN_A_SECOND[column.time_unit] if column.kind is Kind.TIMESTAMP else 1))
        moved: Numbers = numbers + (steps if numbers.dtype == np.float64 else steps.clip(-MOST, MOST).astype(np.int64))
        return moved


class Scale(Numeric):
    """Every value is multiplied."""

    kind: Literal["scale"]
    factor: Annotated[float, AfterValidator(_not_one)]

    def faults(self, known: Known) -> Iterator[str]:
        """See `Drift.faults`."""
        if known.column.kind in (Kind.DATE, Kind.TIMESTAMP):
            yield f"is a {known.column.kind}, which has no zero; say kind: shift"
        else:
            yield from super().faults(known)

    def moved(self, known: Known, numbers: Numbers, size: Floats) -> Numbers:
        """See `Numeric.moved`."""
        scaled = numbers * (1.0 + (self.factor - 1.0) * size)
        if known.column.kind is Kind.NUMBER:
            return _rounded(known, scaled)
        return np.rint(scaled) if numbers.dtype == np.float64 else np.rint(scaled).clip(-MOST, MOST).astype(np.int64)


class Nulls(Drift):
    """Values go missing."""

    kind: Literal["nulls"]
    column: ColumnName

    def faults(self, known: Known) -> Iterator[str]:
        """See `Drift.faults`."""
        if not known.column.nullable:
            yield "is never missing, so its Avro field takes no null; choose a column that may be missing"

    def changed(self, known: Known, values: pa.Array[Any], hits: Hits) -> pa.Array[Any]:
        """See `Drift.changed`."""
        return _taken(values, np.arange(len(values)), hits.rows)


class Unseen(Drift):
    """A category comes that nobody has seen; what is missing stays missing."""

    kind: Literal["unseen"]
    column: ColumnName
    value: Annotated[str, Field(min_length=1)] = "unseen"

    def faults(self, known: Known) -> Iterator[str]:
        """See `Drift.faults`."""
        if known.column.kind is not Kind.CATEGORY or not known.profile.values:
            yield f"is a {known.column.kind}; an unseen value needs a category"
        elif self.value in known.profile.values:
            yield f"has value={self.value} already; choose one that nobody has seen"

    def brought(self, known: Known) -> list[Any]:
        """See `Drift.brought`."""
        return [self.value]

    def changed(self, known: Known, values: pa.Array[Any], hits: Hits) -> pa.Array[Any]:
        """See `Drift.changed`."""
        codes, words = _coded(values)
        more = pa.concat_arrays([words, pa.array([self.value], pa.string())])
        return _categories(np.where(hits.rows, len(words), codes), more, _missing(values))


class Label(Drift):
    """Labels turn into the next of their values, of two into the other; the features keep theirs."""

    kind: Literal["label"]

    def target(self, schema: TableSchema) -> str:
        """See `Drift.target`: the table's target, unless a column is named."""
        targets = (column.name for column in schema if column.role is Role.TARGET)
        return next(targets, "") if self.column is None else self.column

    def faults(self, known: Known) -> Iterator[str]:
        """See `Drift.faults`."""
        if not 2 <= len(_labels(known)) <= MOST_LABELS:
            yield f"is a {known.column.kind} of other than 2 to {MOST_LABELS:,} values that can be listed"

    def changed(self, known: Known, values: pa.Array[Any], hits: Hits) -> pa.Array[Any]:
        """See `Drift.changed`."""
        missing = _missing(values)
        if isinstance(values, pa.DictionaryArray):
            codes, words = _coded(values)
            turned = hits.rows & (codes < len(known.profile.values))
            return _categories(np.where(turned, (codes + 1) % len(known.profile.values), codes), words, missing)
        plain: Numbers = values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        labels = np.array(_labels(known))
        places = np.searchsorted(labels, plain).clip(max=len(labels) - 1)
        turned = hits.rows & (labels[places] == plain)
        moved: pa.Array[Any] = pa.array(np.where(turned, labels[(places + 1) % len(labels)], plain), mask=missing)
        return moved.cast(values.type)


class Correlation(Drift):
    """A column is shuffled within its block: it keeps its values, and nothing goes with them any more."""

    kind: Literal["correlation"]
    column: ColumnName

    def faults(self, known: Known) -> Iterator[str]:
        """See `Drift.faults`: any column can be shuffled."""
        yield from ()

    def changed(self, known: Known, values: pa.Array[Any], hits: Hits) -> pa.Array[Any]:
        """See `Drift.changed`: each takes the value of another of its block, so a whole block keeps its values."""
        order = np.argsort(hits.draws(), kind="stable")
        return _taken(values, np.where(hits.rows, order, np.arange(len(values))))


AnyDrift = Annotated[Shift | Scale | Nulls | Unseen | Label | Correlation, Field(discriminator="kind")]
"""A drift of any kind."""

MOST_DRIFTS = 10
"""So many drifts a stream has at a time: they stand in its change log, whose every entry holds all of them."""


def _distinct(drifts: tuple[Drift, ...]) -> tuple[Drift, ...]:
    names = [drift.name for drift in drifts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"drift {twice[0]} is there twice; give each a name of its own")
    if len(drifts) > MOST_DRIFTS:
        raise ValueError(f"there are {len(drifts)} drifts; expected at most {MOST_DRIFTS}")
    return drifts


Drifts = Annotated[tuple[AnyDrift, ...], AfterValidator(_distinct)]
"""The drifts of a stream, in the order they are applied."""


class _Scripted(Part):
    drifts: Drifts


def drifts_of(forms: Sequence[Any]) -> tuple[AnyDrift, ...]:
    """Read drifts as a stream's file has them.

    Raises:
        InputError: every fault there is.
    """
    try:
        return _Scripted.model_validate({"drifts": forms}).drifts
    except ValidationError as error:
        raise InputError(*dict.fromkeys(fault_line(fault, _Scripted) for fault in error.errors())) from None


def form_of(drift: Drift) -> dict[str, Any]:
    """A drift as `drifts_of` reads it."""
    return drift.model_dump(exclude_defaults=True) | {"kind": drift.kind}


def spelled(drifts: Sequence[Drift]) -> str:
    """Drifts in one line; `none` for none."""
    return "; ".join(one_line(form_of(drift)) for drift in drifts) or "none"


def check_drifts(drifts: Sequence[Drift], schema: TableSchema, profile: Profile, settled: Mapping[str, str]) -> None:
    """Refuse drifts that a table can not have.

    Args:
        drifts: in the order they are applied: one moves numbers further from where another moved them.
        schema: the table's columns.
        profile: their marginals.
        settled: columns that are filled otherwise, and by what.

    Raises:
        InputError: names every drift at fault.
    """
    faults, bounds = list[str](), dict[str, tuple[float, float]]()
    for drift in drifts:
        name = drift.target(schema)
        where = f"drift {drift.name} column={name}"
        if not name:
            faults.append(f"drift {drift.name}: table {schema.name!r} has no target; name the column of the labels")
        elif name not in schema.names:
            faults.append(f"{where}: not in table {schema.name!r}; it has {', '.join(schema.names)}")
        elif name in settled or schema[name].role is Role.KEY:
            faults.append(f"{where}: {settled.get(name, 'is the key of the table')}; choose another column")
        else:
            knots = profile[name].knots or (0.0, 0.0)
            known = Known(schema[name], profile[name], bounds.get(name, (knots[0], knots[-1])))
            found = [*drift.faults(known)] or _unfit(drift, known, schema)
            faults += [f"{where}: {fault}" for fault in found]
            bounds[name] = drift.reach(known)
    if faults:
        raise InputError(*faults)


def _unfit(drift: Drift, known: Known, schema: TableSchema) -> list[str]:
    """What it may bring that the Avro schema does not take."""
    brought = drift.brought(known)
    plain = pa.table({known.column.name: pa.array(brought)}) if brought else pa.table({})
    return [fault.partition(": ")[2] for fault in misfits(plain, avro_schema(schema))]


def _limits(known: Known) -> tuple[float, float]:
    column = known.column
    match column.kind:
        case Kind.DATE:
            return float(DAYS[0]), float(DAYS[1])
        case Kind.TIMESTAMP:
            a_day = 86_400.0 * IN_A_SECOND[column.time_unit]
            return DAYS[0] * a_day, (DAYS[1] + 1) * a_day - 1
        case Kind.INTEGER:
            return -MOST, MOST
        case _:
            return -np.finfo(np.float64).max, np.finfo(np.float64).max


def _labels(known: Known) -> tuple[Any, ...]:
    """The values of labels, in order; none where they can not be listed."""
    profile = known.profile
    match known.column.kind:
        case Kind.CATEGORY:
            return profile.values
        case Kind.BOOLEAN:
            return (0, 1)
        case Kind.INTEGER if profile.step > 0 and profile.knots and math.isclose(sum(profile.atoms), 1.0):
            return tuple(map(int, profile.knots))
        case _:
            return ()


def _rounded(known: Known, numbers: Numbers) -> Numbers:
    decimals = known.column.decimals
    return numbers if decimals is None else np.round(numbers, decimals)


def _missing(values: pa.Array[Any]) -> npt.NDArray[np.bool_]:
    return values.is_null().to_numpy(zero_copy_only=False)


def _coded(values: pa.Array[Any]) -> tuple[npt.NDArray[np.int64], pa.Array[Any]]:
    """Categories as places among words."""
    assert isinstance(values, pa.DictionaryArray)
    codes = values.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, values.dictionary.cast(pa.string())


def _categories(codes: npt.NDArray[np.int64], words: pa.Array[Any], missing: npt.NDArray[np.bool_]) -> pa.Array[Any]:
    indices: pa.Int32Array = pa.array(codes.astype(np.int32), pa.int32(), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, words)


def _taken(
    values: pa.Array[Any], rows: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array[Any]:
    indices: pa.Int64Array = pa.array(rows, pa.int64(), mask=missing)
    return values.take(indices)
