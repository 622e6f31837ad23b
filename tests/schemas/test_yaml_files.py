"""YAML files and the rules in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from schemas.rules import NotNull, Range
from schemas.yaml_files import read_rules, read_yaml

LIST = "- {rule: range, column: a, low: 2024-01-01}\n- {rule: not_null, column: b, hard: true}\n"


@pytest.mark.parametrize("text", [LIST, "rules:\n" + LIST, "stream: s\ntopic: t\nrules:\n" + LIST])
def test_rules_stand_alone_or_in_a_streams_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(text)
    assert read_rules(tmp_path / "r.yaml") == (Range("a", "2024-01-01"), NotNull("b"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lists no rules; list rules as in"),
        ("rules: []", "lists no rules"),
        ("a: 1", "lists no rules"),
        ("- {rule: rang}", "rules.0: rule='rang': not known, did you mean 'range'?"),
        ("- {rule: not_null, column: b}\n- {rule: not_null}", "rules.1: not_null.column: is missing"),
        ("- {rule: unique, columns: [a], hard: true}", "rules.0: hard: a unique rule judges records by others"),
        ("- {rule: implies, if: {rule: rang}, then: {rule: not_null, column: a}}", "rules.0: implies.if: rule='rang'"),
        ("- {rule: implies, if: a, then: {rule: not_null, column: a}}", "implies.if='a': expected dict"),
        ("- [", "is not YAML: line 1"),
    ],
)
def test_faults_are_named_with_their_file(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_rules(tmp_path / "r.yaml")
    assert str(error.value).startswith(f"{tmp_path / 'r.yaml'}: ")
    assert says in str(error.value)


def test_a_file_that_can_not_be_read_says_how_to_come_by_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"can not be read .*; do so"):
        read_yaml(tmp_path / "none.yaml", "do so")
    (tmp_path / "latin.yaml").write_bytes("a: \xfc".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_yaml(tmp_path / "latin.yaml", "do so")
