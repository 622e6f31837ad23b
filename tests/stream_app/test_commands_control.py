"""Commands to a running stream that are refused by the command itself, before any broker is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stream_app.shop import cli, lines


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        ("event_time: at\n", ["rate", "max"], "rate_per_s=max: the stream's clock fills at (event_time)"),
        ("key: {column: colour}\n", ["steer", "colour=red"], "colour: records are keyed by colour"),
        ("", ["steer", "--shares", "{colour: {red: 0.6, pink: 0.1}}"], "shares.colour=pink: is no value that is drawn"),
        ("", ["steer", "--boost", "{column: price, value: 5, factor: 2}"], "boost: price: is a number with decimals"),
        ("", ["steer", "paid=true", "--boost", "{column: colour, value: red, share: 0.9}"], "boost: its weights hold"),
        ("", ["steer"], "steer: name COLUMN=VALUE, --shares or --boost, or pass --reset"),
        ("", ["steer", "--reset", "--shares", "{colour: {red: 1}}"], "steer: name COLUMN=VALUE"),
    ],
)
def test_what_no_shard_could_do_is_refused_before_anything_is_told(
    folder: Path, tmp_path: Path, text: str, command: list[str], said: str
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"stream: s\ntopic: t\nartifact: {folder}\nbootstrap: 127.0.0.1:1\n{text}")
    verb, *arguments = command
    result = cli(verb, path, *arguments)
    assert (result.exit_code, len(lines(result))) == (2, 1), result.stderr
    assert said in result.stderr
