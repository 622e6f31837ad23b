"""Command line options that several commands share, each checked where it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from schemas.keying import KeyForm, Keying, keying_of
from schemas.rates import Profile, beside, profile_of
from schemas.stream import read_mapping
from stream_app.schedule import UNPACED, Rate


class RateType(click.ParamType):
    """Records a second, "max" for as fast as possible, or a profile: YAML text, or a file of it."""

    name = "records/s|max|profile"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rate:
        """Read a rate; it must be a positive number, "max" or a profile."""
        if value in ("max", UNPACED):
            return UNPACED
        if isinstance(value, Profile):
            return value
        if str(value).endswith((".yaml", ".yml", ".json")):
            profile: Profile = beside(profile_of(read_mapping(Path(value))), Path(value).parent)
            return profile
        if str(value).lstrip().startswith("{"):
            return self._written(value, param, ctx)
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not (math.isfinite(rate) and rate > 0):
            self.fail(
                f"{value}: must be a number > 0, or max, or a profile as in {EXAMPLE} "
                "(to stop for a while: `synthstream pause STREAM.yaml`)",
                param,
                ctx,
            )
        return rate

    def _written(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> Profile:
        try:
            return profile_of(yaml.safe_load(text))
        except yaml.YAMLError as error:
            self.fail(f"{text}: is not YAML: {' '.join(str(error).split())}", param, ctx)


class KeyType(click.ParamType):
    """What records are keyed by, as a stream's file has it."""

    name = "surrogate|none|keys"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Keying:
        """Read a key; it must be surrogate, none, or YAML text."""
        if isinstance(value, KeyForm):
            return value
        return keying_of(value)


EXAMPLE = "'{ramp: {from: 10, to: 500, over_s: 60}}'"


def as_asked(rate: Rate) -> float | str | dict[str, Any]:
    """A rate as JSON has it: a number, "max" or a profile's form."""
    if isinstance(rate, Profile):
        return rate.to_json()
    return "max" if rate == UNPACED else rate


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --bootstrap and --registry."""
    command = click.option("--registry", help="URL of the schema registry, or embedded [env SYNTHSTREAM_REGISTRY].")(
        command
    )
    return click.option("--bootstrap", help="HOST:PORT of the broker, or embedded [env SYNTHSTREAM_BOOTSTRAP].")(
        command
    )


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --json: print one JSON value for programs instead of lines for people."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def dry_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --dry-run: check everything, change nothing."""
    return click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")(command)


def track_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --track: where it is kept track of what is done."""
    words = "Keep track of it: in a folder, or with MLflow, as in http://HOST:5000 or sqlite:///runs.db."
    return click.option("--track", metavar="FOLDER|URI", help=words)(command)


def shares_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Option --shares: values of columns in other shares than their own."""
    words = "Shares of some values of a column, as in '{country: {DE: 0.5}}'; the others keep their proportions."
    return click.option("--shares", metavar="YAML", help=words)(command)


def show(form: Mapping[str, Any], as_json: bool) -> None:
    """Print a small report: JSON, or aligned lines."""
    if as_json:
        click.echo(json.dumps(form, default=str))
        return
    wide = max(map(len, form), default=0)
    for key, value in form.items():
        text = json.dumps(value) if isinstance(value, Mapping) else value
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else text
        click.echo(f"{key.replace('_', ' '):{wide}}  {text}")
