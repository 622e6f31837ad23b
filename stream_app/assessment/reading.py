"""From files, or an artifact, to the tables of an assessment, all under the real table's schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import generators
from connectors.files import read_rows
from generators.artifact import Artifact, load_artifact
from generators.blocks import Source as Records
from schemas.errors import InputError
from schemas.inference import Choices, conform, empty_columns, infer_rows
from schemas.policies import Wishes
from schemas.rows import Rows
from schemas.rule_forms import check_columns
from schemas.rules import Rule
from schemas.table import Kind, Policy, TableSchema
from schemas.yaml_files import read_rules
from stream_app.assessment.assessed import Told
from stream_app.assessment.recommendations import Source
from stream_app.assessment.tables import Tables, ground_of

PART = 5
"""One row in so many becomes the holdout, where the real table is split."""

FEWEST_TO_SPLIT = 50


@dataclass(frozen=True)
class Asked:
    """What to assess.

    Args:
        real: the file of the rows that training saw.
        synthetic: the file of the synthetic rows, or an artifact's folder, from which as many as real are drawn.
        holdout: the file of real rows that training did not see.
        split: make a holdout of a part of the real rows.
        target: the column that learners predict.
        rules: the file of the rules.
        seed: seeds what is drawn of the rows.

    Raises:
        InputError: a holdout and a split are both asked for.
    """

    real: Path
    synthetic: Path
    holdout: Path | None = None
    split: bool = False
    target: str | None = None
    rules: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split and self.holdout is not None:
            raise InputError(f"--split and --holdout {self.holdout}: give one of them; --holdout is the better one")


def read(asked: Asked, told: Told) -> tuple[Tables, Source]:
    """Read all tables, and what commands may call them.

    Args:
        asked: what to assess.
        told: told how far it has come.

    Raises:
        InputError: a table that can not be read, every column that is another than the real one's, a target that
            can not be learned, rules that do not fit.
    """
    told(0.0, "reading the real table")
    rules = () if asked.rules is None else read_rules(asked.rules)
    rows = read_rows(asked.real)
    artifact = load_artifact(asked.synthetic) if asked.synthetic.is_dir() else None
    schema = _schema(rows, asked, () if artifact is None else artifact.schema.dropped)
    check_columns(rules, schema)
    notes = _sampled(rows, "the real table")
    if schema.dropped:
        notes.append(
            f"No real row, or no record of the artifact, has a value in {', '.join(schema.dropped)}; left out."
        )
    real = conform(rows.table, schema)
    told(0.0, "reading the synthetic table")
    synthetic, more = _synthetic(asked, schema, artifact, real.num_rows)
    notes += more
    holdout = None
    if asked.holdout is not None:
        told(0.0, "reading the holdout")
        held = read_rows(asked.holdout)
        notes += _sampled(held, "the holdout")
        holdout = under(held.table, schema, asked.holdout)
    elif asked.split:
        real, holdout = _split(real, asked.seed)
        notes.append(
            f"The holdout is {holdout.num_rows:,} rows of the real table, which the generator was trained on with all "
            "others: copies of them are missed, and what real rows teach is not held back from the synthetic ones."
        )
    notes += _target_notes(real, asked)
    tables = _tables(asked, schema, rules, (real, synthetic, holdout), notes)
    source = Source(asked.real, asked.synthetic, rules=asked.rules, holdout=asked.holdout, seed=asked.seed)
    return tables, source if artifact is None else replace(source, model=artifact.model, settings=changed(artifact))


def changed(artifact: Artifact) -> dict[str, Any]:
    """The settings that an artifact was trained with and that are no defaults."""
    usual = generators.load(artifact.model).SETTINGS
    return {name: value for name, value in artifact.manifest["settings"].items() if usual.get(name, value) != value}


def _tables(
    asked: Asked,
    schema: TableSchema,
    rules: tuple[Rule, ...],
    sides: tuple[pa.Table, pa.Table, pa.Table | None],
    notes: list[str],
) -> Tables:
    real = sides[0]
    fewest = min(each.num_rows for each in sides if each is not None)
    ground = ground_of(real, schema, fewest, asked.target, rules, asked.seed)
    if not ground.columns:
        raise InputError(f"{asked.real}: every column is a key or text; there is no distribution to compare")
    text = [column.name for column in schema if column not in ground.columns]
    if text:
        notes.append(f"Keys and text have no distribution to compare and are left out: {', '.join(text)}.")
    return Tables.of(ground, sides, notes)


def _schema(rows: Rows, asked: Asked, dropped: Sequence[str]) -> TableSchema:
    """The real table's schema, with every column free to be empty: where values are missing is scored, not refused."""
    without = [*empty_columns(rows.table), *(name for name in dropped if name in rows.table.column_names)]
    wishes = Wishes({name: Policy.DROP for name in without if name != asked.target})
    choices = Choices(target=asked.target, wishes=wishes)
    found = infer_rows(rows, asked.real.name.split(".")[0], choices=choices)
    if asked.target is not None and found[asked.target].kind is Kind.TEXT:
        raise InputError(f"target={asked.target}: holds text; expected a category, a boolean or a number")
    return replace(found, columns=tuple(replace(column, nullable=True) for column in found))


def _synthetic(asked: Asked, schema: TableSchema, artifact: Artifact | None, rows: int) -> tuple[pa.Table, list[str]]:
    if artifact is not None:
        table = under(drawn(artifact, rows, asked.seed), schema, asked.synthetic)
        return table, [f"{rows:,} records were drawn from the artifact {asked.synthetic}."]
    read = read_rows(asked.synthetic)
    notes = _sampled(read, "the synthetic table")
    return under(read.table, schema, asked.synthetic), notes


def drawn(artifact: Artifact, rows: int, seed: int) -> pa.Table:
    """The first rows of a stream of an artifact."""
    return pa.Table.from_batches(list(Records(artifact, seed, 0, 0, 1).rows(0, rows)), artifact.schema.arrow_schema)


def under(table: pa.Table, schema: TableSchema, path: Path) -> pa.Table:
    """A table's rows under the real table's schema.

    Raises:
        InputError: it has no rows; every column that is missing, that is not the real table's, or holds other values.
    """
    faults = []
    if table.num_rows == 0:
        faults.append("has no rows; expected at least one")
    more = [name for name in table.column_names if name not in schema.names and name not in schema.dropped]
    faults += [f"column {name!r}: the real table has no such column; drop it" for name in more]
    try:
        conformed = conform(table, schema)
    except InputError as error:
        faults += [_missing(fault) for fault in error.faults]
    if faults:
        raise InputError(*(f"{path}: {fault}" for fault in faults))
    return conformed


def _missing(fault: str) -> str:
    return fault.replace("the table has no such column", "is in the real table and missing here")


def _sampled(rows: Rows, what: str) -> list[str]:
    if not rows.is_long:
        return []
    return [f"Of {what} {rows.table.num_rows:,} of {rows.count:,} rows are looked at, drawn evenly."]


def _split(real: pa.Table, seed: int) -> tuple[pa.Table, pa.Table]:
    if real.num_rows < FEWEST_TO_SPLIT:
        raise InputError(f"--split: {real.num_rows} rows are too few to split; expected {FEWEST_TO_SPLIT} or more")
    order = np.random.Generator(np.random.PCG64(seed)).permutation(real.num_rows)
    held = real.num_rows // PART
    return real.take(np.sort(order[held:])).combine_chunks(), real.take(np.sort(order[:held])).combine_chunks()


def _target_notes(real: pa.Table, asked: Asked) -> list[str]:
    if asked.target is None:
        return []
    values = real.column(asked.target)
    if len(values.unique().drop_null()) < 2:
        raise InputError(f"target={asked.target}: has fewer than two values in {asked.real}; name one that varies")
    if not values.null_count:
        return []
    return [f"{values.null_count:,} real rows have no {asked.target}; such rows are left out of learning."]
