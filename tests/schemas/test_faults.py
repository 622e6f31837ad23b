"""What pydantic finds, in our words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.faults import fault_line


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = Field(default=1, alias="how_large")


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = "x"
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ({"nam": 1}, "nam: no such key; did you mean name?"),
        ({"zzz": 1}, "zzz: no such key; known are name, inner, many"),
        ({"inner": {"how_larg": 1}}, "inner.how_larg: no such key; did you mean how_large?"),
        ({"many": [{"how_large": 1}, {"large": 1}]}, "many.1.large: no such key; did you mean how_large?"),
        ({"inner": {"how_large": "x"}}, "inner.how_large='x': input should be a valid integer"),
        ({"name": 3}, "name=3: expected text; quote it"),
        ({"many": 3}, "many=3: expected a list"),
        ({"inner": 3}, "inner=3: expected keys and values"),
    ],
)
def test_a_fault_is_one_line(form: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate(form)
    assert fault_line(raised.value.errors()[0], Outer).startswith(line)
