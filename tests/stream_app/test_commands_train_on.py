"""`train` that is killed and goes on, begins from another artifact, runs elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stream_app.shop import cli, lines

ROOT = Path(__file__).resolve().parents[2]
NADE = ("--model", "tabular.nade", "--set", "width=8", "--set", "max_epochs=3", "--json")

# Trains as the command line does, and is killed by the system in the middle of a step.
CHILD = """
import os, signal, sys
from generators.nade_module import NadeModule
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


def test_bad_flags_are_one_line(orders: Path, tmp_path: Path) -> None:
    for flags, said in (
        (("--resume",), "--resume: needs --checkpoint FOLDER"),
        (("--checkpoint", tmp_path / "c"), "tabular.copula is trained in one go; leave it out"),
        (("--checkpoint", orders), "is not a folder"),
        (("--checkpoint", tmp_path / "c", "--checkpoint-every", -1), "checkpoint_every=-1.0: must be at least 0"),
    ):
        result = cli("train", orders, "--out", tmp_path / "out", *flags)
        assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1)
        assert said in result.stderr
    assert list(tmp_path.iterdir()) == []
