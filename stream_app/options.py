"""Command line options that several commands share, each checked where it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import click

from stream_app.schedule import UNPACED


class Rate(click.ParamType):
    """Records a second, or "max" for as fast as possible."""

    name = "records/s|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a rate; it must be a positive number or "max"."""
        if value in ("max", UNPACED):
            return UNPACED
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not (math.isfinite(rate) and rate > 0):
            self.fail(
                f"{value}: must be a number > 0 or max (to stop for a while: `synthstream pause STREAM.yaml`)",
                param,
                ctx,
            )
        return rate


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
