"""What an artifact is, in a form for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from generators.artifact import Artifact, check_golden
from schemas.avro import avro_schema
from schemas.profile import ColumnProfile
from schemas.table import Column, Kind


def artifact_report(artifact: Artifact, folder: Path) -> dict[str, Any]:
    """An artifact's facts, for `train`, `inspect` and `describe`."""
    manifest = artifact.manifest
    return {
        "artifact": artifact.identity,
        "folder": str(folder),
        "size_bytes": sum(file.stat().st_size for file in folder.iterdir()),
        "model": artifact.model,
        "table": artifact.schema.name,
        "trained_rows": manifest["rows"],
        "train_s": round(manifest["train_s"], 2),
        "seed": manifest["seed"],
        **({"went_on_from": manifest["before"]} if "before" in manifest else {}),
        "columns": list(artifact.schema.names),
        "reproducible_here": check_golden(artifact),
        "avro": avro_schema(artifact.schema),
        "profile": artifact.profile.to_json(),
    }


def print_columns(artifact: Artifact) -> None:
    """Print a line a column: what it is and what was learned of it."""
    table = Table(box=None, pad_edge=False)
    for heading in ("column", "kind", "nulls", "distinct", "what the artifact knows of it"):
        table.add_column(heading, overflow="fold")
    for column in artifact.schema:
        known = artifact.profile[column.name]
        table.add_row(
            column.name,
            column.kind.value if column.role.value == "attribute" else f"{column.kind.value} ({column.role.value})",
            f"{known.nulls / max(known.rows, 1):.1%}",
            f"{known.distinct:,}",
            _known(column, known),
        )
    Console().print(table)


def _known(column: Column, profile: ColumnProfile) -> str:
    if column.is_surrogate:
        return "its format only; values are invented"
    if len(profile.values):
        pooled = f", {profile.rest:.2%} pooled" if profile.rest else ""
        number = len(profile.values)
        return f"{number} value{'s'[: number > 1]} shared by five rows or more{pooled}"
    if len(profile.knots):
        low, high = _spelled(column, profile.knots[0]), _spelled(column, profile.knots[-1])
        return f"{len(profile.knots)} quantile knots from {low} to {high}"
    return "nothing"


def _spelled(column: Column, knot: float) -> str:
    """A knot as people write it: knots of dates and timestamps count their unit since 1970."""
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        stored = pa.int32() if column.kind is Kind.DATE else pa.int64()
        return str(pa.scalar(int(knot), stored).cast(column.arrow_type))
    return f"{knot:g}"
