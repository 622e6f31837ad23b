"""Rules that an artifact keeps: what a stream's own rules take from them, and streams that would break them."""

from __future__ import annotations

from collections.abc import Sequence

from generators.artifact import Artifact
from generators.constraints.constrained import Constrained
from generators.population import Population
from schemas.errors import InputError
from schemas.joint_rules import Combinations, Unique
from schemas.rules import Rule
from schemas.stream import StreamSpec
from schemas.table import Role


def with_rows(rules: Sequence[Rule], artifact: Artifact) -> tuple[Rule, ...]:
    """A stream's rules; combinations that list no rows have those of the table that the artifact was trained on.

    Args:
        rules: as the stream's file has them.
        artifact: what draws it.

    Raises:
        InputError: each rule without rows that the artifact does not keep.
    """
    kept = {rule.name: rule for rule in artifact.rules}
    wanting = {rule.name for rule in rules if isinstance(rule, Combinations) and rule.rows is None}
    faults = [
        f"rule {name}: has no rows, and the artifact keeps no such rule to take them from; list them, or train an "
        "artifact with the rule (`synthstream train TABLE --rules FILE`)"
        for name in sorted(wanting - kept.keys())
    ]
    if faults:
        raise InputError(*faults)
    return tuple(kept[rule.name] if rule.name in wanting else rule for rule in rules)


def check_kept(spec: StreamSpec, artifact: Artifact, keys: Population | None) -> None:
    """Refuse a stream that writes other values into its records than the artifact drew under its rules.

    Args:
        spec: the stream.
        artifact: what draws it.
        keys: those that come again; None where they are fresh.

    Raises:
        InputError: each rule that would be broken.
    """
    faults = []
    own = {column.name for column in artifact.schema if column.role is Role.KEY and column.is_surrogate}
    for rule in artifact.rules:
        if spec.event_time is not None and spec.event_time in rule.columns:
            faults.append(
                f"event_time={spec.event_time}: the artifact keeps rule {rule.name}, and the stream's clock would not; "
                "name another column, or train without the rule"
            )
        if isinstance(rule, Unique) and spec.changes is None and keys is not None:
            again = own if keys.column is None else {keys.column}
            if set(rule.columns) & again:
                faults.append(
                    f"key: comes again, and the artifact keeps rule {rule.name}; say key: surrogate, or train without "
                    "the rule"
                )
    faults += _parted(spec, artifact)
    if faults:
        raise InputError(*faults)


def _parted(spec: StreamSpec, artifact: Artifact) -> list[str]:
    """Columns that stay over a life while those that a rule tells them from change."""
    if spec.changes is None or spec.changes.columns is None or not isinstance(artifact.generator, Constrained):
        return []
    changing = set(spec.changes.columns)
    return [
        f"changes.columns: {offset.column.name} stays and {parent.name} changes, and a rule tells the former from the "
        "latter; name both, or neither"
        for offset in artifact.generator.plan.offsets
        for parent in offset.parents
        if offset.column.name not in changing and parent.name in changing
    ]
