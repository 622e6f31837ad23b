"""YAML files that people write, and rules in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import InputError
from schemas.rule_forms import rules_of
from schemas.rules import Rule


def read_yaml(path: Path, advice: str) -> Any:
    """What a YAML file holds, unchecked.

    Args:
        path: the file.
        advice: how to come by such a file.

    Raises:
        InputError: the file can not be read.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can not be read ({error.strerror}); {advice}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}); expected a YAML file") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is not YAML: {_unquoted(error)}") from None


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules that a file lists, by itself or as a stream's file does under `rules`.

    Raises:
        InputError: the file can not be read, lists no rules, or holds faults, each named.
    """
    advice = "list rules as in `- {rule: range, column: NAME, low: 0}`"
    form = read_yaml(path, advice)
    forms = form.get("rules") if isinstance(form, dict) else form
    if not isinstance(forms, list) or not forms:
        raise InputError(f"{path}: lists no rules; {advice}")
    try:
        return rules_of(forms)
    except InputError as error:
        raise InputError(*(f"{path}: {fault}" for fault in error.faults)) from None


def _unquoted(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the text around it, which may be a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "a character that YAML does not take"
    problem = re.sub(r"'[^'<]{2,}'", "...", error.problem or "can not be read")
    return f"line {error.problem_mark.line + 1}: {problem}"
