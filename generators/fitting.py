"""From a real table to an artifact: profile, fit, reference, identity, golden hash."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import generators
from generators.artifact import ARTIFACT_FORMAT, Artifact, check_contents, identity_of, rules_form
from generators.base import Generator
from generators.blocks import BLOCK_ROWS, Source
from generators.constraints.constrained import Constrained
from generators.constraints.fitting import fit_constrained, met
from generators.constraints.rows import Ruled
from generators.fingerprint import fingerprint, versions
from generators.golden import golden_hash
from generators.neural.launch import Launch
from generators.population import Population
from generators.randomness import Purpose
from generators.sampler import Sampler
from generators.start import Start
from generators.steered import UNSTEERED, Steered
from generators.task import Progress, Task
from schemas.errors import InputError
from schemas.pairs import strongest_pairs
from schemas.profile import profile_rows
from schemas.row_counts import Moments, Pair, RowCounts, RowLayout
from schemas.rows import Rows
from schemas.table import TableSchema

FEWEST_REFERENCE_ROWS, MOST_REFERENCE_ROWS, REFERENCE_S = 262_144, 10_000_000, 20.0
"""How many of its own rows a generator is measured on: as many as one core draws in so many seconds, within bounds. The
more, the farther is their error below a window's, and the sooner a small drift is seen."""

PAIR_BLOCKS = 4
"""In how many blocks of its own rows pairs of columns are sought that go together."""


@dataclass(frozen=True)
class Within:
    """As many of its own rows as a generator draws in some time, by how long its first ones took.

    Args:
        seconds: in which they are to be drawn; `FEWEST_REFERENCE_ROWS` are drawn all the same.
        most: no more than so many.
    """

    seconds: float
    most: int

    def rows(self, artifact: Artifact) -> int:
        """How many these are."""
        source = _source(artifact)
        source.block(0)  # what is loaded at first is not counted
        began = time.perf_counter()
        for index in range(1, PAIR_BLOCKS):
            source.block(index)
        row_s = (time.perf_counter() - began) / (PAIR_BLOCKS - 1) / BLOCK_ROWS
        return int(min(max(self.seconds * (os.cpu_count() or 1) / row_s, FEWEST_REFERENCE_ROWS), self.most))


NOTHING_COUNTED = RowCounts(0, {}, {}, Moments((), (), np.zeros((1, 1), np.int64), np.zeros((0, 0), np.int64)))


def fit_artifact(
    table: pa.Table | Ruled,
    schema: TableSchema,
    model: str,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    reference_rows: int | Within | None = None,
) -> Artifact:
    """Train a generator from nothing on a table that is in memory.

    Args:
        table: the real rows, cast to `schema.arrow_schema`; or those that meet rules, which are then kept.
        schema: what the columns are.
        model: the generator's name.
        settings: those settings of the generator that differ from its defaults.
        seed: seeds whatever is random in training.
        progress: told how far training has come.
        reference_rows: how many of its own rows it is measured on, rounded up to whole blocks, or in what time they are
            to be drawn; None for `reference_rows_of`.

    Raises:
        InputError: unknown model or settings, a table of fewer than two rows, or rules that can not be kept.
    """
    rows = table if isinstance(table, Ruled) else Rows.of(table)
    return artifact_from(rows, schema, Start(model), settings, seed, progress, reference_rows)


def artifact_from(
    rows: Rows | Ruled,
    schema: TableSchema,
    start: Start,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
    reference_rows: int | Within | None = None,
) -> Artifact:
    """Train a generator from where it is told to begin; arguments and errors as of `fit_artifact`, but

    Args:
        rows: the real rows, or those that meet rules.
        start: which model, where it begins, and where it keeps checkpoints.
    """
    model = start.model
    held, rows = (rows, rows.rows) if isinstance(rows, Ruled) else (None, rows)
    if rows.count < 2:
        raise InputError(f"table {schema.name!r}: has {rows.count} rows; expected at least 2")
    full = generators.settings_for(start.generator, settings)
    began = time.perf_counter()
    progress(0.0, "profile")
    profile = profile_rows(rows, schema)
    task = Task(rows, schema, profile, full, seed, lambda share, what: progress(0.2 + 0.4 * share, what), start)
    fit = start.generator.fit
    generator = fit(task) if held is None else fit_constrained(held, task, fit)
    check_contents(generator)
    manifest = {
        "format": ARTIFACT_FORMAT,
        "model": model,
        "settings": full,
        "seed": seed,
        "rows": rows.count,
        **({"profiled_rows": rows.table.num_rows} if rows.is_long else {}),
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
    artifact = Artifact(model, generator, schema, profile, manifest, NOTHING_COUNTED)
    if not Launch.here().is_first:  # the others' artifacts are not kept
        reference_rows = 1
    elif reference_rows is None:
        reference_rows = reference_rows_of(start.generator, len(schema.names))
    elif isinstance(reference_rows, Within):
        reference_rows = reference_rows.rows(artifact)
    reference = reference_counts(artifact, reference_rows, progress)
    golden = {fingerprint(): golden_hash(artifact)}
    train_s = time.perf_counter() - began
    return replace(artifact, reference=reference, manifest={**manifest, "golden": golden, "train_s": train_s})


def _found(generator: Sampler) -> dict[str, Any]:
    """What fitting found out, for the manifest."""
    fitted = generator.inner if isinstance(generator, Constrained) else generator
    return {"found": dict(fitted.found)} if fitted.found else {}


def reference_rows_of(generator: type[Generator], columns: int) -> int:
    """How many of its own rows a generator is measured on, unless more or fewer are asked for."""
    row_s = generator.COST.drawing_s(1, max(columns, 1))
    return int(min(max(REFERENCE_S / row_s, FEWEST_REFERENCE_ROWS), MOST_REFERENCE_ROWS))


def _source(artifact: Artifact, population: Population | None = None) -> Source:
    return Source(artifact, seed=0, epoch=0, shard=0, shards=1, purpose=Purpose.REFERENCE, population=population)


def reference_counts(
    artifact: Artifact,
    rows: int,
    progress: Progress,
    population: Population | None = None,
    steered: Steered = UNSTEERED,
    pairs: Sequence[Pair] | None = None,
) -> RowCounts:
    """Counts of the generator's own rows in the cells its monitors will use.

    Args:
        artifact: the generator.
        rows: how many rows at least.
        progress: told how far it has come.
        population: the keys they are drawn with, of one shard; None for fresh ones.
        steered: how they are steered.
        pairs: which pairs of columns to count; None for those that its first rows show to go together.
    """
    source = _source(artifact, population)
    blocks = -(-rows // BLOCK_ROWS)
    if pairs is None:
        first = [source.block(index, steered) for index in range(min(blocks, PAIR_BLOCKS))]
        pairs = strongest_pairs(artifact.schema, artifact.profile, first)
    layout = RowLayout(artifact.schema, artifact.profile, pairs)

    def counted(index: int) -> npt.NDArray[np.int64]:
        counts = np.zeros((1, layout.size), np.int64)
        layout.add(source.block(index, steered), np.zeros(0, np.int64), counts)
        return counts.reshape(-1)

    total = np.zeros(layout.size, np.int64)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for index, counts in enumerate(threads.map(counted, range(blocks))):
            total += counts
            progress(0.6 + 0.4 * (index + 1) / blocks, "reference")
    return layout.read(total)
