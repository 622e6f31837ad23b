"""All that is found out about a table, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from schemas.errors import InputError
from schemas.inference import Choices, conform_rows, infer_rows
from schemas.policies import Wishes
from schemas.profile import profile_rows
from schemas.profiling.candidates import Candidate, candidates_of
from schemas.profiling.cautions import Caution, cautions_of
from schemas.profiling.determined import Dependency, Key, dependencies_of, keys_of
from schemas.profiling.fates import Treated, fates_of
from schemas.profiling.gaps import Gaps, gaps_of
from schemas.profiling.spread import Spread, spread_of
from schemas.profiling.study import Study
from schemas.profiling.target import Target, target_of
from schemas.profiling.ties import Tie, ties_of
from schemas.profiling.units import unit_of
from schemas.rows import Rows
from schemas.table import Kind, Policy, Role

Told = Callable[[float, str], None]
"""Told how far it has come, from 0 to 1, and what is being done."""


@dataclass(frozen=True, eq=False)
class Survey:
    """A table, found out about.

    Args:
        study: its columns, marginals, and the rows that were looked at.
        spreads: by column how its values are spread.
        units: by column its unit, where its name says one.
        gaps: where values are missing.
        ties: columns that surely go together.
        dependencies: what settles what.
        keys: what identifies rows.
        candidates: rules that rows keep.
        fates: what training makes of each column.
        target: what is known of the target; None where none was named.
        cautions: what to know before training.
        empty: columns without any value, which were left out.
    """

    study: Study
    spreads: Mapping[str, Spread]
    units: Mapping[str, str]
    gaps: Gaps
    ties: tuple[Tie, ...]
    dependencies: tuple[Dependency, ...]
    keys: tuple[Key, ...]
    candidates: tuple[Candidate, ...]
    fates: tuple[Treated, ...]
    target: Target | None
    cautions: tuple[Caution, ...]
    empty: tuple[str, ...]


def study_of(raw: Rows, name: str, choices: Choices, empty: Sequence[str] = ()) -> Study:
    """A table as training would see it, its empty columns left out.

    Args:
        raw: the rows as they were read.
        name: the table's name.
        choices: what the user says of the columns.
        empty: columns without any value.

    Raises:
        InputError: every fault of the table and of the choices.
    """
    if raw.table.num_rows < 2:
        infer_rows(raw, name)  # says what is wrong with such a table
    if empty and len(empty) == raw.table.num_columns:
        raise InputError(f"table {name!r}: every cell is missing; expected a column with values")
    if choices.target in empty:
        raise InputError(f"target={choices.target}: every cell is missing; name a column with values")
    policies = {**dict.fromkeys(empty, Policy.DROP), **choices.wishes.policies}
    wishes = Wishes(policies, choices.wishes.meanings, choices.wishes.locales)
    chosen = Choices(choices.target, choices.public, choices.event_time, choices.key, choices.text, wishes)
    schema = infer_rows(raw, name, choices=chosen)
    rows = conform_rows(raw, schema)
    return Study(rows, schema, profile_rows(rows, schema))


def survey(study: Study, told: Told, empty: Sequence[str] = (), most_values: int = 128) -> Survey:
    """Find out about a table.

    Args:
        study: the table.
        told: told how far it has come.
        empty: columns without any value, which were left out.
        most_values: as of `cautions_of`.

    Raises:
        InputError: the target is text, or does not vary.
    """
    named = next((column for column in study.schema if column.role is Role.TARGET), None)
    if named is not None and (named.kind is Kind.TEXT or named not in study.varying):
        what = "holds text" if named.kind is Kind.TEXT else "has fewer than two values"
        raise InputError(f"target={named.name}: {what}; expected a category, a boolean or a number that varies")
    told(0.1, "distributions")
    spreads = {column.name: spread_of(study, column) for column in study.schema}
    told(0.3, "gaps and ties")
    gaps, ties = gaps_of(study), ties_of(study)
    told(0.5, "dependencies and keys")
    dependencies, keys = dependencies_of(study), keys_of(study)
    told(0.7, "rules")
    candidates = candidates_of(study, dependencies, keys)
    fates = fates_of(study.schema)
    target = None if named is None else target_of(study, named, ties)
    units = {column.name: unit for column in study.schema for unit in (unit_of(column),) if unit is not None}
    cautions = cautions_of(study, fates, candidates, target, empty, most_values)
    return Survey(
        study, spreads, units, gaps, ties, dependencies, keys, candidates, fates, target, cautions, tuple(empty)
    )
