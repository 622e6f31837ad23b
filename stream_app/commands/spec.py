"""`synthstream init`, `validate`: a stream's YAML file, written and checked."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from connectors.files import read_table
from schemas.errors import InputError, ServiceError
from schemas.inference import infer
from schemas.stream import StreamSpec, from_mapping, load
from schemas.stream_yaml import dump_commented
from stream_app import assemble
from stream_app.options import as_json, dry_run, show


@click.command("init")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; NAME.yaml beside you by default.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@dry_run
@as_json
def init_command(table: Path, out: Path | None, force: bool, dry_run: bool, as_json: bool) -> None:
    """Write a commented STREAM.yaml for TABLE, to be edited."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", table.name.split(".")[0])
    schema = infer(read_table(table), name)
    path = Path(f"{name}.yaml") if out is None else out
    _check_free(path, force)
    spec = from_mapping({"stream": name, "topic": name, "artifact": name}, path.parent)
    if not dry_run:
        _write(path, dump_commented(_beside(spec, name), schema))
    following = shlex.join(["synthstream", "train", str(table), "--out", str(path.parent / name)])
    show({"would_write" if dry_run else "wrote": str(path), "next": following}, as_json)


def _check_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise InputError(f"{path}: exists already; pass --force to write over it, or --out for another file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ServiceError(f"{path}: can not be written ({error.strerror})") from error


def _beside(spec: StreamSpec, name: str) -> StreamSpec:
    """The specification with its artifact named as people write it, beside the file."""
    return spec.model_copy(update={"artifact": Path(name)})


@click.command("validate")
@click.argument("source", metavar="STREAM.yaml", type=click.Path(path_type=Path))
@as_json
def validate_command(source: Path, as_json: bool) -> None:
    """Check STREAM.yaml: its keys, its rules, and whether they fit the artifact when there is one."""
    spec = load(source)
    assemble.rate(spec)
    checked = "keys and rules"
    if spec.artifact is not None and spec.artifact.exists():
        assemble.stream_artifact(spec)
        checked = "keys, rules and artifact"
    show({"stream": spec.stream, "topic": spec.topic, "rules": len(spec.rules), "checked": checked}, as_json)
