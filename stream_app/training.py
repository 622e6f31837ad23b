"""From a real table, or a topic, to an artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connectors.files import read_rows
from generators.artifact import Artifact, save
from generators.constraints.rows import Ruled, check_rules, ruled
from generators.fitting import Within, artifact_from
from generators.neural.launch import Launch
from generators.start import Keep, Start
from generators.task import Progress
from schemas.adoption import adopt, text_columns
from schemas.avro import schema_file
from schemas.errors import InputError
from schemas.inference import Choices, conform_rows, infer_rows
from schemas.rows import Rows
from schemas.rules import Rule
from schemas.table import Role, TableSchema
from schemas.yaml_files import read_rules
from stream_app.assemble import Outside, subject


@dataclass(frozen=True)
class Training:
    """What to train, and how.

    Args:
        model: the generator's name.
        name: the table's name, and the Avro record's.
        choices: what the user says about the columns.
        seed: seeds whatever is random in training.
        settings: settings of the generator.
        wire: an Avro schema people already have; None to derive one.
        rules: what every record is to meet.
        keep: where checkpoints are; None for none.
        before: an artifact whose weights to begin with; None to begin afresh.
        device: cpu, cuda or auto.
        chosen: why this model, for the manifest, where nobody named it.
        reference_rows: how many of its own rows are counted for what monitors compare a stream with, or in what time
            they are to be drawn; None for as many as are drawn quickly.

    Raises:
        InputError: the model is unknown, or can not begin like that.
    """

    model: str
    name: str
    choices: Choices
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    wire: Mapping[str, Any] | None = None
    rules: tuple[Rule, ...] = ()
    keep: Keep | None = None
    before: Artifact | None = None
    device: str = "cpu"
    chosen: Mapping[str, Any] = field(default_factory=dict)
    reference_rows: int | Within | None = None

    def __post_init__(self) -> None:
        self.start()  # refuses what the model can not do before any work is done

    def start(self, gently: bool = False) -> Start:
        """Where it begins; gently, in small steps."""
        return Start(self.model, self.keep, self.before, gently, self.device)


def rows_of_file(path: Path) -> Rows:
    """The raw rows of a file."""
    return read_rows(path)


def schema_of_file(path: Path) -> dict[str, Any]:
    """The Avro schema of an .avsc file."""
    return schema_file(path)


def rules_of_file(path: Path) -> tuple[Rule, ...]:
    """The rules of a YAML file."""
    return read_rules(path)


def schema_of_topic(outside: Outside, topic: str) -> dict[str, Any]:
    """The schema registered for a topic's values.

    Raises:
        InputError: none is registered.
    """
    found = outside.registry.latest(subject(topic))
    if found is None:
        raise InputError(f"topic={topic}: no schema is registered under {subject(topic)} at {outside.registry_url}")
    return found[1]


def train(raw: Rows, training: Training, out: Path | None, progress: Progress) -> Artifact:
    """Infer, conform, leave out what breaks rules, fit and, unless told not to, save.

    Args:
        raw: the real rows as they were read.
        training: what to train.
        out: the artifact's folder; None to leave nothing behind.
        progress: told how far it has come.
    """
    progress(0.0, "reading the columns")
    schema = schema_of(raw, training)
    return _trained(_rows(raw, schema, training), schema, training.start(), training, out, progress)


def update(raw: Rows, training: Training, out: Path | None, progress: Progress) -> Artifact:
    """Go on from an artifact with rows it has not seen: under its schema, with their marginals, in small steps.

    Args: as of `train`; `training.before` is the artifact.

    Raises:
        InputError: the rows are not of the artifact's columns.
    """
    fit, before = fitting(raw, training), training.before
    assert before is not None
    rows = ruled(fit, before.schema, before.rules) if before.rules else fit
    return _trained(rows, before.schema, training.start(gently=True), training, out, progress)


def train_like(raw: Rows, like: Artifact, training: Training, progress: Progress) -> Artifact:
    """Train afresh, under the schema that an artifact has and with its rules.

    Args: as of `train`, but
        like: the artifact; the training's rules are kept beside its own, and its target is the column of that name.
    """
    schema = with_target(like.schema, training.choices.target)
    more = (rule for rule in training.rules if rule.name not in {own.name for own in like.rules})
    rules = (*like.rules, *more)
    check_rules(rules, schema)
    rows = conform_rows(raw, schema)
    return _trained(ruled(rows, schema, rules) if rules else rows, schema, training.start(), training, None, progress)


def with_target(schema: TableSchema, target: str | None) -> TableSchema:
    """A schema whose target is a column, unless that is a key or holds times of events."""
    if target is None or schema[target].role is not Role.ATTRIBUTE:
        return schema
    roles = {Role.TARGET: Role.ATTRIBUTE}
    columns = (replace(c, role=Role.TARGET if c.name == target else roles.get(c.role, c.role)) for c in schema)
    return replace(schema, columns=tuple(columns))


def fitting(raw: Rows, training: Training) -> Rows:
    """New rows as the artifact's schema has them: all the checks of `update` that need no fitting.

    Raises:
        InputError: the rows are not of its columns.
    """
    assert training.before is not None
    return of_artifact(raw, training.before)


def of_artifact(raw: Rows, artifact: Artifact) -> Rows:
    """Rows as an artifact's schema has them.

    Raises:
        InputError: the rows are not of its columns.
    """
    try:
        return conform_rows(raw, artifact.schema)
    except InputError as error:
        raise InputError(*(f"{fault} (by the artifact's schema)" for fault in error.faults)) from None


def _trained(
    rows: Rows | Ruled, schema: TableSchema, start: Start, training: Training, out: Path | None, progress: Progress
) -> Artifact:
    artifact = artifact_from(
        rows, schema, start, training.settings, training.seed, progress, reference_rows=training.reference_rows
    )
    if training.chosen:
        found = {**artifact.manifest.get("found", {}), **training.chosen}
        artifact = replace(artifact, manifest={**artifact.manifest, "found": found})
    if out is not None and Launch.here().is_first:
        save(artifact, out)
        if start.keep is not None:
            start.keep.remove()
    return artifact


def checked(raw: Rows, training: Training) -> tuple[TableSchema, Mapping[str, int]]:
    """All the checks of `train` that need no fitting, what `--dry-run` does: the columns, and the rows left out."""
    schema = schema_of(raw, training)
    rows = _rows(raw, schema, training)
    if isinstance(rows, Ruled):
        return schema, rows.left_out
    for _ in rows.pieces():
        pass  # each is cast, or refused
    return schema, {}


def _rows(raw: Rows, schema: TableSchema, training: Training) -> Rows | Ruled:
    """The real rows under their schema, those that break a rule left out."""
    if training.rules:
        check_rules(training.rules, schema)
    rows = rows_under(raw, schema)
    return ruled(rows, schema, training.rules) if training.rules else rows


def rows_under(raw: Rows, schema: TableSchema) -> Rows:
    """The real rows under their schema."""
    return conform_rows(raw, schema)


def schema_of(raw: Rows, training: Training) -> TableSchema:
    """What the columns are, under the Avro schema there is to keep to."""
    if training.wire is None:
        return infer_rows(raw, training.name, choices=training.choices)
    strings = text_columns(training.wire) & set(raw.table.column_names)
    choices = replace(training.choices, text=training.choices.text | strings)
    return adopt(infer_rows(raw, training.name, choices=choices), training.wire)
