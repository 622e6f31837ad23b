"""The command line as a whole: what it finds, how it fails, how it ends."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from schemas.errors import InputError, ServiceError
from stream_app import cli as command_line
from stream_app.cli import COMMANDS, main
from tests.stream_app.shop import cli


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for(name: str) -> None:
    result = cli(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: synthstream {name}") or result.stdout.startswith(f"Usage: main {name}")
    assert isinstance(
        getattr(importlib.import_module(COMMANDS[name]), f"{name.replace('-', '_')}_command"), click.Command
    )


def test_help_lists_every_command_in_order() -> None:
    text = cli("--help").stdout
    places = [text.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize(("typed", "near"), [("pubish", "publish"), ("inspct", "inspect"), ("moniter", "monitor")])
def test_an_unknown_command_names_the_nearest(typed: str, near: str) -> None:
    result = cli(typed)
    assert result.exit_code == 2
    assert result.stderr.endswith(f": no command '{typed}'; did you mean {near}?\n")
    assert result.stdout == ""


def test_a_command_like_none_points_at_the_list() -> None:
    result = cli("zzz")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "run `synthstream --help` for the list" in result.stderr


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException | int) -> None:
    """Make `models` end in some way."""

    @click.command()
    def models_command() -> int:
        if isinstance(error, BaseException):
            raise error
        return error

    monkeypatch.setattr("stream_app.commands.train.models_command", models_command)


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        (InputError("a=1: wrong", "b=2: wrong"), 2, "synthstream: a=1: wrong\nsynthstream: b=2: wrong\n"),
        (ServiceError("broker: silent"), 3, "synthstream: broker: silent\n"),
        (click.BadParameter("no", param_hint="--x"), 2, "Invalid value for --x: no\n"),
        (click.Abort(), 130, "synthstream: interrupted\n"),
        (KeyboardInterrupt(), 130, "synthstream: interrupted\n"),
        (1, 1, ""),
        (0, 0, ""),
    ],
)
def test_how_a_command_ends_is_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, ending: BaseException | int, code: int, said: str
) -> None:
    failing(monkeypatch, ending)
    result = cli("models")
    assert result.exit_code == code
    assert result.stderr.removeprefix("\n").endswith(said)
    assert "Traceback" not in result.stderr


def test_a_failure_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        cli("models")


def test_a_reader_that_goes_away_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, BrokenPipeError())
    result = cli("models")
    assert (result.exit_code, result.stdout) == (0, "")


def test_json_is_one_value_on_standard_output() -> None:
    assert "tabular.copula" in json.loads(cli("models", "--json").stdout)


def test_the_log_has_the_form_that_is_asked_for(tmp_path: Path) -> None:
    result = cli("--log-format", "json", "consume", "--topic", "t", "--bootstrap", "embedded")
    assert (result.exit_code, "Traceback" in result.stderr) == (2, False)
    assert cli("--log-level", "loud", "models").exit_code == 2


def test_the_program_is_installed_and_runs_as_a_module() -> None:
    program = [sys.executable, "-m", "stream_app", "--version"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("synthstream, version ")


def test_help_is_quick_because_it_imports_little() -> None:
    program = (
        "import sys; from stream_app.cli import main\n"
        "try: main(['nosuch'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'numba', 'pyarrow', 'confluent_kafka', 'faust', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False).returncode == 0


def test_the_entry_point_is_the_group() -> None:
    assert isinstance(main, command_line.Commands)
