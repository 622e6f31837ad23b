"""Writes docs/commands.md from what the commands say of themselves: `.venv/bin/python -m tests.commands_page`.

Each command has an example here; `tests/test_docs.py` holds that the page is what this writes and that every
example is one the command takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from stream_app.cli import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"

EXAMPLES: Mapping[str, str] = {
    "synthstream": "synthstream --log-level info --log-format json publish orders.yaml",
    "synthstream init": "synthstream init orders.csv --out orders.yaml",
    "synthstream validate": "synthstream validate orders.yaml --json",
    "synthstream profile": "synthstream profile orders.csv --target coupon --page orders.html --rules rules.yaml",
    "synthstream train": "synthstream train orders.csv --out orders --key order_id --public country --seed 1",
    "synthstream tune": "synthstream tune orders.csv --out orders --model tabular.mixture --trials 20",
    "synthstream update": "synthstream update orders new-orders.csv --out orders-2",
    "synthstream inspect": "synthstream inspect orders --json",
    "synthstream models": "synthstream models",
    "synthstream score": "synthstream score orders new-orders.csv",
    "synthstream sample": "synthstream sample orders --rows 100000 --out orders.parquet --seed 1 --shards 4",
    "synthstream assess": "synthstream assess orders.csv synthetic.csv --holdout kept.csv --html report.html",
    "synthstream improve": "synthstream improve orders.csv orders --holdout kept.csv --out orders-2 --max-seconds 600",
    "synthstream plot-rate": "synthstream plot-rate orders.yaml --hours 24 --out rate.svg",
    "synthstream publish": "synthstream publish orders --topic orders --rate 5000 --shards 4 --count 1000000",
    "synthstream consume": "synthstream consume --topic orders --count 5",
    "synthstream count": "synthstream count orders.yaml --from-start",
    "synthstream monitor": "synthstream monitor orders.yaml --port 8080 --from-start",
    "synthstream compare": "synthstream compare --real orders --synthetic orders.yaml --port 8090",
    "synthstream worker": "synthstream worker orders.yaml --processes 2 --metrics-port 9464",
    "synthstream start": "synthstream start orders.yaml",
    "synthstream stop": "synthstream stop orders.yaml",
    "synthstream pause": "synthstream pause orders.yaml",
    "synthstream resume": "synthstream resume orders.yaml",
    "synthstream drain": "synthstream drain orders.yaml",
    "synthstream steer": "synthstream steer orders.yaml country=DE",
    "synthstream drift": "synthstream drift orders.yaml '{name: storm, kind: shift, column: price, by: 5}'",
    "synthstream hold": "synthstream hold orders.yaml range:items",
    "synthstream swap": "synthstream swap orders.yaml orders-2 --from 1000000",
    "synthstream replay": "synthstream replay orders.yaml --to orders-again --shard 0 --start 1000 --rows 500",
    "synthstream history": "synthstream history orders",
    "synthstream rate": "synthstream rate orders.yaml 20000",
    "synthstream list": "synthstream list --json",
    "synthstream status": "synthstream status orders",
    "synthstream describe": "synthstream describe orders",
    "synthstream delete": "synthstream delete orders --data --yes",
    "synthstream broker": "synthstream broker up",
    "synthstream broker up": "synthstream broker up --port 9092 --heap 512m",
    "synthstream broker down": "synthstream broker down",
    "synthstream broker status": "synthstream broker status --json",
    "synthstream registry": "synthstream registry --port 8081 --folder .synthstream/registry",
    "synthstream demo": "synthstream demo --seconds 60 --rate 2000",
}
"""One way to call each command."""

HEAD = """\
# Commands

This page is written by `tests/commands_page.py` from what the commands say of themselves; a test holds it true.

`synthstream COMMAND --help` says the same. Results go to standard output, progress and logs to standard error.
`--json` prints one JSON value for programs. `--dry-run` makes every check and changes nothing.

Where broker and registry are, a flag says first, then the environment (`SYNTHSTREAM_BOOTSTRAP`,
`SYNTHSTREAM_REGISTRY`), then the stream's file. `embedded` means one inside this process.

| exit code | means |
|---|---|
| 0 | done |
| 1 | judged below a limit: by `assess`, `improve`, or a `compare` that ends by itself on anything but `represents` |
| 2 | bad input: one line a fault, nothing half done |
| 3 | a broker, a registry, a disk or another service failed |
| 4 | the verdict of `assess` or `improve` is withheld: too few rows to tell |
| 130 | interrupted before there was anything to finish |
"""


def described(command: click.Command, name: str, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it, each with what a user types to reach it."""
    yield name, command
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            below = command.get_command(context, inner)
            assert below is not None, f"{name} {inner}"
            yield from described(below, f"{name} {inner}", context)


def page() -> str:
    """The page."""
    sections = [_section(name, command) for name, command in described(main, "synthstream", click.Context(main))]
    return "\n".join((HEAD, *sections))


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    lines = [f"## {name}", "", " ".join((command.help or "").split()), "", "```sh", EXAMPLES[name], "```", ""]
    usage = " ".join(command.collect_usage_pieces(context))
    lines += [f"Usage: `{name} {usage}`", ""]
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        lines += ["| option | what it does |", "|---|---|", *(_row(option, context) for option in options), ""]
    return "\n".join(lines)


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None, option.name
    said, words = (text.replace("|", "\\|") for text in record)
    return f"| `{said}` | {' '.join(words.split())} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
