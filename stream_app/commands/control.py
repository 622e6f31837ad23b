"""`synthstream start`, `stop`, `pause`, `resume`, `drain`, `rate`, `steer`, `drift`, `hold`, `swap`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from connectors.kafka import Cluster
from schemas.drift_kinds import NOT_WITH_CHANGES, check_drifts, form_of
from schemas.errors import InputError
from schemas.parts import one_line
from schemas.rates import Profile
from schemas.stream import StreamSpec
from stream_app import assemble
from stream_app.control import (
    ORDERS,
    Asked,
    at_files_rate,
    at_rate,
    check_begun,
    command,
    drift_ended,
    drifting,
    held,
    released,
    steered,
    swapped,
)
from stream_app.options import RateType, as_json, dry_run, shares_option, show, where
from stream_app.pace.recordings import pinned
from stream_app.publish import Clock
from stream_app.recipe import settled_columns
from stream_app.schedule import UNPACED, Rate, check_clock
from stream_app.settings import place
from stream_app.specs import stream_spec
from stream_app.steering import asked_drift, asked_steering

ANSWER_S = 30.0
"""How long a command waits for the shards' acknowledgements."""

in_stream = click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
at_broker = click.option("--bootstrap", help="HOST:PORT of the broker [env SYNTHSTREAM_BOOTSTRAP].")


def _spec(source: Path, bootstrap: str | None) -> StreamSpec:
    return stream_spec(source, {"bootstrap": bootstrap}, os.environ)


def _tell_by_spec(spec: StreamSpec, asked: Asked, dry_run: bool, as_json: bool) -> None:
    with assemble.reached_broker(place(spec.bootstrap, "unused", spec, os.environ)) as cluster:
        _tell(spec, cluster, asked, dry_run, as_json)


def _tell(spec: StreamSpec, cluster: Cluster, asked: Asked, dry_run: bool, as_json: bool) -> None:
    topics = assemble.running_topics(spec, cluster)
    if dry_run:
        check_begun(cluster, topics, spec.epoch)
        show({"stream": spec.stream, "command": asked.words, "would_tell": list(range(spec.shards))}, as_json)
        return
    answers = command(cluster, topics, assemble.initial_state(spec), asked, ANSWER_S)
    positions = [answers[shard].position for shard in sorted(answers)]
    facts = {"stream": spec.stream, "command": asked.words, "acknowledged": len(answers), "from_position": positions}
    show(facts, as_json)


def _simple(verb: str, text: str) -> click.Command:
    @click.command(verb, help=text)
    @in_stream
    @at_broker
    @dry_run
    @as_json
    def tell(source: Path, bootstrap: str | None, dry_run: bool, as_json: bool) -> None:
        _tell_by_spec(_spec(source, bootstrap), Asked(ORDERS[verb], verb), dry_run, as_json)

    return tell


start_command = _simple("start", "Start a stopped or drained stream again from where it stopped.")
stop_command = _simple("stop", "Stop a stream: every shard commits and stays where it is.")
pause_command = _simple("pause", "Pause a stream; its schedule shifts by the pause.")
resume_command = _simple("resume", "Resume a paused stream.")
drain_command = _simple(
    "drain",
    "Stop a stream once every shard has published all that is due now. A large backlog takes longer than the command "
    "waits; the drain goes on, until another command takes its place.",
)


@click.command("rate")
@in_stream
@click.argument("rate", type=RateType(), required=False)
@click.option("--reset", is_flag=True, help="Go by the rate of the stream's file again.")
@at_broker
@dry_run
@as_json
def rate_command(
    source: Path, rate: Rate | None, reset: bool, bootstrap: str | None, dry_run: bool, as_json: bool
) -> None:
    """Change a running stream's rate to RATE: records a second, max, or a profile.

    A profile is written as in the stream's file, on the line or in a YAML file of its own, and begins now.
    """
    if reset == (rate is not None):
        raise InputError("rate: give RATE, or pass --reset to go by the stream's file")
    spec = _spec(source, bootstrap)
    asked = Asked(at_files_rate, "rate --reset") if rate is None else _at(pinned(rate), spec)
    _tell_by_spec(spec, asked, dry_run, as_json)


def _at(rate: Rate, spec: StreamSpec) -> Asked:
    """The command that asks for a rate."""
    check_clock(spec.event_time, rate)
    words = rate.text if isinstance(rate, Profile) else "max" if rate == UNPACED else f"{rate:g}"
    return Asked(at_rate(None if rate == UNPACED else rate, Clock().now_ms()), f"rate {words}")


@click.command("steer")
@in_stream
@click.argument("held", metavar="[COLUMN=VALUE]...", nargs=-1)
@shares_option
@click.option(
    "--boost",
    metavar="YAML",
    help="A value to publish more often, as in '{column: fraud, value: \"yes\", factor: 10}'; records carry weights.",
)
@click.option("--reset", is_flag=True, help="Steer as the stream's file says again.")
@at_broker
@dry_run
@as_json
def steer_command(
    source: Path,
    held: tuple[str, ...],
    reset: bool,
    bootstrap: str | None,
    dry_run: bool,
    as_json: bool,
    **parts: str | None,
) -> None:
    """Have a running stream offer only records with these values, or values in other shares; the other columns follow.

    It replaces what was steered before. VALUE is a number, true, false, null (for a missing value) or text.
    """
    if reset == bool(held or any(parts.values())):
        raise InputError("steer: name COLUMN=VALUE, --shares or --boost, or pass --reset to go by the stream's file")
    spec = _spec(source, bootstrap)
    artifact = assemble.stream_artifact(spec)
    steering = spec.steer if reset else asked_steering(artifact, held, parts["shares"], parts["boost"], spec.key)
    flags = (f"--{name} {text}" for name, text in parts.items() if text is not None)
    words = "steer --reset" if reset else " ".join(["steer", *held, *flags])
    _tell_by_spec(spec, Asked(steered(steering), words), dry_run, as_json)


@click.command("drift")
@in_stream
@click.argument("script", metavar="[YAML]", required=False)
@click.option("--stop", "ended", metavar="NAME", help="End the drift of that name.")
@at_broker
@dry_run
@as_json
def drift_command(
    source: Path, script: str | None, ended: str | None, bootstrap: str | None, dry_run: bool, as_json: bool
) -> None:
    """Have the records of a running stream drift from the next one on, or end a drift.

    YAML is a drift as in the stream's file; its times count from now. Labels in headers say which records are drifted.
    """
    if (script is None) == (ended is None):
        example = "'{name: storm, kind: shift, column: price, by: 5}'"
        raise InputError(f"drift: name a drift as in {example}, or pass --stop NAME")
    spec = _spec(source, bootstrap)
    if ended is not None:
        _tell_by_spec(spec, Asked(drift_ended(ended), f"drift --stop {ended}"), dry_run, as_json)
        return
    assert script is not None
    artifact = assemble.stream_artifact(spec)
    drift = asked_drift(script)
    if spec.changes is not None:
        raise InputError(f"drift {drift.name}: {NOT_WITH_CHANGES}")
    check_drifts((drift,), artifact.schema, artifact.profile, settled_columns(spec.key, spec.event_time))
    _tell_by_spec(spec, Asked(drifting(drift), f"drift {one_line(form_of(drift))}"), dry_run, as_json)


@click.command("hold")
@in_stream
@click.argument("rule", metavar="RULE")
@click.option("--stop", "ended", is_flag=True, help="Let records that break it pass again.")
@at_broker
@dry_run
@as_json
def hold_command(source: Path, rule: str, ended: bool, bootstrap: str | None, dry_run: bool, as_json: bool) -> None:
    """Have the quarantine of a running stream keep what breaks RULE, from the next record on.

    RULE is a rule of the stream's file by its name, as in range:items; the file must have a quarantine.
    """
    words = f"hold {rule}" + (" --stop" if ended else "")
    _tell_by_spec(_spec(source, bootstrap), Asked(released(rule) if ended else held(rule), words), dry_run, as_json)


@click.command("swap")
@in_stream
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--from", "first", default=0, type=click.IntRange(0), help="The first record of every shard it draws.")
@click.option("--back", is_flag=True, help="Go back to the artifact the epoch was begun with.")
@where
@dry_run
@as_json
def swap_command(
    source: Path, folder: Path | None, first: int, back: bool, dry_run: bool, as_json: bool, **flags: Any
) -> None:
    """Have the artifact in FOLDER draw a running stream, from the next record on or from a later one.

    The folder must lie at the same path wherever a worker runs. A schema that its readers could not read is refused
    before anything is done.
    """
    if back == (folder is not None):
        raise InputError("swap: name the artifact's FOLDER, or pass --back")
    spec = stream_spec(source, flags, os.environ)
    with assemble.reached(place(spec.bootstrap, spec.registry, spec, os.environ)) as outside:
        model = None if folder is None else assemble.successor(spec, folder.absolute(), outside, register=not dry_run)
        words = "swap --back" if model is None else f"swap {model.identity[:12]}"
        asked = Asked(swapped(model, first), words + (f" --from {first}" if first else ""))
        _tell(spec, outside.cluster, asked, dry_run, as_json)
