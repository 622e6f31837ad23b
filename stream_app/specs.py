"""A stream's specification from what the user names: a folder or a YAML file, the environment and flags on top."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generators.artifact import Artifact
from generators.changes.history import check_changes
from generators.population import population_of
from generators.steered import steered
from schemas.drift_kinds import check_drifts
from schemas.errors import InputError, noted
from schemas.rates import Profile
from schemas.rule_forms import check_columns
from schemas.stream import StreamSpec, from_mapping, read_mapping
from stream_app.kept_rules import check_kept, with_rows
from stream_app.recipe import check_event_time, settled_columns
from stream_app.settings import BOOTSTRAP_VARIABLE, REGISTRY_VARIABLE
from stream_app.watching.response_checks import check_responses

IN_TOPIC = ("replication", "retention_ms", "min_insync_replicas")
"""Flags that belong under `topic_settings`."""


IN_ENVIRONMENT = {"bootstrap": BOOTSTRAP_VARIABLE, "registry": REGISTRY_VARIABLE}
"""What the environment may say, and where."""


def stream_spec(source: Path, flags: Mapping[str, Any], environment: Mapping[str, str]) -> StreamSpec:
    """Settle what a stream is.

    Args:
        source: an artifact's folder, or a stream's YAML file.
        flags: what the command line says, by option name; None where it says nothing.
        environment: the process's environment; it comes before the file and after the flags.

    Raises:
        InputError: neither folder nor file, no topic, or a fault in the specification.
    """
    around = {key: environment[name] for key, name in IN_ENVIRONMENT.items() if environment.get(name)}
    given = {**around, **{key: value for key, value in flags.items() if value is not None}}
    if source.is_dir():
        if "topic" not in given:
            raise InputError(f"topic: none named for the artifact {source}; pass --topic NAME")
        form: dict[str, Any] = {"stream": given["topic"], "artifact": str(source.absolute())}
    elif source.exists():
        form = read_mapping(source)
    else:
        raise InputError(f"{source}: does not exist; expected an artifact's folder or a stream's YAML file")
    topic_settings = {key: given.pop(key) for key in IN_TOPIC if key in given}
    if topic_settings:
        form["topic_settings"] = {**_section(form, "topic_settings"), **topic_settings}
    if "rate" in given:
        rate = given.pop("rate")
        form["rate_per_s"] = "max" if rate == math.inf else rate.to_json() if isinstance(rate, Profile) else rate
    return from_mapping({**form, **given}, source.parent)


def check_fits(spec: StreamSpec, artifact: Artifact) -> None:
    """Refuse a stream that does not fit the columns of the artifact that is to draw it.

    Raises:
        InputError: every fault of its rules and those the artifact keeps, of event time, responses to alarms, steering,
            drifts, key, changes and a compacted topic.
    """
    faults, schema = list[str](), artifact.schema
    with noted(faults):
        with_rows(spec.parsed_rules, artifact)
    with noted(faults):
        check_columns(spec.parsed_rules, schema)
    if spec.event_time is not None:
        with noted(faults):
            check_event_time(schema, spec.event_time)
    with noted(faults):
        check_responses(spec, schema)
    with noted(faults):
        steered(artifact.generator, spec.steer)
    with noted(faults):
        check_drifts(spec.drifts, schema, artifact.profile, settled_columns(spec.key, spec.event_time))
    keys = None
    with noted(faults):
        keys = population_of(artifact.generator, spec.key, spec.shards)
    with noted(faults):
        check_kept(spec, artifact, keys)
    if spec.changes is not None:
        with noted(faults):
            check_changes(schema, spec.changes.columns, keys)
    if spec.topic_settings.compacted and keys is not None and keys.null_share > 0:
        faults.append(
            f"key.column={keys.column}: is missing in {100 * keys.null_share:.2g} % of the rows, and a compacted topic "
            "takes no record without a key; choose a column without nulls, or drop topic_settings.compacted"
        )
    if faults:
        raise InputError(*faults)


def _section(form: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The keys under a key of the file, none where it is left empty."""
    section = form.get(key)
    if section is not None and not isinstance(section, Mapping):
        raise InputError(f"{key}={section!r}: expected keys and values")
    return {} if section is None else section
