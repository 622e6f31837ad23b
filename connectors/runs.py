"""A run that somebody keeps track of: what a training was told, how it went and what came of it, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

FINISHED, FAILED, KILLED = "FINISHED", "FAILED", "KILLED"
"""How runs end, as MLflow calls it."""


class Run(Protocol):
    """A run under way."""

    def params(self, values: Mapping[str, Any]) -> None:
        """Keep what it was told, by name; each once."""

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Keep numbers, by name, of a step or of the run as a whole."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Keep what else is known, by name."""

    def child(self, name: str) -> Run:
        """Begin a run within this one."""

    def end(self, status: str) -> None:
        """End it."""


class Untracked:
    """A run that nobody keeps track of."""

    def params(self, values: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Keep nothing."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Keep nothing."""

    def child(self, name: str) -> Run:
        """Another such run."""
        return self

    def end(self, status: str) -> None:
        """Keep nothing."""
