"""The stream's specification: the one YAML file a user writes."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    model_validator,
)

from schemas.errors import InputError
from schemas.rule_forms import parse
from schemas.rules import Rule

NAME = r"^[a-zA-Z0-9._-]+$"
"""What Kafka takes for a topic's name, and we for a stream's."""


SECRET = re.compile("password|secret|token|[.]key$|key[.]pem", re.IGNORECASE)
"""librdkafka settings whose values are never shown."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _whole_topic_name(name: str) -> str:
    if name in (".", "..") or len(name) > 200:
        raise ValueError("must be at most 200 characters and neither '.' nor '..'")
    return name


Name = Annotated[str, Field(pattern=NAME), AfterValidator(_whole_topic_name)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]


def _rate(value: Any) -> Any:
    if value in ("max", math.inf):
        return "max"
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("must be a number > 0, or max (to stop for a while: `synthstream pause STREAM`)")
    return value


class TopicSettings(_Part):
    """How the topic is created; an existing one is checked for its partitions only."""

    replication: Count = 1
    retention_ms: Count | None = None
    min_insync_replicas: Count | None = None


class Monitoring(_Part):
    """How the stream is watched.

    Args:
        window_s: length of the sliding window, in seconds; a whole number of panes.
        pane_s: how often the window slides, in seconds.
        allowed_lateness_s: how far out of order records may come, in seconds.
        family_alpha: chance of a false alarm in one look at the whole table.
        min_effect: changes smaller than this are no alarm (of KS and its like, 0 to 1).
        min_records: with fewer records in a window there is no verdict.
        clear_after: how many quiet windows clear an alarm.
        port: where page and metrics are served.
    """

    window_s: Positive = 10.0
    pane_s: Positive = 1.0
    allowed_lateness_s: Annotated[float, Field(ge=0)] = 5.0
    family_alpha: Annotated[float, Field(gt=0, lt=1)] = 1e-6
    min_effect: Annotated[float, Field(ge=0, lt=1)] = 0.1
    min_records: Count = 500
    clear_after: Count = 3
    port: Port = 8080


class Publishing(_Part):
    """How workers publish.

    Args:
        transaction_s: how long a transaction collects records, in seconds; readers see them that much later.
    """

    transaction_s: Annotated[float, Field(gt=0, le=20)] = 0.5


class StreamSpec(_Part):
    """A stream: what draws it, where it goes, how fast, and how it is watched.

    Args:
        stream: its name.
        artifact: the trained artifact's folder; beside the YAML file when relative.
        topic: where the records go.
        rate_per_s: records a second, or "max".
        shards: partitions, each published by one owner.
        seed: with artifact and shards it settles every record.
        count: publish exactly so many records; None for ever.
        key: "surrogate" for keys that hash to their partition, "none" for null keys.
        event_time: a timestamp column filled from the stream's clock.
        bootstrap: host:port of the broker, or "embedded".
        registry: URL of the schema registry, or "embedded".
        kafka: librdkafka settings, by their own names.
        topic_settings: how the topic is created.
        rules: what every record must satisfy.
        monitor: how the stream is watched.
        publish: how workers publish.
    """

    stream: Name
    artifact: Path | None = None
    topic: Name
    rate_per_s: Annotated[float | Literal["max"], BeforeValidator(_rate)] = 1_000.0
    shards: Count = 4
    seed: int = 0
    count: Count | None = None
    key: Literal["surrogate", "none"] = "surrogate"
    event_time: str | None = None
    bootstrap: str | None = None
    registry: str | None = None
    kafka: Mapping[str, str | int | float | bool] = Field(default_factory=dict, repr=False)
    topic_settings: TopicSettings = Field(default_factory=TopicSettings)
    rules: tuple[Mapping[str, Any], ...] = ()
    monitor: Monitoring = Field(default_factory=Monitoring)
    publish: Publishing = Field(default_factory=Publishing)

    @field_serializer("kafka", when_used="json")
    def _without_secrets(self, kafka: Mapping[str, Any]) -> dict[str, Any]:
        return {name: "***" if SECRET.search(name) else value for name, value in kafka.items()}

    @model_validator(mode="after")
    def _fits(self) -> StreamSpec:
        if self.event_time is not None and self.rate_per_s == "max":
            raise ValueError("event_time: needs a rate_per_s in numbers, since the stream's clock runs by it")
        panes = self.monitor.window_s / self.monitor.pane_s
        if abs(panes - round(panes)) > 1e-6 or panes < 1:
            raise ValueError(
                f"monitor.window_s={self.monitor.window_s:g}: must be a whole number of panes "
                f"of {self.monitor.pane_s:g} s (monitor.pane_s)"
            )
        return self

    @property
    def parsed_rules(self) -> tuple[Rule, ...]:
        """The rules as predicates.

        Raises:
            InputError: a rule makes no sense.
        """
        return tuple(parse(dict(form)) for form in self.rules)


def from_mapping(form: Mapping[str, Any], folder: Path) -> StreamSpec:
    """Check a specification.

    Args:
        form: the keys as a YAML file has them.
        folder: what a relative artifact is relative to.

    Raises:
        InputError: every fault there is: key, value, what was expected.
    """
    faults = _rule_faults(form.get("rules"))
    try:
        spec = StreamSpec.model_validate({key: value for key, value in form.items() if value is not None})
    except ValidationError as error:
        raise InputError(*dict.fromkeys([*(_fault(dict(fault)) for fault in error.errors()), *faults])) from None
    if faults:
        raise InputError(*faults)
    if spec.artifact is not None and not spec.artifact.is_absolute():
        return spec.model_copy(update={"artifact": folder / spec.artifact})
    return spec


def _rule_faults(forms: Any) -> list[str]:
    faults: list[str] = []
    for i, form in enumerate(forms if isinstance(forms, list | tuple) else []):
        try:
            parse(form)
        except InputError as error:
            faults += [f"rules.{i}: {fault}" for fault in error.faults]
    return faults


def load(path: Path) -> StreamSpec:
    """Read a stream's YAML file.

    Raises:
        InputError: the file can not be read, is not YAML, or holds faults, each named.
    """
    return from_mapping(read_mapping(path), path.parent)


def read_mapping(path: Path) -> dict[str, Any]:
    """The keys of a stream's YAML file, unchecked.

    Raises:
        InputError: the file can not be read or is not a mapping.
    """
    try:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: can not be read ({error.strerror}); write one with `synthstream init TABLE`"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}); expected a YAML file") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(form, dict):
        raise InputError(f"{path}: holds no keys and values; write one with `synthstream init TABLE`")
    return form


WORDS = {
    "tuple_type": "expected a list",
    "dict_type": "expected keys and values",
    "mapping_type": "expected keys and values",
    "model_type": "expected keys and values",
    "string_type": "expected text; quote it",
    "string_pattern_mismatch": "expected letters, digits, '.', '_' or '-'",
}
"""What a fault is called here, by pydantic's name for it."""

TRIED = frozenset({"float", "literal['max']"})
TRIED_FOR_KAFKA = frozenset({"str", "int", "float", "bool"})
"""The types that pydantic tried in vain, which it names as if they were keys."""


def _fault(error: dict[str, Any]) -> str:
    place = [str(part) for part in error["loc"] if str(part) not in TRIED]
    if place[:1] == ["kafka"] and error["loc"][-1] in TRIED_FOR_KAFKA and len(error["loc"]) > 2:
        return f"{'.'.join(map(str, error['loc'][:-1]))}={error['input']!r}: expected text, a number, true or false"
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        known = _known(place[:-1])
        near = difflib.get_close_matches(place[-1], known, n=1)
        return f"{key}: no such key; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"
    words: str = WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
    if not key:
        return words
    if error["type"] == "missing":
        return f"{key}: is missing; expected a value"
    return f"{key}={error['input']!r}: {words[:1].lower()}{words[1:]}"


def _known(place: list[str]) -> list[str]:
    model: type[BaseModel] = StreamSpec
    for part in place:
        inner = model.model_fields[part].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
