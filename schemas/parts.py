"""What the parts of a stream's file are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME = r"^[a-zA-Z0-9._-]+$"
"""What Kafka takes for a topic's name, and we for a stream's."""


class Part(BaseModel):
    """Keys that belong together; an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


def _whole_topic_name(name: str) -> str:
    if name in (".", "..") or len(name) > 200:
        raise ValueError("must be at most 200 characters and neither '.' nor '..'")
    return name


Name = Annotated[str, Field(pattern=NAME), AfterValidator(_whole_topic_name)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]


def one_line(form: Mapping[str, Any]) -> str:
    """Keys and values in one line of YAML, as people write them in a stream's file.

    >>> one_line({"column": "carrier", "skew": 1.5})
    '{column: carrier, skew: 1.5}'
    """
    text: str = yaml.safe_dump(form, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.strip()
