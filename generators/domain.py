"""All values of a column, where they can be listed, with how likely each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.columns import Columns, column_parts
from generators.invented.surrogates import Surrogate
from schemas.errors import InputError
from schemas.profile import ColumnProfile
from schemas.table import Column, Kind

MOST_VALUES = 1_000_000
"""A column with more values than this is not listed."""

ALIKE = 12
"""Shares that agree in so many decimals are the same."""


@dataclass(frozen=True, eq=False)
class Domain:
    """The values of a column, the most likely first; of equally likely ones the one that the profile has first.

    Args:
        values: of the column's Arrow type, shape (k,).
        shares: the probability of each among those that are present, summing to 1, shape (k,).
        null_share: the probability that there is none.
    """

    values: pa.Array[Any]
    shares: npt.NDArray[np.float64]
    null_share: float


def domain_of(column: Column, profile: ColumnProfile, surrogate: Surrogate | None) -> Domain:
    """List the values that the profile says.

    Args:
        column: the column.
        profile: its profile.
        surrogate: how its values are invented, if they are.

    Raises:
        InputError: there are none, there is no end to them, or there are more than `MOST_VALUES`.
    """
    if profile.nulls == profile.rows:
        raise InputError(f"{column.name}: is always missing")
    if surrogate is not None:
        if surrogate.pool is None:
            raise InputError(f"{column.name}: has a value of its own in every row")
        values, shares = surrogate.pool, surrogate.shares
    elif column.kind is Kind.NUMBER:
        raise InputError(f"{column.name}: is a number with decimals, whose values have no end")
    else:
        part = column_parts(column, profile)
        kept = part.mass > 0
        mass, start, span = part.mass[kept] / part.mass.sum(), part.start[kept], part.span[kept]
        if span.sum() > MOST_VALUES:
            raise InputError(f"{column.name}: has {span.sum():.0f} values, more than {MOST_VALUES:,}")
        times = span.astype(np.int64)
        nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        places = np.repeat(start, times) + nth * part.step
        values, shares = Columns([(column, profile)]).array(0, places, None), np.repeat(mass / span, times)
    order = np.argsort(-shares.round(ALIKE), kind="stable")
    return Domain(values.take(order), shares[order], profile.null_share)
