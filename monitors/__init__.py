"""Numbers about a window, each with its error: batches in, estimates out, no Kafka.

A metric is one file under `drift/`, `quality/` or `flow/` with a `METRIC`; the file's path is its name.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    from monitors.metric import Metric

FAMILIES = ("drift", "flow", "quality")
"""The folders metrics live in."""


def names() -> tuple[str, ...]:
    """Every metric's name, found by path; imports nothing.

    >>> "drift.ks" in names()
    True
    """
    here = Path(__file__).parent
    files = (file for family in FAMILIES for file in sorted((here / family).glob("*.py")))
    return tuple(f"{file.parent.name}.{file.stem}" for file in files if file.stem != "__init__")


def load(name: str) -> Metric:
    """The metric of a name.

    Args:
        name: family and file, like "drift.ks".

    Raises:
        InputError: no such metric; the text lists those there are.
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"metric={name}: not known; {hint}there are {', '.join(known)}")
    metric: Metric = import_module(f"monitors.{name}").METRIC
    return metric
