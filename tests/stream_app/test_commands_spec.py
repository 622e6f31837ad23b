"""`init` and `validate`: a stream's file, written and checked.

Covers stream_app.commands.spec.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.stream_app.shop import cli, lines


def fails(said: str, *arguments: object) -> None:
    result = cli(*arguments)
    assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1), result.stderr
    assert said in result.stderr


def test_what_init_writes_validate_accepts(orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = json.loads(cli("init", orders, "--json").stdout)
    assert result == {"wrote": "orders.yaml", "next": f"synthstream train {orders} --out orders"}
    text = Path("orders.yaml").read_text()
    assert text.count("#") > 10
    form = yaml.safe_load(text)
    assert (form["stream"], form["topic"], form["artifact"]) == ("orders", "orders", "orders")
    checked = json.loads(cli("validate", "orders.yaml", "--json").stdout)
    assert checked == {"stream": "orders", "topic": "orders", "rules": 0, "checked": "keys and rules"}


def test_a_file_that_exists_is_kept_unless_told(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.yaml"
    out.write_text("mine")
    fails("exists already; pass --force", "init", orders, "--out", out)
    assert out.read_text() == "mine"
    assert cli("init", orders, "--out", out, "--force", "--dry-run").exit_code == 0
    assert out.read_text() == "mine"
    assert cli("init", orders, "--out", out, "--force").exit_code == 0
    assert out.read_text() != "mine"


def test_the_next_step_trains_where_the_file_looks(orders: Path, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "in").mkdir()
    result = json.loads(cli("init", orders, "--out", tmp_path / "in" / "o.yaml", "--json").stdout)
    assert result["next"].endswith(f"--out {tmp_path}/in/orders")
    (tmp_path / "in" / "orders").symlink_to(folder)
    checked = json.loads(cli("validate", tmp_path / "in" / "o.yaml", "--json").stdout)
    assert checked["checked"] == "keys, rules and artifact"


def test_a_name_kafka_would_not_take_is_made_one(orders: Path, tmp_path: Path) -> None:
    table = tmp_path / "my börse 1.csv"
    table.write_bytes(orders.read_bytes())
    result = json.loads(cli("init", table, "--out", tmp_path / "o.yaml", "--json").stdout)
    assert yaml.safe_load((tmp_path / "o.yaml").read_text())["topic"] == "my-b-rse-1"
    assert result["next"].startswith(f"synthstream train '{table}' --out ")


def test_no_table_or_folder_is_one_line(orders: Path, tmp_path: Path) -> None:
    fails("No such file or directory", "init", tmp_path / "none.csv")
    fails("there is no folder", "init", orders, "--out", tmp_path / "none" / "o.yaml")


def test_a_file_that_can_not_be_written_is_a_service_error(
    orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    result = cli("init", orders, "--out", tmp_path / "o.yaml")
    assert (result.exit_code, lines(result)) == (
        3,
        [f"synthstream: {tmp_path}/o.yaml: can not be written (No space left on device)"],
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate_per_s: 0\n", "rate_per_s=0: must be a number > 0, or max"),
        ("rate_per_s: .nan\n", "rate_per_s=nan: must be a number > 0"),
        ("shards: 0\n", "shards=0: "),
        ("rat_per_s: 3\n", "did you mean rate_per_s?"),
        ("monitor: {windw_s: 3}\n", "monitor.windw_s: no such key; did you mean window_s?"),
        ("monitor: {window_s: 3, pane_s: 2}\n", "must be a whole number of panes"),
        ("rules: {}\n", "rules={}: expected a list"),
        ("rules:\n- {rule: rnge}\n", "rules.0: rule='rnge': not known, did you mean 'range'?"),
        ("rules:\n- {rule: not_null, column: nosuch}\n", "column 'nosuch': not known"),
        ("rules:\n- {rule: range, column: colour, low: 0}\n", "can not be compared with a column of strings"),
        ("event_time: price\n", "event_time=price: is a number"),
        ("changes: {form: upserts}\n", "changes: needs a key that comes again, not key=surrogate"),
        ("key: {column: pieces}\nchanges: {form: debezium}\n", "key.column=pieces: is missing in"),
        ("key: {entities: 5}\nchanges: {form: upserts, columns: [prize]}\n", "changes.columns=prize: not in table"),
        ("key: {entities: 5}\nchanges: {form: upserts, columns: [id]}\n", "changes.columns=id: is the key"),
        ("kafka: {linger.ms: [1]}\n", "kafka.linger.ms: expected text, a number, true or false"),
        ("topic: a b\n", "topic='a b': expected letters, digits, '.', '_' or '-'"),
        ("topic:\n", "topic: is missing"),
    ],
)
def test_every_fault_of_a_file_is_one_line(folder: Path, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.yaml"
    whole = f"stream: s\ntopic: t\nartifact: {folder}\n"
    path.write_text((whole.replace("topic: t\n", "") if text.startswith("topic") else whole) + text)
    fails(said, "validate", path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("stream: 5\nshards: 2.5\nseed: x\nrules:\n- {rule: rnge}\n")
    result = cli("validate", path)
    assert result.exit_code == 2
    assert [line.split(":")[1].split("=")[0].strip() for line in lines(result)] == [
        "stream",
        "topic",
        "shards",
        "seed",
        "rules.0",
    ]


def test_keys_left_empty_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("stream: s\ntopic: t\ntopic_settings:\nrules:\nkafka:\n")
    assert cli("validate", path).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"- a\n", "holds no keys and values"), (b"a: [\n", "is not YAML"), (b"\xff\xfe", "is not UTF-8 text (byte 0)")],
)
def test_what_is_no_stream_file_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "s.yaml").write_bytes(content)
    fails(said, "validate", tmp_path / "s.yaml")
    fails("can not be read (No such file or directory)", "validate", tmp_path / "none.yaml")
