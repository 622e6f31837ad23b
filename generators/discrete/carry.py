"""What a model of cells takes over from an earlier one: which of its cells the other had too, and how likely they were.

The marginals are the new table's throughout. What is taken over is how columns go together: a cell that is so many
times as likely as it was, is so many times as likely whatever else is known. That is right as long as a column's cells
became more or less frequent by themselves, and where it is not, training goes on from there.

Source: Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Generic

import numpy as np
import numpy.typing as npt

from generators.discrete.cells import Cells, Floats
from generators.discrete.columnwise import N
from generators.discrete.expectation import Kinds
from generators.start import Keep
from schemas.errors import InputError
from schemas.numeric import NUMERIC_KINDS, scale_of
from schemas.profile import ColumnProfile, Profile
from schemas.table import Column, TableSchema

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cut:
    """A table's columns, cut into cells.

    Args:
        schema: the columns.
        profile: their marginals.
        cells: what they are cut into.
    """

    schema: TableSchema
    profile: Profile
    cells: Cells

    def column(self, j: int) -> tuple[Column, ColumnProfile]:
        """The column with cells that is the j-th, and its profile."""
        at = int(self.cells.columns[j])
        return self.schema.columns[at], self.profile.columns[at]


@dataclass(frozen=True, eq=False)
class Carried:
    """Where the cells of a model were in an earlier one.

    Args:
        columns: each column's place in the earlier model, -1 where it was not there, shape (d,).
        cells: the same of each cell, shape (cells,).
        ratio: how many times as likely as in the earlier model each cell is, 1 where it was not there, shape (cells,).
        left: what was not taken over, a word each.
    """

    columns: Ints
    cells: Ints
    ratio: Floats
    left: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Begun(Generic[N]):
    """How the training of a network begins.

    Args:
        keep: where checkpoints are; None for none.
        network: what it begins with, NaN where that knows nothing; None for nothing at all.
        gently: in small steps.
        device: what it is trained on, as `devices.device_of` reads it.
    """

    keep: Keep | None = None
    network: N | None = None
    gently: bool = False
    device: str = "cpu"


def carried(before: Cut, now: Cut) -> Carried:
    """Find the cells of an earlier model in a new one, and log what is not taken over.

    Args:
        before: of the earlier model.
        now: of the new one.

    Raises:
        InputError: no column fits.
    """
    places = {before.column(i)[0].name: i for i in range(len(before.cells.columns))}
    columns, cells, left = [], np.full(len(now.cells.share), -1, np.int64), []
    for j, (start, end) in enumerate(zip(now.cells.first[:-1].tolist(), now.cells.first[1:].tolist(), strict=True)):
        name = now.column(j)[0].name
        misfit = _misfit(before, now, places, j)
        columns.append(-1 if misfit else places[name])
        if misfit:
            left.append(f"{name} ({misfit})")
            continue
        cells[start:end] = _cells(before, places[name], now, j)
        fresh = int((cells[start:end] < 0).sum())
        if fresh:
            left.append(f"{name} ({fresh} of {end - start} cells are new)")
    if columns and max(columns) < 0:
        raise InputError(f"warm_start: no column fits the table's: {', '.join(left)}; leave it out")
    if left:
        logging.getLogger(__name__).warning("begins afresh, since the artifact does not have it: %s", ", ".join(left))
    had = np.where(cells >= 0, before.cells.share[cells], 1.0)
    ratio = np.where(cells >= 0, (now.cells.share + 1e-9) / (had + 1e-9), 1.0)
    return Carried(np.array(columns, np.int64), cells, ratio, tuple(left))


def _misfit(before: Cut, now: Cut, places: Mapping[str, int], j: int) -> str | None:
    """Why a column is not taken over, or None."""
    column = now.column(j)[0]
    if column.name not in places:
        return "is new"
    was = before.column(places[column.name])[0]
    if was.kind is not column.kind:
        return f"was {was.kind.value}, is {column.kind.value}"
    if was.is_surrogate is not column.is_surrogate:
        return "only one of the two is invented"
    return None


def _cells(before: Cut, i: int, now: Cut, j: int) -> Ints:
    """Where each cell of a column was in the earlier model, or -1, shape (cells of the column,)."""
    start, end = now.cells.first[j : j + 2].tolist()
    has_null, had_null = now.cells.null[j] >= 0, before.cells.null[i] >= 0
    values = end - start - int(has_null)
    was = np.full(end - start, -1, np.int64)
    if now.cells.drawn[j] < 0:
        was[:values] = 0
    else:
        # The value in a cell's middle stands for it.
        places = now.cells.values(j, np.arange(values, dtype=np.int32), np.full(values, 0.5))
        was[:values] = before.cells.cells_of(i, _places(now.column(j), before.column(i), places))
    if has_null and had_null:
        was[-1] = before.cells.null[i]
    return np.where(was >= 0, was + before.cells.first[i], -1)


def _places(now: tuple[Column, ColumnProfile], before: tuple[Column, ColumnProfile], places: Floats) -> Floats:
    """The same values as an earlier profile counts them; NaN for categories it does not know."""
    if now[0].kind in NUMERIC_KINDS:
        return np.asarray(places / _unit(*now) * _unit(*before))
    known = {value: float(at) for at, value in enumerate(before[1].values)}
    return np.array([known.get(now[1].values[int(at)], np.nan) for at in places])


def _unit(column: Column, profile: ColumnProfile) -> float:
    return float(scale_of(column)) if profile.step > 0 and scale_of(column) > 0 else 1.0


def carried_network(network: N, carried: Carried, cells: Cells) -> N:
    """The ends of a network as those of one of other cells, NaN where it knows nothing of them.

    Args:
        network: of the earlier cells.
        carried: which of them the cells were.
        cells: what the columns are cut into now.
    """
    was, of = carried.cells, carried.columns
    known, unknown = was >= 0, np.float32(np.nan)
    biases = np.where(known, network.biases[was] + np.log(carried.ratio), np.nan).astype(np.float32)
    for start, end in pairwise(cells.first.tolist()):
        here, shares = biases[start:end], np.log(cells.share[start:end] + 1e-6)
        fresh = np.isnan(here)
        if not fresh.all():  # a new cell begins at its share, on the scale that the column's others have
            here[fresh] = shares[fresh] + (here - shares)[~fresh].mean()
    return replace(
        network,
        embeddings=np.where(known[:, None], network.embeddings[was], unknown),
        starts=np.where(of[:, None] >= 0, network.starts[of], unknown),
        outputs=np.where(known[:, None], network.outputs[was], unknown),
        biases=biases,
    )


def carried_kinds(kinds: Kinds, carried: Carried, cells: Cells) -> Kinds:
    """A mixture as one of other cells; what it knows nothing of is as likely in all kinds.

    Args:
        kinds: of the earlier cells.
        carried: which of them the cells were.
        cells: what the columns are cut into now.
    """
    chances = np.where(carried.cells >= 0, kinds.chances[:, carried.cells] * carried.ratio, cells.share)
    for start, end in pairwise(cells.first.tolist()):
        chances[:, start:end] /= np.maximum(chances[:, start:end].sum(axis=1, keepdims=True), 1e-12)
    return Kinds(kinds.shares, chances.astype(np.float32))
