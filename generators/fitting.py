"""From a real table to an artifact: profile, fit, reference, identity, golden hash."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import generators
from generators.artifact import ARTIFACT_FORMAT, Artifact, check_contents, golden_hash, identity_of, rules_form
from generators.base import Progress, Sampler
from generators.blocks import BLOCK_ROWS, Source
from generators.constraints.constrained import Constrained
from generators.constraints.fitting import fit_constrained, met
from generators.constraints.rows import Ruled
from generators.fingerprint import fingerprint, versions
from generators.neural.launch import Launch
from generators.population import Population
from generators.randomness import Purpose
from generators.start import Start
from generators.steered import UNSTEERED, Steered
from schemas.bins import bins_of
from schemas.errors import InputError
from schemas.profile import Profile, profile_table
from schemas.table import TableSchema

REFERENCE_ROWS = 1_000_000
"""How many of its own rows a generator is measured on: their error is then far below a window's."""


def fit_artifact(
    table: pa.Table | Ruled,
    schema: TableSchema,
    model: str,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    reference_rows: int = REFERENCE_ROWS,
) -> Artifact:
    """Train a generator.

    Args:
        table: the real rows, cast to `schema.arrow_schema`; or those that meet rules, which are then kept.
        schema: what the columns are.
        model: the generator's name.
        settings: those settings of the generator that differ from its defaults.
        seed: seeds whatever is random in training.
        progress: told how far training has come.
        reference_rows: how many of its own rows it is measured on, rounded up to whole blocks.

    Raises:
        InputError: unknown model or settings, a table of fewer than two rows, or rules that can not be kept.
    """
    return artifact_from(table, schema, Start(model), settings, seed, progress, reference_rows)


def artifact_from(
    table: pa.Table | Ruled,
    schema: TableSchema,
    start: Start,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    reference_rows: int = REFERENCE_ROWS,
) -> Artifact:
    """Train a generator from where it is told to begin; arguments and errors as of `fit_artifact`, and

    Args:
        start: which model, where it begins, and where it keeps checkpoints.
    """
    model = start.model
    held, table = (table, table.table) if isinstance(table, Ruled) else (None, table)
    if table.num_rows < 2:
        raise InputError(f"table {schema.name!r}: has {table.num_rows} rows; expected at least 2")
    full = generators.settings_for(start.generator, settings)
    began = time.perf_counter()
    progress(0.0, "profile")
    profile = profile_table(table, schema)

    def fit(rows: pa.Table, columns: TableSchema, marginals: Profile) -> Sampler:
        return start.generator.fit(
            rows, columns, marginals, full, seed, lambda share, what: progress(0.2 + 0.4 * share, what), start
        )

    generator = fit(table, schema, profile) if held is None else fit_constrained(held, schema, profile, fit)
    check_contents(generator)
    manifest = {
        "format": ARTIFACT_FORMAT,
        "model": model,
        "settings": full,
        "seed": seed,
        "rows": table.num_rows,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "identity": identity_of(model, schema, profile, generator.weights(), rules_form(generator)),
        "golden": {},
        **(
            {"left_out": dict(held.left_out), "met": met(generator)}
            if held and isinstance(generator, Constrained)
            else {}
        ),
        **({} if start.before is None else {"before": start.before.identity}),
        **_found(generator),
    }
    artifact = Artifact(model, generator, schema, profile, manifest, {})
    rows = reference_rows if Launch.here().is_first else 1  # the others' artifacts are not kept
    reference = reference_counts(artifact, rows, progress)
    golden = {fingerprint(): golden_hash(artifact)}
    train_s = time.perf_counter() - began
    return replace(artifact, reference=reference, manifest={**manifest, "golden": golden, "train_s": train_s})


def _found(generator: Sampler) -> dict[str, Any]:
    """What fitting found out, for the manifest."""
    fitted = generator.inner if isinstance(generator, Constrained) else generator
    return {"found": dict(fitted.found)} if fitted.found else {}


def reference_counts(
    artifact: Artifact,
    rows: int,
    progress: Progress,
    population: Population | None = None,
    steered: Steered = UNSTEERED,
) -> dict[str, list[int]]:
    """Counts of the generator's own rows in the cells its monitors will use.

    Args:
        artifact: the generator.
        rows: how many rows at least.
        progress: told how far it has come.
        population: the keys they are drawn with, of one shard; None for fresh ones.
        steered: how they are steered.

    Returns:
        For every column the rows in each cell.
    """
    bins = [bins_of(column, artifact.profile[column.name]) for column in artifact.schema]
    source = Source(artifact, seed=0, epoch=0, shard=0, shards=1, purpose=Purpose.REFERENCE, population=population)
    blocks = -(-rows // BLOCK_ROWS)

    def counted(index: int) -> list[npt.NDArray[np.int64]]:
        batch = source.block(index, steered)
        return [b.counts(batch.column(b.column.name)) for b in bins]

    totals = [np.zeros(b.size, np.int64) for b in bins]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for index, counts in enumerate(threads.map(counted, range(blocks))):
            for total, some in zip(totals, counts, strict=True):
                np.add(total, some, out=total)
            progress(0.6 + 0.4 * (index + 1) / blocks, "reference")
    return {b.column.name: total.tolist() for b, total in zip(bins, totals, strict=True)}
