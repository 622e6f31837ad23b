"""Every variable as one number: where in its column's marginal a value lies, what is missing first of all.

Source: Park et al. 2018, "Data synthesis based on generative adversarial networks", 4.1
(records as matrices of numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from generators.columns import Floats
from generators.discrete.cells import Codes
from generators.encoded.calibration import Calibration
from generators.encoded.decoding import Decoder
from generators.encoded.encoding import read
from generators.encoded.layout import Floats32, Layout
from generators.given import Held
from schemas.profile import Profile
from schemas.table import TableSchema


def flat(layout: Layout) -> Layout:
    """The same variables, each with a number and one state."""
    d = layout.count
    return replace(
        layout,
        number=np.arange(d),
        first=np.arange(d + 1),
        null=np.full(d, -1),
        share=np.ones(d),
        spans=np.tile([0.0, 1.0], (d, 1)),
        centre=np.zeros(d),
        spread=np.ones(d),
    )


def missing_shares(layout: Layout) -> Floats:
    """How often each variable is missing, shape (variables,)."""
    last = layout.share[layout.first[1:] - 1] if layout.count else np.zeros(0)
    return np.where(layout.null >= 0, last, 0.0)


def flat_rows(table: pa.Table, layout: Layout, schema: TableSchema, profile: Profile, seed: int) -> Floats32:
    """Rows as numbers from -1 to 1, spread evenly, shape (rows, variables).

    Args:
        table: rows cast to `schema.arrow_schema`.
        layout: their variables, not flat.
        schema: the columns.
        profile: their marginals.
        seed: seeds where in its part of the marginal each value is put.
    """
    noise = np.random.Generator(np.random.Philox(seed)).random((table.num_rows, layout.count))
    found, gone = np.empty(noise.shape, np.float32), missing_shares(layout)
    for j, at in enumerate(layout.columns.tolist()):
        places, present = read(schema.columns[at], profile.columns[at], table.column(at).combine_chunks())
        found[:, j] = 2 * _whole(layout.uniforms(j, places, present, noise[:, j]), present, float(gone[j])) - 1
    return found


def _whole(within: Floats, present: Codes | Any, gone: float) -> Floats:
    """Where among all values, missing ones first, those are that are so far within the values there are, or missing."""
    found: Floats = np.where(present, gone + (1.0 - gone) * within, gone * within)
    return found


class FlatDecoder(Decoder):
    """Turns numbers, one a variable, into records.

    Args:
        schema: what the columns are.
        profile: their marginals.
        layout: the variables, not flat.
        calibration: of the flat layout.
    """

    def __init__(self, schema: TableSchema, profile: Profile, layout: Layout, calibration: Calibration) -> None:
        super().__init__(schema, profile, flat(layout), calibration)
        self._within = Decoder(schema, profile, layout, calibration)
        self._gone = missing_shares(layout)

    def batch(
        self, invented: Mapping[int, pa.Array[Any]], uniforms: Floats, codes: Codes, held: Mapping[int, Held]
    ) -> pa.RecordBatch:
        """Put rows together; see `Decoder.batch`."""
        left = np.where(self._gone < 1.0, 1.0 - self._gone, 1.0)
        within = ((uniforms - self._gone) / left).clip(0.0, np.nextafter(1.0, 0.0))
        states = np.where(uniforms < self._gone, self._within.layout.null, 0).astype(np.int32)
        states = np.where((states == 0) & (self._within.layout.null == 0), -1, states)
        return self._within.batch(invented, within, states, held)

    def held(self, at: int, held: Held, noise: Floats) -> tuple[int, Floats, Codes] | None:
        """What a network would have for a held column; see `Decoder.held`."""
        known = self._within.held(at, held, noise)
        if known is None:
            return None
        j, uniforms, codes = known
        return j, _whole(uniforms, held.present, float(self._gone[j])), np.where(codes < 0, codes, 0)
