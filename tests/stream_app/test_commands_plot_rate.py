"""`synthstream plot-rate`: pictures, numbers, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stream_app.commands.plot_rate import PICTURES
from tests.stream_app.shop import cli, lines


def test_the_command_draws_and_prints(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("stream: s\ntopic: s\nshards: 2\nrate_per_s: {ramp: {from: 0, to: 100, over_s: 3600}}\n")
    at = ["--from", "2026-01-01T00:00", "--hours", 1]
    told = json.loads(cli("plot-rate", path, *at, "--json").stdout)
    assert (told["records"], told["peak_per_s"]) == pytest.approx((180_000, 100), rel=1e-3)
    assert [shard["share"] for shard in told["shards"]] == [0.5, 0.5]
    assert told["at_ms"][0] == 1_767_225_600_000
    assert "180,000 records; mean 50/s" in cli("plot-rate", path, *at[:2], "--to", "2026-01-01T01:00Z").stdout
    for name in (f"a{ending}" for ending in PICTURES):
        assert cli("plot-rate", path, *at, "--out", tmp_path / name).stdout == f"wrote {tmp_path / name}\n"
        assert "<svg" in (tmp_path / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["--out", "a.png"], "synthstream: out=a.png: expected a name that ends in .svg or .html", 2),
        (["--hours", 0], "synthstream: hours=0: must be > 0", 2),
        (["--hours", 1, "--to", "2027-01-01"], "synthstream: hours=1: must be > 0, and stand alone without --to", 2),
        (["--from", "soon"], "main plot-rate: Invalid value for '--from': soon: expected a time", 2),
        (["--out", "none/a.svg"], "synthstream: out=none/a.svg: can not be written", 3),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path: Path, arguments: list[object], says: str, code: int) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("stream: s\ntopic: s\n")
    result = cli("plot-rate", path, *arguments)
    assert result.exit_code == code
    assert [line.startswith(says) for line in lines(result)] == [True], result.stderr
