"""What any test may ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
TABLES_VARIABLE = "SYNTHSTREAM_TEST_TABLES"

# The first example of a kernel's test compiles it, which no deadline allows for.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the source checkout."""
    return ROOT


@pytest.fixture(scope="session")
def tables() -> Path:
    """The folder of real tables beside the checkout; the test is skipped where there is none."""
    folder = Path(os.environ.get(TABLES_VARIABLE, ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real tables: neither ../shared/data nor a folder named by {TABLES_VARIABLE}")
    return folder


@pytest.fixture(params=["compiled", "python"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """Picks the form in which a test file's `kernels` are run: as Python, those that they call are Python too."""
    if request.param == "compiled":
        return lambda kernel: kernel
    for name, value in list(vars(request.module.kernels).items()):
        monkeypatch.setattr(request.module.kernels, name, getattr(value, "py_func", value))
    return lambda kernel: getattr(kernel, "py_func", kernel)
