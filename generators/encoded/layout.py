"""A table's columns as a network sees them: each is in one of a few states, and a number beside it where it is numeric.

A category is a state a value, or a group of rare ones; a number has one state, or a state a mode (`modes.py`); a column
that may be missing has one more, the last, for that. A number is turned into a normal by its marginal's own
distribution function, and what many rows hold is spread evenly over its part of that, so a network sees neither spikes
nor tails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from generators.columns import Floats, Part, Pieces, column_parts, pieces_of
from generators.discrete.cells import Codes
from generators.encoded.modes import REACH, Mixture, Modes
from schemas.numeric import NUMERIC_KINDS
from schemas.profile import Profile
from schemas.table import TableSchema

OWN, GROUPS = 96, 16
"""The most frequent values of a category have states of their own, so many; the others so many together, each as likely
as the next."""

OUTERMOST = 1e-6
"""Numbers are kept so far from either end of their distribution: the outermost normals are -4.75 and 4.75."""

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layout:
    """The variables of a table: its columns, but for invented ones that are never missing.

    Args:
        columns: the column behind each variable, by place in the table, shape (d,).
        drawn: its distribution in `pieces`, -1 where values are invented, shape (d,).
        number: its number among all numbers, -1 for none, shape (d,).
        first: where its states begin, and where the last one's end, shape (d + 1,).
        null: its state for missing values, counted from its first; -1 where none are, shape (d,).
        share: how likely each state is by the profile, shape (states,).
        spans: where in [0, 1) each state's part of its column's marginal begins, and how much of it the state is, shape
            (states, 2).
        centre, spread: what a number is added to, and multiplied by before, in each state: 0 and 1 but for modes, shape
            (states,) each.
        pieces: the marginals.
    """

    columns: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.int64]
    number: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    null: npt.NDArray[np.int64]
    share: Floats
    spans: Floats
    centre: Floats
    spread: Floats
    pieces: Pieces

    @property
    def count(self) -> int:
        """How many variables there are."""
        return len(self.columns)

    @property
    def numbers(self) -> int:
        """How many of them have a number."""
        return int((self.number >= 0).sum())

    @property
    def states(self) -> int:
        """How many states all of them have."""
        return int(self.first[-1])

    @property
    def sizes(self) -> list[int]:
        """How many states each has."""
        return [int(size) for size in np.diff(self.first)]

    def uniforms(self, variable: int, places: Floats, present: npt.NDArray[np.bool_], noise: Floats) -> Floats:
        """One of the uniforms that a variable's marginal turns into each value; any where there is none.

        Args:
            variable: whose.
            places: the values as `Pieces` counts them, NaN for an unknown category, shape (n,).
            present: where there is a value, shape (n,).
            noise: says which, from 0 to 1, shape (n,).
        """
        drawn = int(self.drawn[variable])
        if drawn < 0:
            return noise
        low, high = self.pieces.around(drawn, np.where(np.isnan(places), np.inf, places))
        found: Floats = np.where(present, low + (high - low) * noise, noise)
        return found

    def codes(self, variable: int, uniforms: Floats, present: npt.NDArray[np.bool_]) -> Codes:
        """The state of each value, counted from the variable's first.

        Args:
            variable: whose.
            uniforms: as `uniforms` has them, shape (n,).
            present: where there is a value, shape (n,).
        """
        start, end = self.first[variable : variable + 2].tolist()
        there = end - start - int(self.null[variable] >= 0)
        found = np.searchsorted(self.spans[start : start + there, 0], uniforms, side="right") - 1
        return np.where(present, found.clip(0), max(self.null[variable], 0)).astype(np.int32)


def normals_of(uniforms: Floats) -> Floats:
    """Uniforms as normals, those at the ends drawn in."""
    found: Floats = ndtri(uniforms.clip(OUTERMOST, 1.0 - OUTERMOST))
    return found


def layout_of(schema: TableSchema, profile: Profile, modes: Modes | None = None) -> Layout:
    """The variables of a table.

    Args:
        schema: the columns.
        profile: their marginals.
        modes: of the numbers, each of which then has a state a mode.
    """
    columns, drawn, number, null, first = list[int](), list[int](), list[int](), list[int](), [0]
    states, parts, numbers = [np.empty((0, 5))], list[Part](), 0
    for at, (column, known) in enumerate(zip(schema, profile, strict=True)):
        missing = known.null_share
        if column.is_surrogate and missing == 0:
            continue
        numeric = column.kind in NUMERIC_KINDS and not column.is_surrogate
        mixture = modes.of(numbers) if modes is not None and numeric else None
        if not column.is_surrogate:
            parts.append(column_parts(column, known))
        found = _states(None if numeric or column.is_surrogate else parts[-1], mixture)
        columns.append(at)
        drawn.append(-1 if column.is_surrogate else len(parts) - 1)
        number.append(numbers if numeric else -1)
        numbers += numeric
        null.append(len(found) if missing > 0 else -1)
        found[:, 0] *= 1.0 - missing
        states += [found, np.array([[missing, 0.0, 0.0, 0.0, 1.0]] if missing > 0 else []).reshape(-1, 5)]
        first.append(first[-1] + len(found) + int(missing > 0))
    share, low, width, centre, spread = np.concatenate(states).T
    return Layout(
        columns=np.array(columns, np.int64),
        drawn=np.array(drawn, np.int64),
        number=np.array(number, np.int64),
        first=np.array(first, np.int64),
        null=np.array(null, np.int64),
        share=share,
        spans=np.column_stack([low, width]),
        centre=centre,
        spread=spread,
        pieces=pieces_of(parts),
    )


def _states(category: Part | None, mixture: Mixture | None) -> Floats:
    """Of the states of values that are there the share, where its part of the marginal begins and how much of it that
    is, and what a number is added to and multiplied by first, shape (states, 5)."""
    if mixture is not None:
        nothing = np.zeros(len(mixture.share))
        return np.column_stack([mixture.share, nothing, nothing + 1.0, mixture.mean, REACH * mixture.deviation])
    edges = np.array([0.0, 1.0]) if category is None else _grouped(category)
    width = np.diff(edges)
    return np.column_stack([width, edges[:-1], width, np.zeros(len(width)), np.ones(len(width))])


def _grouped(part: Part) -> Floats:
    """Where in [0, 1] the states of a category begin and end, shape (states + 1,)."""
    upto = np.cumsum(part.mass) / part.mass.sum()
    upto[-1] = 1.0
    if len(upto) > OWN + GROUPS:
        rest = np.searchsorted(upto, upto[OWN - 1] + (1.0 - upto[OWN - 1]) * np.arange(1, GROUPS) / GROUPS)
        upto = upto[np.unique(np.concatenate([np.arange(OWN), rest, [len(upto) - 1]]))]
    return np.concatenate([[0.0], upto])
