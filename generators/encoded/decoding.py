"""From a network's numbers and states to Arrow columns, and from values that are held to what a network would have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.columns import Columns, Floats, intervals_of, place, without
from generators.discrete.cells import Codes
from generators.encoded.calibration import Calibration, ranked, raw_values, states
from generators.encoded.layout import Floats32, Layout
from generators.given import Held
from schemas.profile import Profile
from schemas.table import TableSchema


class Decoder:
    """Turns what a network gives into records.

    Args:
        schema: what the columns are.
        profile: their marginals.
        layout: the variables of the network.
        calibration: brings them to the marginals.
    """

    def __init__(self, schema: TableSchema, profile: Profile, layout: Layout, calibration: Calibration) -> None:
        self._schema, self._profile, self.layout, self.calibration = schema, profile, layout, calibration
        varied = layout.columns[layout.drawn >= 0].tolist()
        self._columns = Columns([(schema.columns[at], profile.columns[at]) for at in varied])

    def states(self, logits: Floats32, u: Floats) -> tuple[Codes, Floats]:
        """Draw the state of every variable, in the profile's shares; see `calibration.states`."""
        return states(logits, self.calibration.biases, self.layout.first, u)

    def uniforms(self, numbers: Floats32, codes: Codes, into: Floats) -> Floats:
        """Where in its column's marginal each value lies, in [0, 1), shape (n, d); those of missing ones mean nothing.

        Args:
            numbers: as the network has them, shape (n, numbers).
            codes: the states, shape (n, d).
            into: a uniform a variable that says where in its state a value lies, from 0 to 1, shape (n, d).
        """
        layout, knots = self.layout, self.calibration.knots
        raw = raw_values(layout, numbers, codes)
        found = np.empty(into.shape)
        for j in range(layout.count):
            if layout.number[j] >= 0:
                number = layout.number[j]
                ranked(np.ascontiguousarray(raw[:, number]), knots[number], into[:, j], found[:, j])
            else:
                at = layout.first[j] + codes[:, j]
                found[:, j] = layout.spans[at, 0] + into[:, j] * layout.spans[at, 1]
        return found.clip(0.0, np.nextafter(1.0, 0.0))

    def batch(
        self, invented: Mapping[int, pa.Array[Any]], uniforms: Floats, codes: Codes, held: Mapping[int, Held]
    ) -> pa.RecordBatch:
        """Put rows together.

        Args:
            invented: the surrogates, by the column's place in the table.
            uniforms: as `uniforms` has them, shape (n, d).
            codes: the states, shape (n, d).
            held: what is held instead, by the column's place in the table.
        """
        layout, arrays = self.layout, dict(invented)
        for j, at in enumerate(layout.columns.tolist()):
            column = held.get(at)
            present = codes[:, j] != layout.null[j] if column is None else column.present
            if at in invented:
                arrays[at] = without(arrays[at], present)
                continue
            drawn = int(layout.drawn[j])
            places = _placed(uniforms[:, j], layout.pieces, drawn) if column is None else column.places
            arrays[at] = self._columns.array(drawn, places, None if present.all() else present)
        arrays |= {at: column.values for at, column in held.items() if at in invented}
        return pa.record_batch([arrays[at] for at in range(len(arrays))], schema=self._schema.arrow_schema)

    def held(self, at: int, held: Held, noise: Floats) -> tuple[int, Floats, Codes] | None:
        """What a network would have for a held column; None where it has no variable for it.

        Args:
            at: the column's place in the table.
            held: what it is held at, n values.
            noise: which of the uniforms that become a value is taken, from 0 to 1, shape (n,).

        Returns:
            The variable, the uniforms that become its values, and its states, both of shape (n,). A value that is
            missing where none ever is has state -1.

        Raises:
            InputError: a value that is never drawn.
        """
        layout = self.layout
        found = np.flatnonzero(layout.columns == at)
        if not len(found):
            return None
        j = int(found[0])
        uniforms, drawn = noise, int(layout.drawn[j])
        if drawn >= 0:
            column, profile = self._schema.columns[at], self._profile.columns[at]
            low, high = intervals_of(column, profile, layout.pieces, drawn, (held.values, held.places))
            uniforms = low + (high - low) * noise
        codes = layout.codes(j, uniforms, held.present)
        if layout.null[j] < 0:
            codes[~held.present] = -1
        return j, uniforms, codes


def _placed(uniforms: Floats, pieces: Any, drawn: int) -> Floats:
    return _values(np.ascontiguousarray(uniforms), pieces.table, pieces.guide[drawn])


@numba.njit(cache=True, nogil=True)
def _values(u: Floats, table: Floats, guide: npt.NDArray[np.int32]) -> Floats:
    found = np.empty(len(u))
    for i in range(len(u)):
        found[i] = place(u[i], table, guide)
    return found
