"""`synthstream profile`: what a table is like, before anything is trained on it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.files import read_rows, write_text
from generators.discrete.cells import FEW
from schemas.errors import InputError
from schemas.inference import empty_columns
from schemas.profiling.survey import study_of, survey
from stream_app.commands.column_options import AskedColumns, column_options
from stream_app.profiling.form import to_json
from stream_app.profiling.page import page
from stream_app.profiling.report import print_profile
from stream_app.profiling.trainable import profiled, rules_file
from stream_app.terminal import progress_bar

STANDARD_OUTPUT = Path("-")
FILE = click.Path(path_type=Path)


@click.command("profile")
@click.argument("table", type=click.Path(path_type=Path))
@column_options
@click.option("--name", help="Name of the table; the file's name by default.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write it all as JSON; - prints that alone.")
@click.option("--page", "page_file", type=FILE, metavar="FILE", help="Write a page with pictures to this file.")
@click.option(
    "--rules", "rules_at", type=click.Path(path_type=Path), help="Write the rules that rows keep, for training."
)
def profile_command(
    table: Path,
    name: str | None,
    json_file: Path | None,
    page_file: Path | None,
    rules_at: Path | None,
    **flags: Any,
) -> None:
    """Say what TABLE is like: columns, gaps, what goes together, rules its rows keep, what training makes of it.

    Nothing that is said or written holds a value that fewer than five rows share. docs/profile.md describes it all.
    """
    written = {"json": json_file, "page": page_file, "rules": rules_at}
    _check_places(table, written)
    asked = AskedColumns(**flags)
    alone = json_file == STANDARD_OUTPUT
    with progress_bar(quiet=alone) as told:
        told(0.0, "reading the table")
        raw, choices = read_rows(table), asked.choices
        empty = [each for each in empty_columns(raw.table) if each not in choices.wishes.dropped]
        study = study_of(raw, table.name.split(".")[0] if name is None else name, choices, empty)
        report = profiled(survey(study, told, empty, FEW), table, asked.flags)
    rules = rules_at if report.trainable else None
    form = json.dumps(to_json(report, rules), indent=None if alone else 1)
    if alone:
        click.echo(form)
    else:
        print_profile(report, rules)
    texts = {"json": lambda: form + "\n", "page": lambda: page(report), "rules": lambda: rules_file(report)}
    for key, path in written.items():
        if path is not None and path != STANDARD_OUTPUT and (key != "rules" or rules is not None):
            write_text(key, path, texts[key]())
            click.echo(f"wrote {path}", err=alone)
    if rules_at is not None and rules is None:
        click.echo("no rule was found that rows keep and chance would break; no file was written", err=True)


def _check_places(table: Path, written: Mapping[str, Path | None]) -> None:
    faults, taken = [], {table.resolve(): "the table"}
    for key, path in written.items():
        if path is None or (path == STANDARD_OUTPUT and key == "json"):
            continue
        other = taken.setdefault(path.resolve(), f"--{key}")
        if other != f"--{key}":
            faults.append(f"{key}={path}: is {other} already; name another file")
        elif path == STANDARD_OUTPUT:
            faults.append(f"{key}=-: is for --json alone; name a file")
        elif path.is_dir():
            faults.append(f"{key}={path}: is a folder; name a file")
        elif not path.parent.is_dir():
            faults.append(f"{key}={path}: there is no folder {path.parent}; make it first")
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            faults.append(f"{key}={path}: may not be written to; choose another file")
    if faults:
        raise InputError(*faults)
