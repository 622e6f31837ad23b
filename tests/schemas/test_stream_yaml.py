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
    {"stream": "1.0", "topic": "null", "artifact": "/a b: #c", "rate_per_s": "max", "key": "none", "count": 7},
    {
        "stream": "s",
        "topic": "t",
        "rate_per_s": 0.125,
        "event_time": "at",
        "bootstrap": "embedded",
        "registry": "http://127.0.0.1:8081",
        "kafka": {"compression.type": "lz4", "linger.ms": 5},
        "topic_settings": {"replication": 3, "retention_ms": 1_000, "min_insync_replicas": 2},
        "rules": [{"rule": "allowed", "column": "a: b", "values": ["x", "#y"]}, {"rule": "unique", "columns": ["at"]}],
        "monitor": {"window_s": 60, "family_alpha": 1e-9, "port": 0},
        "publish": {"transaction_s": 0.25},
    },
]


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
