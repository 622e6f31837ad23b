"""Real rows as networks learn them: first the numbers of all variables, then the states."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generators.columns import Floats
from generators.discrete.cells import placed
from generators.encoded.layout import Floats32, Layout, normals_of
from generators.mapped import mapped
from generators.task import Progress, silently
from schemas.profile import Profile
from schemas.rows import Rows
from schemas.table import TableSchema


def encoded(
    rows: Rows, layout: Layout, schema: TableSchema, profile: Profile, seed: int, progress: Progress = silently
) -> Floats32:
    """All rows as numbers; those of a long table lie in a file that nobody else sees.

    Args:
        rows: cast to `schema.arrow_schema`.
        layout: their variables.
        schema: the columns.
        profile: their marginals.
        seed: seeds where in its part of the marginal each value is put.
        progress: told how many rows were read.

    Returns:
        The numbers as normals, those of missing values at random, then the state of each variable, counted from its
        first, shape (rows, numbers + variables).

    Raises:
        ServiceError: there is no room for the file.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    if not rows.is_long:
        return _piece(rows.table, layout, schema, profile, rng.random((rows.count, layout.count)))
    found, at = mapped((rows.count, layout.numbers + layout.count), np.float32), 0
    for piece in rows.pieces():
        noise = rng.random((piece.num_rows, layout.count))
        found[at : at + piece.num_rows] = _piece(piece, layout, schema, profile, noise)
        at += piece.num_rows
        progress(0.0, f"{at:,} rows read")
    return found


def _piece(table: pa.Table, layout: Layout, schema: TableSchema, profile: Profile, noise: Floats) -> Floats32:
    """See `encoded`; noise has shape (rows, variables)."""
    found = np.empty((table.num_rows, layout.numbers + layout.count), np.float32)
    for j, at in enumerate(layout.columns.tolist()):
        column, array = schema.columns[at], table.column(at).combine_chunks()
        if layout.drawn[j] < 0:
            places, present = np.zeros(len(array)), array.is_valid().to_numpy(zero_copy_only=False)
        else:
            places, present = placed(column, profile.columns[at], array)
        uniforms = layout.uniforms(j, places, present, noise[:, j])
        found[:, layout.numbers + j] = layout.codes(j, uniforms, present)
        if layout.number[j] >= 0:
            found[:, layout.number[j]] = normals_of(uniforms)
    return found
