"""Kernels keep the function they were made from, and their machine code on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.encode_kernels import long_size
from schemas.kernel import kernel

PROGRAM = "from schemas.encode_kernels import long_size; import numpy as np; assert long_size(np.int64(64)) == 2"


@pytest.mark.skipif(not hasattr(long_size, "py_func"), reason="numba compiles nothing when NUMBA_DISABLE_JIT is set")
def test_the_function_stays_at_hand() -> None:
    def twice(x: int) -> int:
        return 2 * x

    made = kernel(twice)
    assert made.py_func is twice
    assert made(3) == 6
    assert len(made.signatures) == 1


def test_processes_that_start_together_share_a_cold_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    started = [subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert list(tmp_path.rglob("encode_kernels.long_size*.nbc"))
