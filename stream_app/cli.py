"""The command `synthstream`: finds each command where it lives and turns failures into one line and an exit code."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from schemas.errors import Problem
from stream_app.logs import log_to_stderr

COMMANDS: Mapping[str, str] = {
    "init": "stream_app.commands.spec",
    "validate": "stream_app.commands.spec",
    "profile": "stream_app.commands.profile",
    "train": "stream_app.commands.train",
    "tune": "stream_app.commands.tune",
    "update": "stream_app.commands.update",
    "inspect": "stream_app.commands.train",
    "models": "stream_app.commands.train",
    "score": "stream_app.commands.score",
    "sample": "stream_app.commands.sample",
    "assess": "stream_app.commands.assess",
    "improve": "stream_app.commands.improve",
    "plot-rate": "stream_app.commands.plot_rate",
    "publish": "stream_app.commands.publish",
    "consume": "stream_app.commands.consume",
    "monitor": "stream_app.commands.monitor",
    "count": "stream_app.commands.monitor",
    "compare": "stream_app.commands.compare",
    "worker": "stream_app.commands.worker",
    "start": "stream_app.commands.control",
    "stop": "stream_app.commands.control",
    "pause": "stream_app.commands.control",
    "resume": "stream_app.commands.control",
    "drain": "stream_app.commands.control",
    "rate": "stream_app.commands.control",
    "steer": "stream_app.commands.control",
    "drift": "stream_app.commands.control",
    "hold": "stream_app.commands.control",
    "swap": "stream_app.commands.control",
    "replay": "stream_app.commands.replay",
    "list": "stream_app.commands.streams",
    "status": "stream_app.commands.streams",
    "describe": "stream_app.commands.streams",
    "history": "stream_app.commands.streams",
    "delete": "stream_app.commands.streams",
    "broker": "stream_app.commands.broker",
    "registry": "stream_app.commands.broker",
    "demo": "stream_app.commands.demo",
}
"""Where each command lives: the module's attribute of the same name, with `_command` behind it and no hyphens."""


class Commands(click.Group):
    """A group that imports a command only when it is asked for, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name.replace('-', '_')}_command"
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "run `synthstream --help` for the list"
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run, and end with the exit code that says what happened: 0, 1 below, 2 bad input, 3 a service, 4 withheld."""
        options["standalone_mode"] = False
        try:
            outcome = super().main(args, *rest, **options)
        except Problem as problem:
            for fault in problem.faults:
                click.echo(f"synthstream: {fault}", err=True)
            sys.exit(problem.exit_code)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(2)
        except click.ClickException as error:
            where = getattr(error, "ctx", None)
            path = where.command_path if where is not None else "synthstream"
            click.echo(f"{path}: {error.format_message()}", err=True)
            sys.exit(2)
        except click.Abort:
            click.echo("synthstream: interrupted", err=True)
            sys.exit(130)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        sys.exit(outcome if isinstance(outcome, int) else 0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="synthstream", prog_name="synthstream")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning", help="How much to log."
)
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", help="One line of text or of JSON an event."
)
def main(log_level: str, log_format: str) -> None:
    """Turn a real table into a living synthetic topic: train, publish, monitor, alert."""
    log_to_stderr(log_level, log_format)
