"""Refuses an artifact that could carry real rows or run code: asked at every save and every load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError
from schemas.knots import MAX_KNOTS
from schemas.profile import ColumnProfile, Profile
from schemas.table import MIN_SHARED_ROWS, Column, Kind, TableSchema

FILES = frozenset({"manifest.json", "schema.json", "profile.json", "weights.safetensors", "reference.json"})
"""What every artifact's folder holds."""

RULES_FILE = "rules.json"
"""What the folder of an artifact that keeps rules holds too."""


def scan(schema: TableSchema, profile: Profile, weights: Mapping[str, npt.NDArray[Any]]) -> None:
    """Check that nothing in an artifact is, or could be, a value of fewer than five rows.

    Args:
        schema: what the columns are.
        profile: their marginals.
        weights: the model's arrays.

    Raises:
        InputError: what breaks the rule; all at once.
    """
    faults: list[str] = []
    if tuple(column.name for column in profile) != schema.names:
        faults.append("profile: its columns are not the schema's")
    for column, known in zip(schema, profile, strict=False):
        faults += [f"{column.name}: {fault}" for fault in _column_faults(column, known)]
    faults += [
        f"weights {name!r}: holds objects, not numbers" for name, a in weights.items() if a.dtype.kind not in "biuf"
    ]
    if faults:
        raise InputError(*faults)


def scan_files(names: Iterable[str]) -> None:
    """Check that a folder holds an artifact's files and nothing else: no pickle can hide there.

    Raises:
        InputError: the files that do not belong.
    """
    strange = sorted(set(names) - FILES - {RULES_FILE})
    if strange:
        raise InputError(f"files {', '.join(strange)}: do not belong in an artifact; remove them")


def _column_faults(column: Column, known: ColumnProfile) -> Iterable[str]:
    if column.is_surrogate and (known.values or known.knots):
        yield "values of a text, key or identifier column are stored; retrain, or declare it public"
    if len(known.knots) > MAX_KNOTS and not column.public:
        yield f"{len(known.knots)} knots are stored; at most {MAX_KNOTS} are allowed"
    if known.values and known.knots:
        yield "both knots and values are stored"
    if known.knots and not _is_distribution(known):
        yield "its knots do not rise or its probabilities do not sum to 1"
    if known.values and not column.public and known.rest < 1.0 and column.kind is not Kind.TEXT:
        rows = np.array(known.shares) * (1.0 - known.rest) * (known.rows - known.nulls)
        if len(rows) != len(known.values) or rows.min() < MIN_SHARED_ROWS - 0.5:
            yield f"values held by fewer than {MIN_SHARED_ROWS} rows are stored; retrain, or declare it public"


def _is_distribution(known: ColumnProfile) -> bool:
    mass = np.concatenate([known.atoms, known.inside])
    fits = len(known.atoms) == len(known.knots) == len(known.inside) + 1
    return fits and bool((np.diff(known.knots) > 0).all() and (mass >= -1e-12).all() and abs(mass.sum() - 1.0) < 1e-6)
