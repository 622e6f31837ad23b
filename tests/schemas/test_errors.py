"""Faults that are collected, so that they are said at once."""

from __future__ import annotations

import pytest

from schemas.errors import InputError, Problem, ServiceError, noted


def fail(problem: Problem) -> None:
    raise problem


def test_what_is_refused_is_noted_and_anything_else_goes_on() -> None:
    faults = ["first"]
    with noted(faults):
        pass
    with noted(faults):
        fail(InputError("a: 1", "b: 2"))
    with pytest.raises(ServiceError), noted(faults):
        fail(ServiceError("gone"))
    assert faults == ["first", "a: 1", "b: 2"]
