"""Options that commands share: what they take, what they refuse, what they print."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from schemas.errors import InputError
from schemas.rates import profile_of
from stream_app.options import RateType, as_asked, as_json, dry_run, show, where
from stream_app.schedule import UNPACED


@pytest.mark.parametrize(("text", "rate"), [("5000", 5_000.0), ("0.5", 0.5), ("1e3", 1_000.0), ("max", UNPACED)])
def test_a_rate_is_a_positive_number_or_max(text: str, rate: float) -> None:
    assert RateType().convert(text, None, None) == rate


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf", "-inf", "fast", "", "1,000"])
def test_any_other_rate_is_refused_in_words(text: str) -> None:
    with pytest.raises(
        click.BadParameter, match=r"must be a number > 0, or max, or a profile .*synthstream pause"
    ) as raised:
        RateType().convert(text, None, None)
    assert raised.value.message.startswith(f"{text}: ")


def test_a_rate_may_be_a_profile_on_the_line_or_in_a_file(tmp_path: Path) -> None:
    text = "{sum: [5, {trace: {file: a.csv}}]}"
    (tmp_path / "rate.yaml").write_text(text)
    read = RateType().convert(str(tmp_path / "rate.yaml"), None, None)
    assert RateType().convert(text, None, None) == profile_of({"sum": [5, {"trace": {"file": "a.csv"}}]})
    assert read == profile_of({"sum": [5, {"trace": {"file": str(tmp_path / "a.csv")}}]})
    assert RateType().convert(read, None, None) is read
    assert [as_asked(rate) for rate in (5.0, UNPACED, profile_of({"poisson": 5}))] == [5.0, "max", {"poisson": 5.0}]
    with pytest.raises(InputError, match="did you mean ramp"):
        RateType().convert("{rmp: 3}", None, None)
    with pytest.raises(click.BadParameter, match="is not YAML"):
        RateType().convert("{rmp: 3", None, None)


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
