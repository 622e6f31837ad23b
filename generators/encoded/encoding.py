"""Real rows as networks learn them: first the numbers of all variables, then the states."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.columns import Floats
from generators.discrete.cells import placed
from generators.encoded.layout import Floats32, Layout, normals_of
from generators.encoded.modes import Modes
from generators.mapped import mapped
from generators.task import Progress, silently
from schemas.profile import ColumnProfile, Profile
from schemas.rows import Rows
from schemas.table import Column, TableSchema


def encoded(
    rows: Rows,
    layout: Layout,
    schema: TableSchema,
    profile: Profile,
    seed: int,
    progress: Progress = silently,
    modes: Modes | None = None,
) -> Floats32:
    """All rows as numbers; those of a long table lie in a file that nobody else sees.

    Args:
        rows: cast to `schema.arrow_schema`.
        layout: their variables.
        schema: the columns.
        profile: their marginals.
        seed: seeds where in its part of the marginal each value is put.
        progress: told how many rows were read.
        modes: of the numbers, where the layout has them.

    Returns:
        The numbers, then the state of each variable, counted from its first, shape (rows, numbers + variables). Numbers
        are normals, those of missing values at random; with modes they are from -1 to 1, 0 where missing.

    Raises:
        ServiceError: there is no room for the file.
    """
    rng = np.random.Generator(np.random.Philox(seed))

    def piece(table: pa.Table) -> Floats32:
        noise = rng.random((table.num_rows, layout.count))
        found = np.empty((table.num_rows, layout.numbers + layout.count), np.float32)
        for j, at in enumerate(layout.columns.tolist()):
            places, present = read(schema.columns[at], profile.columns[at], table.column(at).combine_chunks())
            number = int(layout.number[j])
            if modes is not None and number >= 0:
                codes, numbers = modes.of(number).encoded(places, noise[:, j])
                codes, numbers = np.where(present, codes, layout.null[j]), np.where(present, numbers, 0.0)
            else:
                uniforms = layout.uniforms(j, places, present, noise[:, j])
                codes, numbers = layout.codes(j, uniforms, present), normals_of(uniforms)
            found[:, layout.numbers + j] = codes
            if number >= 0:
                found[:, number] = numbers
        return found

    if not rows.is_long:
        return piece(rows.table)
    whole, at = mapped((rows.count, layout.numbers + layout.count), np.float32), 0
    for table in rows.pieces():
        whole[at : at + table.num_rows] = piece(table)
        at += table.num_rows
        progress(0.0, f"{at:,} rows read")
    return whole


def read(column: Column, profile: ColumnProfile, array: pa.Array[Any]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Values as `Pieces` counts them, and whether there is one."""
    if column.is_surrogate:
        return np.zeros(len(array)), array.is_valid().to_numpy(zero_copy_only=False)
    return placed(column, profile, array)
