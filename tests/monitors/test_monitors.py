from __future__ import annotations

import subprocess
import sys

import pytest

import monitors
from schemas.errors import InputError


def test_metrics_are_found_by_path() -> None:
    assert {"drift.ks", "quality.null_share", "flow.throughput"} <= set(monitors.names())
    assert monitors.load("drift.ks") is monitors.load("drift.ks")


def test_listing_imports_nothing() -> None:
    code = "import sys, monitors; monitors.names(); sys.exit('numpy' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_metric_names_the_nearest_and_all() -> None:
    with pytest.raises(InputError, match=r"metric=drift\.kss: not known; did you mean drift\.ks\? there are drift"):
        monitors.load("drift.kss")
    with pytest.raises(InputError, match=r"metric=zzz: not known; there are drift"):
        monitors.load("zzz")
