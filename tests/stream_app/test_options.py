"""Options that commands share: what they take, what they refuse, what they print."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from stream_app.options import Rate, as_json, dry_run, show, where
from stream_app.schedule import UNPACED


@pytest.mark.parametrize(("text", "rate"), [("5000", 5_000.0), ("0.5", 0.5), ("1e3", 1_000.0), ("max", UNPACED)])
def test_a_rate_is_a_positive_number_or_max(text: str, rate: float) -> None:
    assert Rate().convert(text, None, None) == rate


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf", "-inf", "fast", "", "1,000"])
def test_any_other_rate_is_refused_in_words(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"must be a number > 0 or max .*synthstream pause") as raised:
        Rate().convert(text, None, None)
    assert raised.value.message.startswith(f"{text}: ")


def test_where_how_and_for_whom() -> None:
    @click.command()
    @where
    @dry_run
    @as_json
    def command(**flags: object) -> None:
        show(flags, True)

    def flags(*arguments: str) -> object:
        return json.loads(CliRunner().invoke(command, arguments).stdout)

    assert flags() == {"bootstrap": None, "registry": None, "dry_run": False, "as_json": False}
    given = flags("--bootstrap", "b:1", "--registry", "http://r", "--dry-run", "--json")
    assert given == {"bootstrap": "b:1", "registry": "http://r", "dry_run": True, "as_json": True}


def test_a_report_is_lines_for_people_and_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    form = {"by_shard": [3, 2], "a": 1, "avro": {"type": "record"}, "gone": None}
    show(form, False)
    assert capsys.readouterr().out.splitlines() == [
        "by shard  3, 2",
        "a         1",
        'avro      {"type": "record"}',
        "gone      None",
    ]
    show(form, True)
    assert json.loads(capsys.readouterr().out) == form
    show({}, False)
    assert capsys.readouterr().out == ""
