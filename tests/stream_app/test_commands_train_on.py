"""`train` that goes on; `update`, `score` (stream_app.commands.update, stream_app.commands.score).

The rows these read are a file's or a topic's (stream_app.commands.real_rows).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generators.artifact import load_artifact
from generators.blocks import BLOCK_ROWS
from tests.generators.neural.test_devices import launched
from tests.stream_app.conftest import Here
from tests.stream_app.shop import cli, lines, orders_table, write_csv

ROOT = Path(__file__).resolve().parents[2]
NADE = ("--model", "tabular.nade", "--set", "width=8", "--set", "max_epochs=3", "--json")

# Trains as the command line does, and is killed by the system in the middle of a step.
CHILD = """
import os, signal, sys
from generators.neural.nade_module import NadeModule
from stream_app.cli import main
plain, steps = NadeModule.losses, []
def losses(self, *args):
    steps.append(self.training)
    if sum(steps) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, *args)
NadeModule.losses = losses
main(sys.argv[2:])
"""


# Trains as the command line does, in one of two processes, and says what the network came to be.
TOGETHER = """
import hashlib, os, sys
from pathlib import Path
from generators.neural import nade_module
from stream_app.cli import main
plain = nade_module.fit_network
def fit_network(*args):
    network, held_back = plain(*args)
    digest = hashlib.sha256(b"".join(a.tobytes() for a in network.weights().values())).hexdigest()
    (Path(sys.argv[1]) / os.environ["RANK"]).write_text(digest)
    return network, held_back
nade_module.fit_network = fit_network
main(sys.argv[2:])
"""


def killed(step: int, *arguments: object) -> None:
    """Train in a process of its own, which SIGKILL ends at a step."""
    command = [sys.executable, "-c", CHILD, str(step), *map(str, arguments)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.run(command, check=False, cwd=ROOT, env=alone, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr


def report(*arguments: object) -> Any:
    result = cli(*arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.usefixtures("quick", "one_thread")
def test_a_run_that_sigkill_ended_goes_on_to_the_same_artifact(orders: Path, tmp_path: Path) -> None:
    whole = report("train", orders, "--out", tmp_path / "whole", *NADE)
    kept = tmp_path / "kept"
    train = ("train", orders, "--out", tmp_path / "a", *NADE, "--checkpoint", kept, "--checkpoint-every", 0)
    killed(30, *train)
    assert [path.name for path in kept.iterdir()] == ["checkpoint.safetensors"]
    assert not (tmp_path / "a").exists()
    for changed, named in ((("--seed", 1), "seed"), (("--set", "width=9"), "settings"), (("--target", "paid"), "data")):
        result = cli(*train, *changed, "--resume")
        assert (result.exit_code, len(lines(result))) == (2, 1)
        assert f"is of a training with other {named}; go on with the same, or remove it" in result.stderr
    again = cli(*train)
    assert (again.exit_code, len(lines(again))) == (2, 1)
    assert "holds a checkpoint; go on from it with --resume" in again.stderr
    killed(4, *train, "--resume")
    assert report(*train, "--resume")["artifact"] == whole["artifact"]
    assert not kept.exists()


def test_two_processes_come_to_the_same_network_and_the_first_alone_writes(orders: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", tmp_path / "said"
    said.mkdir()
    ended = launched(TOGETHER, said, "train", orders, "--out", out, *NADE)
    assert ended.returncode == 0, ended.stderr
    assert (said / "0").read_text() == (said / "1").read_text()
    assert json.loads(ended.stdout)["artifact"] == report("inspect", out, "--json")["artifact"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "said"]


def test_bad_flags_are_one_line(orders: Path, tmp_path: Path) -> None:
    for flags, said in (
        (("--resume",), "--resume: needs --checkpoint FOLDER"),
        (("--checkpoint", tmp_path / "c"), "tabular.copula is trained in one go; leave it out"),
        (("--checkpoint", orders), "is not a folder"),
        (("--device", "tpu"), "'tpu' is not one of 'cpu', 'cuda', 'auto'"),
        (("--device", "cuda"), "device=cuda: tabular.copula is trained on the CPU; leave it out"),
        (("--checkpoint", tmp_path / "c", "--checkpoint-every", -1), "checkpoint_every=-1.0: must be at least 0"),
    ):
        result = cli("train", orders, "--out", tmp_path / "out", *flags)
        assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1)
        assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick", "one_thread")
@pytest.mark.parametrize("model", ["tabular.nade", "tabular.mixture"])
def test_an_artifact_goes_on_with_new_rows_and_begins_another(model: str, orders: Path, tmp_path: Path) -> None:
    settings = [*NADE[2:6]] if model == "tabular.nade" else []
    first = report("train", orders, "--out", tmp_path / "a", "--model", model, *settings, "--json")
    new = write_csv(orders_table(5_000).slice(3_000), tmp_path / "new.csv")
    update = ("update", tmp_path / "a", new, "--out", tmp_path / "b", "--json")
    assert report(*update, "--dry-run")["rows"] == 2_000
    assert not (tmp_path / "b").exists()
    after = report(*update)
    assert after["went_on_from"] == first["artifact"]
    assert (after["trained_rows"], after["table"], after["columns"]) == (2_000, "orders", first["columns"])
    warm = ("train", new, "--out", tmp_path / "c", "--model", model, "--warm-start", tmp_path / "a", "--json")
    assert report(*warm)["went_on_from"] == first["artifact"]
    wider = orders_table(400).rename_columns(["id", "price", "pieces", "hue", "paid", "day", "at", "plate"])
    result = cli(*warm[:1], write_csv(wider, tmp_path / "wider.csv"), *warm[2:])
    assert result.exit_code == 0
    assert "hue (is new)" in result.stderr


@pytest.mark.usefixtures("quick")
def test_what_does_not_fit_an_artifact_is_one_line(orders: Path, folder: Path, tmp_path: Path) -> None:
    nade = tmp_path / "nade"
    report("train", orders, "--out", nade, *NADE)
    fewer = write_csv(orders_table(50).drop_columns(["colour"]), tmp_path / "fewer.csv")
    words = orders_table(50).set_column(1, "price", [["much"] * 50])
    other = write_csv(orders_table(50).select(["day"]).rename_columns(["z"]), tmp_path / "other.csv")
    train = ("train", orders, "--model", "tabular.nade", "--warm-start")
    for arguments, said in (
        (("update", nade, fewer), "column 'colour': the table has no such column (by the artifact's schema)"),
        (("update", nade, write_csv(words, tmp_path / "words.csv")), "row 1: 'much' is no number (49 more like it)"),
        (("update", nade, orders, "--set", "width=9"), "width=9: the artifact's network has 8; --set width=8"),
        (("update", folder, orders), "model=tabular.copula: can not go on from an artifact"),
        (("update", tmp_path / "no", orders), "there is no such folder"),
        (("update", nade, tmp_path / "no.csv"), "No such file"),
        ((*train, folder), "the artifact is of tabular.copula; train with --model tabular.copula"),
        ((*train, nade, "--set", "width=9"), "the artifact's network has 8"),
        (("train", other, *train[2:], nade), "warm_start: no column fits the table's: z (is new)"),
        (("train", orders, "--warm-start", folder), "model=tabular.copula: can not go on from an artifact"),
    ):
        result = cli(*arguments, "--out", tmp_path / "out")
        assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1), result.stderr
        assert said in result.stderr
        assert not (tmp_path / "out").exists()


def test_rows_are_scored_by_an_artifact(tmp_path: Path) -> None:
    table = write_csv(orders_table(400), tmp_path / "orders.csv")
    assert cli("train", table, "--out", tmp_path / "a", "--model", "tabular.mixture").exit_code == 0
    said = json.loads(cli("score", tmp_path / "a", table, "--json").stdout)
    assert (said["rows"], said["low"] < said["nats_a_row"] < said["high"] < 0) == (400, True)
    assert cli("train", table, "--out", tmp_path / "b").exit_code == 0
    refused = cli("score", tmp_path / "b", table)
    assert (refused.exit_code, len(lines(refused))) == (2, 1)
    assert "can not say how likely rows are" in refused.stderr
    (tmp_path / "other.csv").write_text("x\n1\n2\n")
    missing = cli("score", tmp_path / "a", tmp_path / "other.csv")
    assert missing.exit_code == 2
    assert "(by the artifact's schema)" in missing.stderr


@pytest.mark.usefixtures("quick")
def test_an_artifact_goes_on_with_the_records_of_a_topic(
    here: Here, orders: Path, folder: Path, tmp_path: Path
) -> None:
    published = cli("publish", folder, "--topic", "news", "--count", 800, "--rate", "max", *here.flags, "--json")
    assert published.exit_code == 0, published.stderr
    first = report("train", orders, "--out", tmp_path / "a", "--model", "tabular.mixture", "--json")
    update = ("update", tmp_path / "a", "--from-topic", "news", "--out", tmp_path / "b", "--rows", 600, "--json")
    tried = report(*update, *here.flags, "--dry-run")
    assert (tried["rows"], tried["read"][:38]) == (600, "the newest 600 records of news, from 2")
    assert not (tmp_path / "b").exists()
    after = report(*update, *here.flags)
    assert after["read"] == tried["read"]
    assert (after["trained_rows"], after["went_on_from"]) == (600, first["artifact"])
    assert (after["table"], after["columns"]) == (first["table"], first["columns"])
    for arguments, said in (
        ((*update[:2], *update[4:]), "name either a file, or a topic by --from-topic"),
        ((*update[:2], orders, *update[2:]), "name either a file, or a topic by --from-topic"),
        ((*update[:3], "nosuch", *update[4:], *here.flags), "topic=nosuch"),
        (update, "bootstrap: no broker named"),
    ):
        result = cli(*arguments)
        assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1), result.stderr
        assert said in result.stderr


def test_as_many_rows_of_its_own_are_counted_as_are_asked_for(tmp_path: Path) -> None:
    table, first, second = write_csv(orders_table(200), tmp_path / "orders.csv"), tmp_path / "a", tmp_path / "b"
    report("train", table, "--model", "tabular.mixture", "--reference-rows", 5_000, "--out", first, "--json")
    report("update", first, table, "--reference-rows", 9_000, "--out", second, "--json")
    counted = [load_artifact(folder).reference.rows for folder in (first, second)]
    assert counted == [2 * BLOCK_ROWS, 3 * BLOCK_ROWS]
    none = cli("train", table, "--reference-rows", 0, "--out", tmp_path / "c")
    assert none.exit_code == 2
    assert "'--reference-rows': 0 is not in the range x>=1" in none.stderr
