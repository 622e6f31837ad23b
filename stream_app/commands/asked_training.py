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
from schemas.rules import Rule
from stream_app import training
from stream_app.commands.column_options import AskedColumns, column_options
from stream_app.commands.real_rows import AskedRows, Real, rows_options


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
class AskedTraining(AskedRows, AskedColumns):
    """What the argument TABLE and the options of `training_options` say.

    Raises:
        InputError: flags that contradict each other.
    """

    model: str
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
    def table_name(self) -> str:
        """The table's name: given, or the file's without its endings, or the topic's."""
        if self.name is not None:
            return self.name
        return str(self.from_topic) if self.table is None else self.table.name.split(".")[0]

    @property
    def rules_asked(self) -> tuple[Rule, ...]:
        """The rules that every record is to meet."""
        return () if self.rules is None else training.rules_of_file(self.rules)

    def real(self, told: Told) -> tuple[Real, dict[str, Any] | None]:
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
    click.option("--seed", default=0, show_default=True, help="Seeds training."),
    click.option("--name", help="Name of the table and of the Avro record; the file's name by default."),
    click.option(
        "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the generator; repeatable."
    ),
    click.option("--rules", type=click.Path(path_type=Path), help="YAML file of rules that every record is to meet."),
    click.option("--schema", type=click.Path(path_type=Path), help="Publish under this Avro schema (.avsc), as it is."),
    click.option("--like-topic", metavar="TOPIC", help="Publish under the schema registered for this topic."),
)
"""What is said about training."""


def training_options(model: str, more: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that say what is trained on which rows.

    Args:
        model: the generator, where none is named.
        more: what else is said of naming one.
    """
    told = f"Generator; `synthstream models` lists them{more}."

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = rows_options(device(command))
        for option in reversed(TABLE_OPTIONS):
            command = option(command)
        command = column_options(command)
        return click.option("--model", default=model, show_default=True, help=told)(command)

    return decorate
