"""What a command trains: a model on real rows, and all that the user says about both."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import generators
from generators.artifact import Artifact
from generators.task import Progress as Told
from schemas.errors import InputError
from schemas.inference import Choices
from schemas.policies import read_wishes
from schemas.rows import Rows
from schemas.rules import Rule
from stream_app import training
from stream_app.commands.real_rows import AskedRows, rows_options


def settings_of(model: str, pairs: Sequence[str], before: Artifact | None) -> dict[str, Any]:
    """A model's settings: those asked for, else those of the artifact that training goes on from, else the defaults.

    Args:
        model: the generator's name.
        pairs: as `--set` takes them, NAME=VALUE.
        before: the artifact, if there is one.

    Raises:
        InputError: settings that do not read, or that the model does not know.
    """
    generator = generators.load(model)
    kept = {} if before is None else {k: v for k, v in before.manifest["settings"].items() if k in generator.SETTINGS}
    return generators.settings_for(generator, kept | settings_in(pairs))


def settings_in(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings as `--set` takes them, NAME=VALUE, by name.

    Raises:
        InputError: no NAME=VALUE.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: expected NAME=VALUE, as in --set epochs=20")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
    return settings


@dataclass(frozen=True)
class AskedTraining(AskedRows):
    """What the argument TABLE and the options of `training_options` say.

    Raises:
        InputError: flags that contradict each other.
    """

    model: str
    target: str | None
    key: str | None
    event_time: str | None
    public: tuple[str, ...]
    text: tuple[str, ...]
    policy: tuple[str, ...]
    semantic: tuple[str, ...]
    locale: tuple[str, ...]
    seed: int
    name: str | None
    settings: tuple[str, ...]
    rules: Path | None
    schema: Path | None
    like_topic: str | None
    device: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schema is not None and self.like_topic is not None:
            raise InputError(f"--schema {self.schema} and --like-topic {self.like_topic}: give one of them, not both")

    @property
    def choices(self) -> Choices:
        """What the user says about the columns.

        Raises:
            InputError: policies, meanings or locales that are unknown or contradict each other; all at once.
        """
        wishes, public = read_wishes(self.policy, self.semantic, self.locale, self.public)
        return Choices(self.target, public, self.event_time, self.key, frozenset(self.text), wishes)

    @property
    def table_name(self) -> str:
        """The table's name: given, or the file's without its endings, or the topic's."""
        if self.name is not None:
            return self.name
        return str(self.from_topic) if self.table is None else self.table.name.split(".")[0]

    @property
    def rules_asked(self) -> tuple[Rule, ...]:
        """The rules that every record is to meet."""
        return () if self.rules is None else training.rules_of_file(self.rules)

    def real(self, told: Told) -> tuple[Rows, dict[str, Any] | None]:
        """The real rows, and the Avro schema to keep to, if any."""
        wire = None if self.schema is None else training.schema_of_file(self.schema)
        topic = self.from_topic if self.like_topic is None else self.like_topic
        with self.outside(topic is not None) as outside:
            if wire is None and topic is not None and outside is not None:
                wire = training.schema_of_topic(outside, topic)
            return self.read(outside, told), wire


def device(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --device."""
    words = click.Choice(["cpu", "cuda", "auto"])
    told = "What to train on; auto is CUDA where it is, else the CPU."
    return click.option("--device", type=words, default="cpu", show_default=True, help=told)(command)


TABLE_OPTIONS = (
    click.option("--target", help="Column that users will learn to predict."),
    click.option("--key", help="Column that identifies a row; replaced by fresh keys."),
    click.option("--event-time", help="Column with the time of the event."),
    click.option("--public", multiple=True, help="Column whose values may be copied as they are; repeatable."),
    click.option("--text", multiple=True, help="Column of strings, whatever its cells look like; repeatable."),
    click.option(
        "--policy",
        multiple=True,
        metavar="COLUMN=POLICY",
        help="What becomes of a column of text: fake (the default), mask, drop or public; repeatable.",
    ),
    click.option(
        "--semantic",
        multiple=True,
        metavar="COLUMN=MEANING",
        help="What a column means, where it is not recognised, or none where it is wrongly; repeatable.",
    ),
    click.option("--locale", multiple=True, help="Where faked people and places are from, as in de_DE; repeatable."),
    click.option("--seed", default=0, show_default=True, help="Seeds training."),
    click.option("--name", help="Name of the table and of the Avro record; the file's name by default."),
    click.option(
        "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the generator; repeatable."
    ),
    click.option("--rules", type=click.Path(path_type=Path), help="YAML file of rules that every record is to meet."),
    click.option("--schema", type=click.Path(path_type=Path), help="Publish under this Avro schema (.avsc), as it is."),
    click.option("--like-topic", metavar="TOPIC", help="Publish under the schema registered for this topic."),
)
"""What is said about the columns, and about training."""


def training_options(model: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that say what is trained on which rows.

    Args:
        model: the generator, where none is named.
    """
    told = "Generator; `synthstream models` lists them."

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = rows_options(device(command))
        for option in reversed(TABLE_OPTIONS):
            command = option(command)
        return click.option("--model", default=model, show_default=True, help=told)(command)

    return decorate
