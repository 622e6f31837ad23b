"""What any test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

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
