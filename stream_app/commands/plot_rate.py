"""`synthstream plot-rate`: a stream's rate as anybody will see it, before it runs."""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from connectors.files import write_text
from schemas.errors import InputError
from stream_app import assemble
from stream_app.forecast import Forecast, forecast
from stream_app.options import as_json
from stream_app.publish import Clock
from stream_app.rate_chart import COLUMNS, as_html, as_svg, as_text
from stream_app.specs import stream_spec

POINTS = 480
"""Points of a picture or of JSON."""

PICTURES: Mapping[str, Callable[[Forecast], str]] = {".svg": as_svg, ".html": as_html}
"""What draws a file, by its ending."""


class Moment(click.ParamType):
    """A moment in ISO 8601; UTC when it names no zone."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a moment as milliseconds since the epoch."""
        try:
            moment = datetime.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value}: expected a time as in 2026-01-31T09:00", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp() * 1_000


@click.command("plot-rate")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@click.option("--hours", type=float, help="How much of it.  [default: 24]")
@click.option("--from", "from_ms", type=Moment(), help="When the stream begins.  [default: now]")
@click.option("--to", "to_ms", type=Moment(), help="Up to when, instead of --hours.")
@click.option("--out", type=click.Path(path_type=Path), help="Write a picture: .svg or .html.")
@as_json
def plot_rate_command(
    source: Path, hours: float | None, from_ms: float | None, to_ms: float | None, out: Path | None, as_json: bool
) -> None:
    """Draw the rate of STREAM.yaml, of the stream and of its shards, without running it.

    Random arrivals are drawn as they will be when the stream begins at that moment; rates without chance are exact.
    """
    if hours is not None and (to_ms is not None or not 0 < hours < math.inf):
        raise InputError(f"hours={hours:g}: must be > 0, and stand alone without --to")
    draw = None if out is None else _drawing(out)
    plan = assemble.plan(stream_spec(source, {}, os.environ))
    start_ms = float(round(Clock().now_ms())) if from_ms is None else from_ms
    end_ms = start_ms + (24 if hours is None else hours) * 3_600_000 if to_ms is None else to_ms
    seen = forecast(plan, start_ms, end_ms, POINTS if as_json or out is not None else COLUMNS)
    if out is not None and draw is not None:
        write_text("out", out, draw(seen))
    if as_json:
        click.echo(json.dumps(seen.to_json()))
    elif out is not None:
        click.echo(f"wrote {out}")
    else:
        click.echo(as_text(seen))


def _drawing(out: Path) -> Callable[[Forecast], str]:
    if out.suffix not in PICTURES:
        raise InputError(f"out={out}: expected a name that ends in {' or '.join(PICTURES)}")
    return PICTURES[out.suffix]
