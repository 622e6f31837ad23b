"""What a search came to: for people, for programs and for the artifact's manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from stream_app.tuning.objective import Loss
from stream_app.tuning.space import Space
from stream_app.tuning.study import Trial

SHOWN = 8
"""So many of the best trials are shown."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a search came to.

    Args:
        space: what was searched.
        trials: all trials that are over.
        importance: how much each setting is to answer for; empty where that can not be told.
        real: how far real rows are from those held back.
        minute_costs: what a minute of training has to gain.
    """

    space: Space
    trials: tuple[Trial, ...]
    importance: Mapping[str, float]
    real: Loss
    minute_costs: float

    @property
    def ranked(self) -> list[Trial]:
        """The trials that ended, the best first."""
        return sorted((t for t in self.trials if t.value is not None), key=lambda trial: trial.value or 0.0)

    @property
    def best(self) -> Trial:
        """The best of them; there is one."""
        return self.ranked[0]

    @property
    def usual(self) -> Trial | None:
        """The trial of the defaults."""
        usual = self.space.usual
        same = (t for t in self.ranked if {name: t.settings[name] for name in usual} == usual)
        return next(same, None) if len(usual) == len(self.space.ranges) else None

    @property
    def counts(self) -> dict[str, int]:
        """How many trials ended how."""
        return dict(Counter(trial.state for trial in self.trials))

    def manifest(self) -> dict[str, Any]:
        """What an artifact's manifest says of it."""
        return {
            "searched": self.space.to_json(),
            "trials": self.counts,
            "settings": dict(self.best.settings),
            "loss": _rounded(self.best.value),
            "loss_of_defaults": None if self.usual is None else _rounded(self.usual.value),
            "loss_of_real_rows": _rounded(self.real.total(0.0)),
            "minute_costs": self.minute_costs,
            **self.best.facts,
        }

    def to_json(self) -> dict[str, Any]:
        """One JSON value with everything."""
        return {
            **self.manifest(),
            "model": self.space.model,
            "best": self.best.number,
            "importance": dict(self.importance),
            "all": [trial.to_json() for trial in self.trials],
        }


def print_found(found: Found) -> None:
    """Print the best trials, and what is to answer for it."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for heading in ("trial", "loss", "told apart", "pairs", "learning", "train s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold")
    for trial in found.ranked[:SHOWN]:
        parts = (trial.facts.get(name) for name in ("told_apart", "pairs", "learning"))
        shown = ["" if part is None else f"{part:.4f}" for part in parts]
        train_s = f"{trial.facts['train_s']:.1f}"
        table.add_row(str(trial.number), f"{trial.value:.4f}", *shown, train_s, _settings(trial, " "))
    real = found.real
    shown = ["" if part is None else f"{part:.4f}" for part in (real.told_apart, real.pairs, real.learning)]
    table.add_row("real", f"{real.total(0.0):.4f}", *shown, style="dim")
    Console().print(table)


def lines(found: Found) -> dict[str, Any]:
    """What is said below the table, a line each."""
    usual = found.usual
    said: dict[str, Any] = {"trials": ", ".join(f"{n} {state}" for state, n in found.counts.items())}
    said["best"] = _settings(found.best, ", ")
    if usual is not None:
        better = (usual.value or 0.0) - (found.best.value or 0.0)
        said["better_than_defaults_by"] = f"{better:.4f}" if better > 0 else "nothing: the defaults are the best"
    if found.importance:
        said["importance"] = ", ".join(f"{name} {share:.0%}" for name, share in found.importance.items())
    return said


def _settings(trial: Trial, between: str) -> str:
    return between.join(f"{name}={_plain(value)}" for name, value in trial.settings.items())


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
