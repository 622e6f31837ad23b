"""Commands to a running stream that are refused by the command itself, before any broker is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stream_app.shop import cli, lines


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        ("event_time: at\n", ["rate", "max"], "rate_per_s=max: the stream's clock fills at (event_time)"),
        ("key: {column: colour}\n", ["steer", "colour=red"], "colour=red: records are keyed by colour"),
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
