"""Commands to a running stream that are refused by the command itself, before any broker is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stream_app.shop import cli, lines

SHIFT = "{name: d, kind: shift, column: price, by: 5}"


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        ("event_time: at\n", ["rate", "max"], "rate_per_s=max: the stream's clock fills at (event_time)"),
        ("key: {column: colour}\n", ["steer", "colour=red"], "colour: records are keyed by colour"),
        ("", ["steer", "--shares", "{colour: {red: 0.6, pink: 0.1}}"], "shares.colour=pink: is no value that is drawn"),
        ("", ["steer", "--boost", "{column: price, value: 5, factor: 2}"], "boost: price: is a number with decimals"),
        ("", ["steer", "paid=true", "--boost", "{column: colour, value: red, share: 0.9}"], "boost: its weights hold"),
        ("", ["drift"], "drift: name a drift as in '{name: storm, kind: shift, column: price, by: 5}', or pass --stop"),
        ("", ["drift", SHIFT, "--stop", "d"], "drift: name a drift as in"),
        ("", ["drift", "{name: d"], "drift={name: d: is not YAML"),
        ("", ["drift", "storm"], "drift='storm'"),
        ("", ["drift", "{name: d, kind: nulls, column: price}"], "drift d column=price: is never missing, so its Avro"),
        ("", ["drift", "{name: d, kind: shift, column: price}"], "drift.shift.by: is missing; expected a value"),
        ("", ["drift", "{name: d, kind: label}"], "drift d: table 'orders' has no target; name the column"),
        ("event_time: at\n", ["drift", SHIFT.replace("price", "at")], "drift d column=at: is the event time"),
        ("key: {entities: 9}\nchanges: {form: upserts}\n", ["drift", SHIFT], "drift d: an event of an entity would"),
        (
            "drifts: [{name: d, kind: nulls, column: price}]\n",
            ["drift", SHIFT],
            "drift d column=price: is never missing",
        ),
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
