"""Devices that are not there, memory that is short, and processes that train together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch

from generators.neural.devices import Processes, device_of, is_out_of_memory, processes
from generators.start import Keep, Start
from schemas.errors import InputError
from tests.generators.neural.test_training import PLAN, trained

ROOT = Path(__file__).resolve().parents[3]
NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")

LINE = """
import json, sys
from pathlib import Path
import torch
from generators.neural.devices import processes, together
from tests.generators.neural.test_training import trained
with together(torch.device("cpu")):
    rank = processes().rank
    model, best = trained()
threads = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
assert not [name for name in threads if "gloo" in name], threads
(Path(sys.argv[1]) / str(rank)).write_text(json.dumps([model.weight.item(), model.bias.item(), best]))
"""


def launched(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program in two processes that torchrun starts."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        [*torchrun, "--no-python", sys.executable, "-c", program, *map(str, arguments)],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_two_processes_take_the_steps_that_one_takes(tmp_path: Path) -> None:
    ended = launched(LINE, tmp_path)
    assert ended.returncode == 0, ended.stderr
    first, second = (json.loads((tmp_path / rank).read_text()) for rank in "01")
    assert first == second
    model, best = trained()
    alone = [model.weight.item(), model.bias.item(), best]
    assert first == pytest.approx(alone, rel=1e-3, abs=1e-4)


@NO_CUDA
def test_a_gpu_that_is_not_there_is_said_and_the_cpu_offered() -> None:
    with pytest.raises(InputError, match=r"device=cuda: is not there \(torch .*\); train with --device cpu, or auto"):
        device_of("cuda")
    with pytest.raises(InputError, match="device=cuda: is not there"):
        Start("tabular.nade", device="cuda")
    assert device_of("auto") == device_of("cpu") == torch.device("cpu")


@CUDA
def test_training_on_a_gpu_finds_what_training_on_the_cpu_finds() -> None:
    on_gpu, _ = trained(PLAN.__class__(64, learning_rate=0.05, max_epochs=40, device=device_of("auto")))
    assert on_gpu.weight.item() == pytest.approx(trained()[0].weight.item(), abs=0.01)


def test_devices_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="device=tpu: must be cpu, cuda or auto"):
        device_of("tpu")
    with pytest.raises(InputError, match=r"device=cuda: tabular.mixture is trained on the CPU; leave it out"):
        Start("tabular.mixture", device="cuda")
    assert Start("tabular.mixture", device="auto").device == "auto"


def test_what_processes_can_not_do_together_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "1"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "2"), ("TORCHELASTIC_RUN_ID", "r")):
        monkeypatch.setenv(name, value)
    with pytest.raises(
        InputError, match=r"model=tabular.mixture: is trained by one process; start it without torchrun"
    ):
        Start("tabular.mixture")
    with pytest.raises(InputError, match=r"checkpoint=.*: not with several processes; leave it out"):
        Start("tabular.nade", Keep(tmp_path))


def test_one_process_alone_changes_nothing() -> None:
    alone = processes()
    assert alone == Processes(0, 1)
    rows = torch.arange(5)
    assert alone.same(rows) is rows
    assert alone.part(rows).tolist() == rows.tolist()
    assert [alone.add_up([], late) for late in (False, True)] == [False, True]


def test_parts_of_a_batch_are_the_batch() -> None:
    for rows in (0, 1, 2, 7):
        parts = [Processes(rank, 3).part(torch.arange(rows)).tolist() for rank in range(3)]
        assert sorted(chain(*parts)) == list(range(rows))


def test_allocators_say_that_memory_is_short_in_their_ways() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
