"""What users say about the columns of a table, as options of the commands that read one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from schemas.inference import Choices
from schemas.policies import read_wishes

OPTIONS = (
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
)


def column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --target, --key, --event-time, --public, --text, --policy, --semantic and --locale."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class AskedColumns:
    """What `column_options` say."""

    target: str | None
    key: str | None
    event_time: str | None
    public: tuple[str, ...]
    text: tuple[str, ...]
    policy: tuple[str, ...]
    semantic: tuple[str, ...]
    locale: tuple[str, ...]

    @property
    def choices(self) -> Choices:
        """What the user says about the columns.

        Raises:
            InputError: policies, meanings or locales that are unknown or contradict each other; all at once.
        """
        wishes, public = read_wishes(self.policy, self.semantic, self.locale, self.public)
        return Choices(self.target, public, self.event_time, self.key, frozenset(self.text), wishes)

    @property
    def flags(self) -> tuple[str, ...]:
        """The same as words of a command line."""
        one = [("--target", self.target), ("--key", self.key), ("--event-time", self.event_time)]
        many = {"--public": self.public, "--text": self.text, "--policy": self.policy}
        many |= {"--semantic": self.semantic, "--locale": self.locale}
        listed = [(flag, value) for flag, value in one if value is not None]
        listed += [(flag, value) for flag, values in many.items() for value in values]
        return tuple(word for pair in listed for word in pair)
