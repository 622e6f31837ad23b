"""A stream's YAML file, written for people to edit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from schemas.drift_kinds import form_of
from schemas.rates import Profile
from schemas.stream import StreamSpec
from schemas.table import Kind, TableSchema

MONITOR_WORDS = {
    "window_s": "sliding window, in panes of pane_s",
    "pane_s": "how often the window slides",
    "longer_s": "further windows, which raise no alarm",
    "allowed_lateness_s": "how far out of order records may come",
    "panes_per_false_alarm": "between two false alarms, on average at least",
    "min_effect": "changes no larger only warn",
    "min_records": "with fewer there is no verdict",
    "dependence": "how many records count as one, since they depend on each other; auto works it out",
    "clear_after": "quiet panes that clear an alarm",
    "fidelity_budget": "share of records that may come while a column is far from training",
    "sequences": "find duplicates and gaps, and follow what is announced",
    "classifier": "tell records from the generator's rows, three columns at once",
    "port": "page and Prometheus metrics",
}
"""The keys under `monitor`, each with a word on it."""

ON_ALARM = "[{severity: page, do: pause}]"
"""An example of alarms that act, for a stream where none do."""

CHANGES = "{form: upserts, deletes: 0.05}"
"""An example of changes for a stream without any."""

STEER = "{shares: {COLUMN: {VALUE: 0.5}}}"
"""An example of steering for a stream without any."""

DRIFTS = "[{name: storm, kind: shift, column: COLUMN, by: 5, start_s: 60, duration_s: 30}]"
"""An example of drifts for a stream without any."""

DISORDER = "{out_of_order: {share: 0.05}, duplicates: {share: 0.01}, missing: {share: 0.001}}"
"""An example of disorder for a stream without any."""


def dump_commented(spec: StreamSpec, schema: TableSchema) -> str:
    """A stream's YAML file with a word on every key, for people to edit; `load` reads an equal stream back.

    Args:
        spec: the stream; its settings of Kafka and registry are written as they are.
        schema: the table's columns, named in the comments.
    """
    form = spec.model_dump()
    form |= {key: None if form[key] is None else _given(form[key]) for key in ("changes", "disorder", "quarantine")}
    form |= {"steer": spec.steer.to_json() or None, "drifts": [form_of(drift) for drift in spec.drifts] or None}
    if isinstance(spec.rate_per_s, Profile):
        form["rate_per_s"] = spec.rate_per_s.to_json()
    responses = [response.model_dump(exclude_defaults=True) for response in spec.monitor.on_alarm]
    example = next((c.name for c in schema if c.kind in (Kind.INTEGER, Kind.NUMBER)), schema.names[0])
    times = ", ".join(c.name for c in schema if c.kind is Kind.TIMESTAMP)
    train = f"synthstream train TABLE --out {spec.artifact or 'DIR'}"
    pair = "- {rule: range, column: COLUMN, low: 0, high: 100}".replace("COLUMN", _yaml(example))
    lines = [
        "# A synthetic stream. Check: `synthstream validate`; run: `synthstream publish` or `synthstream worker`.",
        _entry("stream", form, ""),
        _entry(
            "artifact", {"artifact": None if spec.artifact is None else str(spec.artifact)}, f"written by `{train}`"
        ),
        _entry("topic", form, ""),
        _entry("rate_per_s", form, "records a second, max, or a profile as {ramp: {from: 10, to: 500, over_s: 60}}"),
        _entry("shards", form, "partitions of the topic"),
        _entry("seed", form, "artifact, shards, seed and epoch settle every record"),
        _entry("epoch", form, "raise it by one to begin anew: another artifact, another seed, more shards"),
        _entry("count", form, "stop after exactly so many records", 1_000_000),
        _entry("until", form, "stop at that moment", "2030-01-01T00:00:00Z"),
        _entry("time_compression", form, "seconds of the stream's clock in one second"),
        _entry("behind", form, "what to do when records are handed over late: catch_up, skip or shift"),
        _entry("behind_s", form, "how late a record must be for that"),
        _entry("key", form | {"key": _key(spec)}, "or none, {column: NAME}, {entities: 10000, skew: 1.1}"),
        _entry("framing", form, "where a record names its schema: prefix (of its value) or header"),
        _entry("changes", form, "records are changes to the keys, which come again; or form: debezium", CHANGES),
        _entry("steer", form, "columns given, values in other shares, or a rare one boosted", STEER),
        _entry(
            "drifts", form, "what goes wrong with records, and when, labelled", DRIFTS.replace("COLUMN", _yaml(example))
        ),
        _entry("event_time", form, f"filled from the stream's clock; timestamps: {times or 'none here'}", "COLUMN"),
        "",
        _entry("bootstrap", form, "or embedded; --bootstrap and SYNTHSTREAM_BOOTSTRAP say the same", "127.0.0.1:9092"),
        _entry("registry", form, "or embedded; --registry and SYNTHSTREAM_REGISTRY too", "http://127.0.0.1:8081"),
        _entry("kafka", {"kafka": dict(spec.kafka)}, "librdkafka settings by their own names; ${NAME} for secrets"),
        _entry("registry_settings", {"registry_settings": dict(spec.registry_settings)}, "its client's, likewise"),
        "",
        "topic_settings:  # for a topic that does not exist yet",
        *_topic(form["topic_settings"]),
        "",
        f"# What every record must satisfy, as in {pair}",
        f"# Columns: {', '.join(map(_yaml, schema.names))}",
        "rules:" if spec.rules else "rules: []",
        *(f"- {_yaml(dict(rule))}" for rule in spec.rules),
        "",
        _entry("disorder", form, "what befalls records, labelled; late needs event_time", DISORDER),
        _entry("quarantine", form, "a topic for what breaks a rule with `hard: true` or is too large", "{}"),
        "",
        "monitor:",
        *("  " + _entry(name, form["monitor"], words) for name, words in MONITOR_WORDS.items()),
        "  " + _entry("on_alarm", {"on_alarm": responses or None}, "what alarms do to the stream", ON_ALARM),
        "",
        "publish:",
        "  " + _entry("transaction_s", form["publish"], "how long a worker's transaction collects records"),
    ]
    return "\n".join(lines) + "\n"


def _topic(settings: Mapping[str, Any]) -> list[str]:
    return [
        "  " + _entry("replication", settings, ""),
        "  " + _entry("retention_ms", settings, "", 86_400_000),
        "  " + _entry("min_insync_replicas", settings, "", 1),
        "  " + _entry("compacted", settings, "keep only the newest record of each key"),
    ]


def _key(spec: StreamSpec) -> Any:
    return spec.key if isinstance(spec.key, str) else spec.key.model_dump(exclude_none=True)


def _given(form: Mapping[str, Any]) -> dict[str, Any]:
    """A part without the keys that have no value, as YAML has it."""
    given = {key: value for key, value in form.items() if value is not None}
    return {
        key: _given(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
        for key, value in given.items()
    }


def _entry(key: str, form: Mapping[str, Any], words: str, example: Any = None) -> str:
    """A line of YAML with a comment; commented out, with an example, where there is no value."""
    value = form[key]
    line = f"# {key}: {'' if example is None else example}" if value is None else f"{key}: {_yaml(value)}"
    return f"{line}  # {words}" if words else line


def _yaml(value: Any) -> str:
    """A value in one line of YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
