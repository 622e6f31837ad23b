"""What an artifact is, in a form for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from generators.artifact import Artifact
from generators.constraints.constrained import Constrained
from generators.golden import check_golden
from schemas.avro import avro_schema
from schemas.profile import ColumnProfile
from schemas.semantics import SEMANTICS
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
        **manifest.get("found", {}),
        "columns": list(artifact.schema.names),
        "dropped": list(artifact.schema.dropped),
        "locales": list(artifact.schema.locales),
        "reproducible_here": check_golden(artifact),
        "avro": avro_schema(artifact.schema),
        "profile": artifact.profile.to_json(),
        **({"met_at_once": round(manifest["met"], 4), "rules": rules_report(artifact)} if artifact.rules else {}),
    }


def rules_report(artifact: Artifact) -> list[dict[str, Any]]:
    """The rules an artifact keeps: what each says, how it is kept, how many rows broke it and were left out."""
    generator, left_out = artifact.generator, artifact.manifest.get("left_out", {})
    return [
        {
            "name": rule.name,
            "text": rule.text,
            "kept": generator.kept(rule) if isinstance(generator, Constrained) else "",
            "rows_left_out": left_out.get(rule.name, 0),
        }
        for rule in artifact.rules
    ]


def print_columns(artifact: Artifact) -> None:
    """Print a line a column: what it is and what was learned of it."""
    table = Table(box=None, pad_edge=False)
    for heading in ("column", "kind", "meaning", "policy", "nulls", "distinct", "what the artifact knows of it"):
        table.add_column(heading, overflow="fold")
    for column in artifact.schema:
        known = artifact.profile[column.name]
        table.add_row(
            column.name,
            column.kind.value if column.role.value == "attribute" else f"{column.kind.value} ({column.role.value})",
            column.semantic or "",
            column.policy or "",
            f"{known.nulls / max(known.rows, 1):.1%}",
            f"{known.distinct:,}",
            _known(column, known),
        )
    Console().print(table)


def print_rules(artifact: Artifact) -> None:
    """Print a line a rule, where there are any: what it says, how it is kept, how many rows broke it."""
    if not artifact.rules:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("rule", "every record", "how it is kept", "rows left out"):
        table.add_column(heading, overflow="fold")
    for row in rules_report(artifact):
        table.add_row(row["name"].split(":")[0], row["text"], row["kept"], f"{row['rows_left_out']:,}")
    Console().print(table)


def _known(column: Column, profile: ColumnProfile) -> str:
    if column.mask:
        return "its format only, in stars"
    if column.is_surrogate:
        faked = column.semantic is not None and SEMANTICS[column.semantic].made is not None
        return "its meaning only; values are faked" if faked else "its format only; values are invented"
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
