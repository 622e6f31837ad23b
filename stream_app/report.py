"""What an artifact is, in a form for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from generators.artifact import Artifact, check_golden
from schemas.avro import avro_schema
from schemas.profile import ColumnProfile
from schemas.table import Column


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
        return f"{len(profile.values)} values shared by five rows or more{pooled}"
    if len(profile.knots):
        return f"{len(profile.knots)} quantile knots from {profile.knots[0]:g} to {profile.knots[-1]:g}"
    return "nothing"
