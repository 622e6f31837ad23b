"""The stream's specification: the one YAML file a user writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_serializer,
    model_validator,
)

from schemas.changes import Changes
from schemas.disorder import Disorder, Quarantine
from schemas.drift_kinds import NOT_WITH_CHANGES, Drifts
from schemas.errors import InputError, noted
from schemas.faults import FORM, NUMBER, fault_line
from schemas.framing import Framing
from schemas.keying import KeyForm, Keying
from schemas.monitoring import Monitoring
from schemas.own_topics import own_topics
from schemas.parts import Count, Name, Part, Positive
from schemas.rates import Profile, beside
from schemas.rule_forms import HARD, TOLERATED, rules_of
from schemas.rules import Rule
from schemas.secrets import SECRET, Setting, hidden, hidden_user
from schemas.steering import Steering
from schemas.yaml_files import read_yaml


def _quoted(settings: Mapping[str, Setting]) -> Mapping[str, Setting]:
    for name, value in settings.items():
        if SECRET.search(name) and not isinstance(value, str):
            raise ValueError(f"{name} must be text; quote it")
    return settings


Settings = Annotated[Mapping[str, Setting], AfterValidator(_quoted)]


def _rate(value: Any) -> Any:
    if value in ("max", math.inf):
        return "max"
    if isinstance(value, Mapping | Profile):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("must be a number > 0, or max, or a profile (to stop for a while: `synthstream pause STREAM`)")
    return value


def _form_of_rate(value: Any) -> str:
    return FORM if isinstance(value, Mapping | Profile) else NUMBER


Pace = Annotated[
    Annotated[float | Literal["max"], Tag(NUMBER)] | Annotated[Profile, Tag(FORM)], Discriminator(_form_of_rate)
]
"""A rate as a stream's file has it."""


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class TopicSettings(Part):
    """How the topic is created; an existing one is checked for its partitions only."""

    replication: Count = 1
    retention_ms: Count | None = None
    min_insync_replicas: Count | None = None
    compacted: bool = False


class Publishing(Part):
    """How workers publish.

    Args:
        transaction_s: how long a transaction collects records, in seconds; readers see them that much later.
    """

    transaction_s: Annotated[float, Field(gt=0, le=20)] = 0.5


class StreamSpec(Part):
    """A stream: what draws it, where it goes, how fast, and how it is watched.

    Args:
        stream: its name.
        artifact: the trained artifact's folder; beside the YAML file when relative.
        topic: where the records go.
        rate_per_s: records a second, "max", or a profile of time.
        shards: partitions, each published by one owner.
        seed: with artifact, shards and epoch it settles every record.
        epoch: raised by one to begin a stream anew under another seed, artifact or number of shards.
        count: publish exactly so many records; None for ever.
        until: publish what is due before that moment; None for ever.
        time_compression: how many seconds of the stream's clock go by in one second.
        behind: what to do when records are handed over late: publish them all as fast as it goes, skip them, or
            shift the schedule.
        behind_s: how late a record must be for that, in seconds.
        key: "surrogate" for fresh keys that hash to their partition, "none" for null keys, or keys that come again.
        framing: how records name their schema: in a prefix of the value or in a header.
        changes: how records are changes to entities, which are the keys that come again; None for rows of their own.
        event_time: a timestamp column filled from the stream's clock.
        steer: what the stream offers from the beginning on, other than its generator does by itself.
        drifts: what is injected into the records, labelled.
        bootstrap: host:port of the broker, or "embedded".
        registry: URL of the schema registry, or "embedded".
        kafka: librdkafka settings, by their own names.
        registry_settings: settings of Confluent's registry client, by their own names.
        topic_settings: how the topic is created.
        rules: what every record must satisfy; those that say `hard: true` are held by the quarantine, those that say
            `tolerated: 0.0001` may be broken by so many of them.
        disorder: what befalls records on their way; None for nothing.
        quarantine: where records go that break a hard rule or are too large; None to publish the former and refuse
            the latter.
        monitor: how the stream is watched.
        publish: how workers publish.
    """

    stream: Name
    artifact: Path | None = None
    topic: Name
    rate_per_s: Annotated[Pace, BeforeValidator(_rate)] = 1_000.0
    shards: Count = 4
    seed: int = 0
    epoch: Annotated[int, Field(ge=0, lt=2**32)] = 0
    count: Count | None = None
    until: Annotated[datetime, AfterValidator(_in_utc)] | None = None
    time_compression: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    behind: Literal["catch_up", "skip", "shift"] = "catch_up"
    behind_s: Positive = 5.0
    key: Keying = "surrogate"
    framing: Framing = "prefix"
    changes: Changes | None = None
    event_time: str | None = None
    steer: Steering = Field(default_factory=Steering)
    drifts: Drifts = ()
    bootstrap: str | None = None
    registry: str | None = Field(default=None, repr=False)
    kafka: Settings = Field(default_factory=dict, repr=False)
    registry_settings: Settings = Field(default_factory=dict, repr=False)
    topic_settings: TopicSettings = Field(default_factory=TopicSettings)
    rules: tuple[Mapping[str, Any], ...] = ()
    disorder: Disorder | None = None
    quarantine: Quarantine | None = None
    monitor: Monitoring = Field(default_factory=Monitoring)
    publish: Publishing = Field(default_factory=Publishing)

    @field_serializer("kafka", "registry_settings", when_used="json")
    def _without_secrets(self, settings: Mapping[str, Setting]) -> dict[str, Setting]:
        return hidden(settings)

    @field_serializer("registry", when_used="json")
    def _without_user(self, registry: str | None) -> str | None:
        return None if registry is None else hidden_user(registry)

    @model_validator(mode="after")
    def _fits(self) -> StreamSpec:
        if self.event_time is not None and self.rate_per_s == "max":
            raise ValueError("event_time: needs a rate_per_s in numbers, since the stream's clock runs by it")
        if isinstance(self.key, KeyForm) and self.event_time is not None and self.key.column == self.event_time:
            raise ValueError(f"key.column={self.event_time}: is the event time, which the stream's clock fills")
        if self.event_time is None and self.disorder is not None and self.disorder.late is not None:
            raise ValueError("disorder.late: needs an event_time, the column that shows how late a record is")
        timed = [drift.name for drift in self.drifts if not drift.counts_records]
        if timed and self.rate_per_s == "max":
            raise ValueError(f"drifts: {timed[0]} counts seconds, which need a rate_per_s in numbers; count records")
        try:
            self.steer.check_key(self.key)
        except InputError as error:
            raise ValueError(f"steer: {error}") from None
        if self.changes is not None:
            if self.monitor.classifier:
                raise ValueError(
                    "monitor.classifier: rows of one entity depend on each other, which it can not tell from drift; "
                    "leave it out"
                )
            if self.drifts:
                raise ValueError(f"drifts: {NOT_WITH_CHANGES}")
            self._check_changes(self.changes)
        if self.topic_settings.compacted and self.key == "none":
            raise ValueError("topic_settings.compacted: a compacted topic takes no record without a key; choose a key")
        topics = [self.topic, *(t for t in (self.labels_topic, self.quarantine_topic) if t is not None)]
        if len(set(topics)) < len(topics):
            raise ValueError(f"topic={self.topic}: records, labels and quarantine need a topic each")
        for topic in sorted(set(topics) & set(own_topics(self.stream))):
            raise ValueError(f"topic={topic}: is where stream {self.stream} keeps its own state; choose another")
        self.monitor.check_windows()
        self.monitor.check_responses(self.rate_per_s, self.quarantine is not None)
        return self

    def _check_changes(self, changes: Changes) -> None:
        if not isinstance(self.key, KeyForm):
            raise ValueError(
                f"changes: needs a key that comes again, not key={self.key}; say key: {{entities: 10000}} or "
                "{column: NAME}"
            )
        if self.key.column is not None and self.key.column in (changes.columns or ()):
            raise ValueError(f"changes.columns={self.key.column}: is the key, which stays; leave it out")
        if changes.form == "debezium" and self.event_time is not None:
            raise ValueError(
                f"event_time={self.event_time}: with changes in form: debezium the stream's clock is source.ts_ms; "
                "drop event_time, or say form: upserts"
            )

    @property
    def parsed_rules(self) -> tuple[Rule, ...]:
        """The rules as predicates.

        Raises:
            InputError: a rule makes no sense.
        """
        return rules_of(self.rules)

    @property
    def hard_rules(self) -> tuple[Rule, ...]:
        """The rules that the quarantine holds records to.

        Raises:
            InputError: a rule makes no sense.
        """
        return rules_of([form for form in self.rules if form.get(HARD)])

    @property
    def tolerated(self) -> Mapping[str, float]:
        """By the name of a rule, the share of records that may break it; rules without one are not in it.

        Raises:
            InputError: a rule makes no sense.
        """
        named = zip(self.parsed_rules, self.rules, strict=True)
        return {rule.name: float(form[TOLERATED]) for rule, form in named if TOLERATED in form}

    @property
    def labels_topic(self) -> str | None:
        """Where mishaps are written down; None when there are none."""
        return None if self.disorder is None else self.disorder.labels_topic or f"{self.topic}.labels"

    @property
    def quarantine_topic(self) -> str | None:
        """Where records go that are kept out; None when none are."""
        return None if self.quarantine is None else self.quarantine.topic or f"{self.topic}.quarantine"


def from_mapping(form: Mapping[str, Any], folder: Path) -> StreamSpec:
    """Check a specification.

    Args:
        form: the keys as a YAML file has them.
        folder: what a relative artifact or recording is relative to.

    Raises:
        InputError: every fault there is: key, value, what was expected.
    """
    faults: list[str] = []
    with noted(faults):
        rules_of(form.get("rules"))
    try:
        spec = StreamSpec.model_validate({key: value for key, value in form.items() if value is not None})
    except ValidationError as error:
        raise InputError(
            *dict.fromkeys([*(fault_line(fault, StreamSpec) for fault in error.errors()), *faults])
        ) from None
    if faults:
        raise InputError(*faults)
    rate = beside(spec.rate_per_s, folder)
    artifact = None if spec.artifact is None else folder / spec.artifact
    return spec.model_copy(update={"artifact": artifact, "rate_per_s": rate})


ADVICE = "write one with `synthstream init TABLE`"
"""How to come by a stream's file."""


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
    form = read_yaml(path, ADVICE)
    if not isinstance(form, dict):
        raise InputError(f"{path}: holds no keys and values; {ADVICE}")
    return form
