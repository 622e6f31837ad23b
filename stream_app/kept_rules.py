"""Rules that an artifact keeps, and streams that would break them."""

from __future__ import annotations

from generators.artifact import Artifact
from generators.constraints.constrained import Constrained
from generators.population import Population
from schemas.errors import InputError
from schemas.joint_rules import Unique
from schemas.stream import StreamSpec
from schemas.table import Role


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
