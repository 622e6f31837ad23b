"""What is searched: the settings that a model declares worth it, as far as the user does not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import generators
from generators.base import Generator
from generators.search import Choice, Range, Span
from schemas.errors import InputError, noted


@dataclass(frozen=True)
class Space:
    """The settings that are tried.

    Args:
        model: the generator's name.
        fixed: the value of every setting that is not searched.
        ranges: the values to try of each that is.
    """

    model: str
    fixed: Mapping[str, Any]
    ranges: Mapping[str, Range]

    @classmethod
    def of(cls, model: str, fixed: Mapping[str, Any], searched: Sequence[str]) -> Space:
        """What to search.

        Args:
            model: the generator's name.
            fixed: settings that the user fixes.
            searched: as `--search` takes them: NAME, NAME=LOW..HIGH or NAME=VALUE,VALUE; all that the model declares
                where there are none.

        Raises:
            InputError: a model without settings to search; settings that are unknown, not searched, or fixed too.
        """
        generator = generators.load(model)
        if not generator.SEARCH:
            able = [name for name in generators.names() if generators.load(name).SEARCH]
            raise InputError(
                f"model={model}: has no settings to search; train it as it is, or tune {' or '.join(able)}"
            )
        faults: list[str] = []
        settings, ranges = dict(generator.SETTINGS), dict[str, Range]()
        with noted(faults):
            settings = generators.settings_for(generator, fixed)
        for words in searched:
            with noted(faults):
                name, among = _asked(words, generator)
                if name in fixed or name in ranges:
                    where = "--set" if name in fixed else "--search"
                    raise InputError(f"--search {words}: {where} says what {name} is already; leave one of them out")
                ranges[name] = among
        if not searched:
            ranges = {name: among for name, among in generator.SEARCH.items() if name not in fixed}
        if not ranges and not faults:
            faults.append(f"model={model}: --set fixes all that is searched; leave one of {_known(generator)} free")
        if faults:
            raise InputError(*faults)
        return cls(model, {name: value for name, value in settings.items() if name not in ranges}, ranges)

    @property
    def usual(self) -> dict[str, Any]:
        """The defaults of what is searched, where they are in the ranges: what is tried first."""
        defaults = generators.load(self.model).SETTINGS
        return {name: defaults[name] for name, among in self.ranges.items() if among.has(defaults[name])}

    def to_json(self) -> dict[str, Any]:
        """For people and programs: the values to try, by setting."""
        return {name: among.said for name, among in self.ranges.items()}


def _asked(words: str, generator: type[Generator]) -> tuple[str, Range]:
    name, equals, text = words.partition("=")
    if name not in generator.SEARCH:
        fix = f"; fix it with --set {name}=..." if name in generator.SETTINGS else ""
        raise InputError(f"--search {words}: {name} is not searched; the model searches {_known(generator)}{fix}")
    if not equals:
        return name, generator.SEARCH[name]

    def read(value: str) -> Any:
        return generators.settings_for(generator, {name: value})[name]

    try:
        if ".." in text:
            low, _, high = text.partition("..")
            declared = generator.SEARCH[name]
            return name, Span(read(low), read(high), isinstance(declared, Span) and declared.log)
        return name, Choice(tuple(dict.fromkeys(map(read, text.split(",")))))
    except InputError as error:
        raise InputError(*(f"--search {words}: {fault}" for fault in error.faults)) from None


def _known(generator: type[Generator]) -> str:
    return ", ".join(generator.SEARCH)
