"""Fit on real, sample synthetic; knows nothing of Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError

if TYPE_CHECKING:
    from generators.base import Generator

_HERE = Path(__file__).parent

FAMILIES = ("tabular",)
"""Folders that hold generators, one a file."""


def names() -> tuple[str, ...]:
    """Every generator, by its path; nothing is imported.

    >>> "tabular.copula" in names()
    True
    """
    files = (
        f.relative_to(_HERE) for family in FAMILIES for f in (_HERE / family).glob("*.py") if not f.name.startswith("_")
    )
    return tuple(sorted(".".join(f.with_suffix("").parts) for f in files))


def load(name: str) -> type[Generator]:
    """Import a generator.

    Args:
        name: one of `names()`.

    Raises:
        InputError: there is no such generator.
    """
    if name not in names():
        raise InputError(f"model={name}: unknown{_nearest(name, names())}; choose one of {', '.join(names())}")
    generator: type[Generator] = import_module(f"generators.{name}").GENERATOR
    return generator


def settings_for(generator: type[Generator], given: Mapping[str, Any]) -> dict[str, Any]:
    """Fill the settings a user gave up with the defaults.

    Args:
        generator: knows the settings.
        given: what the user set; numbers and truth values may be text.

    Raises:
        InputError: settings the generator does not know or that do not read as the default's type; all at once.
    """
    faults: list[str] = []
    settings = dict(generator.SETTINGS)
    for name, value in given.items():
        if name not in settings:
            known = ", ".join(settings) if settings else "none"
            faults.append(f"{name}={value}: unknown setting{_nearest(name, settings)}; the model knows {known}")
            continue
        try:
            settings[name] = _read(value, type(settings[name]))
        except ValueError:
            faults.append(f"{name}={value}: must be {type(settings[name]).__name__}, such as {settings[name]}")
    if faults:
        raise InputError(*faults)
    return settings


def _read(value: Any, kind: type[Any]) -> Any:
    if kind is bool and isinstance(value, str):
        return {"true": True, "false": False}[value.lower()] if value.lower() in ("true", "false") else _fail()
    if isinstance(value, bool) is not (kind is bool) or (kind is int and isinstance(value, float) and value % 1):
        return _fail()
    return kind(value)


def _fail() -> None:
    raise ValueError


def _nearest(name: str, known: Any) -> str:
    near = get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""
