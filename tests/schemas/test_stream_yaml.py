"""A stream's YAML file, written for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.stream import StreamSpec, from_mapping, load
from schemas.stream_yaml import dump_commented
from schemas.table import Column, Kind, TableSchema

SCHEMA = TableSchema("t", (Column("a: b", Kind.INTEGER), Column("at", Kind.TIMESTAMP)))

SPECS: list[dict[str, Any]] = [
    {"stream": "s", "topic": "t"},
    {"stream": "s", "topic": "t", "key": {"column": "a: b", "skew": 1.5}},
    {"stream": "s", "topic": "t", "key": {"entities": 10}},
    {"stream": "s", "topic": "t", "monitor": {"longer_s": [60], "sequences": False, "classifier": True}},
    {"stream": "s", "topic": "t", "monitor": {"fidelity_budget": 0.05, "port": 9}},
    {"stream": "s", "topic": "t", "steer": {"given": {"a: b": None}, "shares": {"at": {"2024-01-01": 0.5}}}},
    {"stream": "s", "topic": "t", "steer": {"boost": {"column": "a: b", "value": "yes", "factor": 3}}},
    {
        "stream": "s",
        "topic": "t",
        "drifts": [
            {"name": "d", "kind": "shift", "column": "a: b", "by": 5, "start_s": 2.5, "duration_s": 10},
            {"name": "e", "kind": "label", "course": "recurring", "period_records": 10, "active": 0.2},
        ],
    },
    {"stream": "s", "topic": "t", "key": {"entities": 10}, "changes": {"form": "upserts", "columns": ["at"]}},
    {
        "stream": "s",
        "topic": "t",
        "key": {"column": "at"},
        "changes": {"form": "debezium", "deletes": 0.1, "tombstones": False},
    },
    {"stream": "1.0", "topic": "null", "artifact": "/a b: #c", "rate_per_s": "max", "key": "none", "count": 7},
    {
        "stream": "s",
        "topic": "t",
        "rate_per_s": 0.125,
        "until": "2026-02-01T00:00:00+01:00",
        "time_compression": 24,
        "behind": "skip",
        "behind_s": 2,
        "framing": "header",
        "event_time": "at",
        "bootstrap": "embedded",
        "registry": "http://127.0.0.1:8081",
        "kafka": {"compression.type": "lz4", "linger.ms": 5},
        "topic_settings": {"replication": 3, "retention_ms": 1_000, "min_insync_replicas": 2, "compacted": True},
        "rules": [{"rule": "allowed", "column": "a: b", "values": ["x", "#y"]}, {"rule": "unique", "columns": ["at"]}],
        "disorder": {"late": {"share": 0.02, "distribution": "fixed"}, "missing": {"share": 0.5}, "labels_topic": "l"},
        "quarantine": {},
        "monitor": {"window_s": 60, "panes_per_false_alarm": 1e6, "port": 0},
        "publish": {"transaction_s": 0.25},
    },
]


STEPS = {"poisson": {"sum": [3, {"steps": [{"rate": 1, "for_s": 2}]}]}}
SPECS.append({"stream": "s", "topic": "t", "rate_per_s": STEPS})


@pytest.mark.parametrize("form", SPECS)
def test_what_is_written_reads_back(tmp_path: Path, form: dict[str, Any]) -> None:
    spec = from_mapping(form, tmp_path)
    path = tmp_path / "s.yaml"
    path.write_text(dump_commented(spec, SCHEMA))
    assert load(path) == spec


def test_every_key_is_there_to_be_found() -> None:
    text = dump_commented(from_mapping(SPECS[0], Path("/")), SCHEMA)
    uncommented = yaml.safe_load(
        "\n".join(
            line.removeprefix("# ") for line in text.splitlines()[1:] if "# What" not in line and "# Col" not in line
        )
    )
    assert set(uncommented) == set(StreamSpec.model_fields)
    assert "'a: b'" in text
