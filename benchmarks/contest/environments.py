"""Environments of their own for what the project does not depend on: libraries beside ours, the judge's, the plot's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from schemas.errors import ServiceError

PACKAGES = {
    "mostlyai-engine": ("mostlyai-engine",),
    "sdv": ("sdv>=2", "pyarrow"),
    "judge": ("sdmetrics", "xgboost", "scikit-learn"),
    "plot": ("matplotlib",),
    "evidently": ("evidently", "pandas<3"),
    "nannyml": ("nannyml", "pandas<3", "statsmodels"),  # which its encoders import and do not ask for
}
"""What is installed in each: the newest at the time. Remove an environment's folder to make it anew."""


def default_cache() -> Path:
    """Where environments are made when nobody names a folder."""
    base = os.environ.get("SYNTHSTREAM_CACHE") or Path.home() / ".cache" / "synthstream"
    return Path(base) / "benchmarks"


def python_of(name: str, cache: Path) -> Path:
    """The Python of an environment, made the first time.

    Args:
        name: one of `PACKAGES`.
        cache: the folder that holds the environments.

    Raises:
        ServiceError: it could not be made; nothing is left of it.
    """
    folder = cache.absolute() / name
    python, made = folder / "bin" / "python", folder / "made"
    if made.exists():
        return python
    sys.stderr.write(f"making an environment with {' '.join(PACKAGES[name])} in {folder}\n")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[name]]
    for command in ([sys.executable, "-m", "venv", str(folder)], install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            said = (done.stderr + done.stdout).strip().splitlines()
            raise ServiceError(f"{name}: its environment could not be made ({said[-1] if said else done.returncode})")
    made.touch()
    return python
