"""`train`, `inspect`, `models`: every bad table is one clear line, and nothing is left behind."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import generators
from stream_app import training
from stream_app.commands.asked_training import settings_in
from tests.stream_app.conftest import Here
from tests.stream_app.shop import cli, lines

LACKS = {"type": "record", "name": "o", "fields": [{"name": "id", "type": "long"}, {"name": "nosuch", "type": "int"}]}


def rows(*cells: str) -> str:
    return "a,b\n" + "".join(f"{cell}\n" for cell in cells)


BAD_TABLES = {
    "missing.csv": (None, "No such file or directory"),
    "nothing.csv": (b"", "is empty"),
    "heading.csv": (b"a,b\n", "is empty; expected at least two rows"),
    "single.csv": (b"a,b\n1,2\n", "has a single row"),
    "nulls.csv": (rows("1,", "2,", "3,").encode(), "column 'b': every cell is missing"),
    "twice.csv": (b"a,a\n1,2\n3,4\n", "column 'a' is there 2 times"),
    "latin.csv": (rows("1,gr\u00fcn", "2,blau").encode("latin-1"), "not UTF-8 at byte 8"),
    "ragged.csv": (rows("1,2", "3", "4,5,6").encode(), "row 2 has 1, row 3 has 3"),
    "lists.jsonl": (b'{"a": 1, "b": [1]}\n{"a": 2, "b": [2]}\n', "column 'b': holds list"),
    "mixed.jsonl": (b'{"a": 1}\n{"a": "x"}\n', "column 'a': mixed types"),
    "broken.jsonl": (b'{"a": 1}\n{"a":\n', "line 2 is not JSON"),
    "broken.parquet": (b"PAR1nonsense", "not a Parquet file that can be read"),
    "short.csv.gz": (b"\x1f\x8b\x08\x00", "can not be unpacked"),
    "table.xlsx": (b"PK", "not a known kind of table; expected .csv"),
}


def fails(out: Path, said: str, *arguments: object, code: int = 2) -> None:
    """Train in vain: one line that says why, and no artifact, nor a piece of one."""
    before = sorted(out.parent.iterdir())
    result = cli("train", *arguments, "--out", out)
    assert (result.exit_code, result.stdout) == (code, "")
    assert len(lines(result)) == 1, result.stderr
    assert said in result.stderr
    assert sorted(out.parent.iterdir()) == before


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_one_line(name: str, tmp_path: Path) -> None:
    content, said = BAD_TABLES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    fails(tmp_path / "out", said, tmp_path / name)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "tabular.copul"], "did you mean tabular.copula?"),
        (["--model", "zzz"], "choose one of tabular.copula, tabular.copulagan"),
        (["--set", "epochs=3"], "epochs=3: unknown setting"),
        (["--set", "epochs"], "expected NAME=VALUE"),
        (["--target", "colou"], "did you mean 'colour'?"),
        (["--key", "colour"], "key=colour: repeats or misses values"),
        (["--public", "nosuch"], "public=nosuch: the table has no such column"),
        (["--text", "nosuch"], "text=nosuch: the table has no such column"),
        (["--event-time", "price"], "event_time=price: holds number"),
        (["--schema", "lacks.avsc"], "field 'nosuch': table 'orders' has no such column"),
        (["--schema", "none.avsc"], "No such file"),
        (["--schema", "bad.avsc"], "not JSON"),
        (["--schema", "lacks.avsc", "--like-topic", "t"], "give one of them, not both"),
        (["--from-topic", "t"], "name either a file, or a topic"),
        (["--like-topic", "t"], "bootstrap: no broker named"),
        (["--rows", "1"], "'--rows'"),
        (["--seed", "x"], "'--seed'"),
    ],
)
def test_a_bad_flag_is_one_line(
    orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lacks.avsc").write_text(json.dumps(LACKS))
    Path("bad.avsc").write_text("{")
    fails(tmp_path / "out", said, orders, *flags)


def test_settings_are_read_as_json_and_else_as_text() -> None:
    found = settings_in(["n=3", "x=.5", "flag=true", "word=abc", "t=a=b", "d="])
    assert found == {"n": 3, "x": ".5", "flag": True, "word": "abc", "t": "a=b", "d": ""}


def test_neither_table_nor_topic_is_one_line(tmp_path: Path) -> None:
    fails(tmp_path / "out", "name either a file, or a topic by --from-topic")


def test_a_folder_that_is_something_else_is_refused_before_any_work(
    orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "read_rows", None)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("kept")
    for out, said in ((tmp_path / "mine", "exists and is not an artifact"), (orders / "x", "is not a folder")):
        result = cli("train", orders, "--out", out)
        assert (result.exit_code, len(lines(result))) == (2, 1)
        assert said in result.stderr
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "kept"


@pytest.mark.usefixtures("quick")
def test_a_full_disk_leaves_the_old_artifact_whole(
    orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "orders"
    assert cli("train", orders, "--out", out, "--model", "tabular.marginals", "--json").exit_code == 0

    def hashes() -> dict[str, str]:
        return {file.name: sha256(file.read_bytes()).hexdigest() for file in out.iterdir()}

    before = hashes()
    opened: list[int] = []
    plain = os.fsync

    def fsync(number: int) -> None:
        opened.append(number)
        if len(opened) == 3:
            raise OSError(28, "No space left on device")
        plain(number)

    monkeypatch.setattr("generators.artifact.os.fsync", fsync)
    result = cli("train", orders, "--out", out, "--model", "tabular.marginals", "--seed", 1)
    assert (result.exit_code, len(lines(result))) == (3, 1)
    assert "No space left on device); what was there is whole" in result.stderr
    assert hashes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["orders"]


@pytest.mark.usefixtures("quick")
def test_training_says_what_it_learned(orders: Path, tmp_path: Path) -> None:
    result = cli("train", orders, "--out", tmp_path / "a", "--name", "shop", "--public", "plate", "--target", "paid")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "trained rows       3000" in result.stdout
    assert "boolean (target)" in result.stdout
    report = json.loads(cli("inspect", tmp_path / "a", "--json").stdout)
    assert (report["table"], report["trained_rows"], report["reproducible_here"]) == ("shop", 3_000, True)
    assert report["avro"]["name"] == "shop"
    assert "price" in cli("inspect", tmp_path / "a").stdout


@pytest.mark.usefixtures("quick")
def test_the_same_table_and_seed_are_the_same_artifact(orders: Path, tmp_path: Path) -> None:
    flags = ("--model", "tabular.marginals", "--json")
    first, second = (json.loads(cli("train", orders, "--out", tmp_path / o, *flags).stdout) for o in "ab")
    assert first["artifact"] == second["artifact"]


def test_a_dry_run_checks_everything_and_writes_nothing(orders: Path, tmp_path: Path) -> None:
    result = cli("train", orders, "--out", tmp_path / "a", "--dry-run", "--json")
    assert json.loads(result.stdout)["rows"] == 3_000
    assert list(tmp_path.iterdir()) == []
    fails(tmp_path / "a", "did you mean 'colour'?", orders, "--dry-run", "--key", "colou")


@pytest.mark.usefixtures("quick")
def test_very_many_distinct_strings_are_a_text_column(tmp_path: Path) -> None:
    rng, many = np.random.Generator(np.random.PCG64(1)), 200_000
    words = pa.array(np.char.add("user-", rng.permutation(many).astype(str)))
    pq.write_table(pa.table({"who": words, "n": pa.array(rng.integers(0, 9, many))}), tmp_path / "many.parquet")
    result = cli("train", tmp_path / "many.parquet", "--out", tmp_path / "a", "--model", "tabular.marginals", "--json")
    assert result.exit_code == 0
    assert sum(file.stat().st_size for file in (tmp_path / "a").iterdir()) < 5_000_000


def test_models_names_every_generator() -> None:
    assert [line.split()[0] for line in cli("models").stdout.splitlines()] == [*generators.names()]


def damaged(folder: Path, name: str) -> None:
    if name == "foreign":
        (folder / "manifest.json").write_text('{"a": 1}')
    elif name == "truncated":
        data = (folder / "weights.safetensors").read_bytes()
        (folder / "weights.safetensors").write_bytes(data[: len(data) // 2])
    elif name == "corrupted":
        text = (folder / "profile.json").read_text()
        (folder / "profile.json").write_text(text.replace("green", "greed"))
    elif name == "strange":
        (folder / "model.pkl").write_bytes(b"")
    elif name == "incomplete":
        (folder / "reference.json").unlink()
    elif name == "newer":
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 3}))
    elif name == "garbled":
        (folder / "manifest.json").write_text("{")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("foreign", "manifest.json is not that of an artifact"),
        ("truncated", "weights.safetensors is not what was written (its hash differs); train it anew"),
        ("corrupted", "profile.json is not what was written (its hash differs); train it anew"),
        ("strange", "model.pkl: do not belong in an artifact; remove them"),
        ("incomplete", "reference.json is missing"),
        ("newer", "format=3: this program reads up to 2; upgrade it\n"),
        ("garbled", "is damaged"),
    ],
)
def test_a_damaged_artifact_is_refused_by_every_command(folder: Path, tmp_path: Path, name: str, said: str) -> None:
    copy = tmp_path / name
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    damaged(copy, name)
    publish = ("publish", copy, "--topic", "t", "--bootstrap", "embedded", "--count", 1)
    for arguments in (("inspect", copy), ("sample", copy, "--rows", 1, "--out", tmp_path / "o.csv"), publish):
        result = cli(*arguments)
        assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
        assert said in result.stderr
    assert not (tmp_path / "o.csv").exists()


def test_what_is_no_artifact_is_named(tmp_path: Path, orders: Path) -> None:
    for path, said in (
        (tmp_path / "no", "there is no such folder"),
        (tmp_path, "holds no manifest.json"),
        (orders, "no"),
    ):
        result = cli("inspect", path)
        assert (result.exit_code, len(lines(result))) == (2, 1)
        assert f"artifact={path}: " in result.stderr
        assert said in result.stderr


@pytest.mark.usefixtures("quick")
def test_a_topic_trains_as_a_table_does(here: Here, folder: Path, tmp_path: Path) -> None:
    published = cli("publish", folder, "--topic", "trainable", "--count", 800, "--rate", "max", *here.flags, "--json")
    assert published.exit_code == 0
    flags = ("--model", "tabular.marginals", "--rows", 600, *here.flags, "--json")
    result = cli("train", "--from-topic", "trainable", "--out", tmp_path / "a", *flags)
    report = json.loads(result.stdout)
    assert (report["table"], report["trained_rows"], len(report["columns"])) == ("trainable", 600, 8)
    assert report["read"].startswith("the newest 600 records of trainable, from ")
    like = cli("train", "--from-topic", "trainable", "--like-topic", "nosuch", "--out", tmp_path / "b", *flags)
    assert (like.exit_code, len(lines(like))) == (2, 1)
    assert "no schema is registered under nosuch-value" in like.stderr
