"""The search: one trial after the other, within a budget, until Ctrl-C at the latest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generators.artifact import Artifact
from generators.task import Epoch, Progress
from schemas.errors import InputError
from stream_app.tuning.objective import Judge
from stream_app.tuning.study import Asked, Pruned, Study

PARTS = 5
"""One training takes at most so much of the seconds there are, where the model says how long it may take."""

LEAST_S = 1.0
"""Nothing is learned in less."""

Fit = Callable[[Mapping[str, Any], Progress], Artifact]
"""Trains a model with some settings, and tells how far it has come."""


@dataclass(frozen=True)
class Budget:
    """How long to search.

    Args:
        trials: so many in all, those of earlier runs among them.
        seconds: this run ends after so many; None for no end.
        trial_s: a training takes at most so many; None for a part of `seconds`.

    Raises:
        InputError: less than nothing.
    """

    trials: int
    seconds: float | None = None
    trial_s: float | None = None

    def __post_init__(self) -> None:
        faults = [
            f"{name}={value:g}: must be > 0"
            for name, value in (("max_seconds", self.seconds), ("trial_seconds", self.trial_s))
            if value is not None and not 0 < value < math.inf
        ]
        if faults:
            raise InputError(*faults)

    @property
    def training_s(self) -> float:
        """What one training may take."""
        if self.trial_s is not None:
            return self.trial_s
        return math.inf if self.seconds is None else max(self.seconds / PARTS, LEAST_S)

    def check(self, judging_s: float) -> None:
        """Refuse a budget that no trial fits into.

        Args:
            judging_s: what judging rows takes here.

        Raises:
            InputError: it is too small; it says what is enough.
        """
        enough = math.ceil(judging_s + LEAST_S)
        if self.seconds is not None and self.seconds < enough:
            raise InputError(
                f"max_seconds={self.seconds:g}: is too little for one trial, since judging its rows alone takes "
                f"{judging_s:.1f} s here; the least that works is {enough}"
            )


class OutOfTime(Exception):
    """The search is over before a trial is."""


@dataclass(eq=False)
class Search:
    """Tries settings.

    Args:
        study: keeps the trials.
        fit: trains.
        judge: says how far what was trained is from real rows.
        minute_costs: what a minute of training has to gain to be worth it.
        budget: how long.
        told: told how far it has come.
        now: seconds that pass.
    """

    study: Study
    fit: Fit
    judge: Judge
    minute_costs: float
    budget: Budget
    told: Progress
    now: Callable[[], float] = time.monotonic

    def run(self, hear: Callable[[Asked, str, float | None], None] = lambda *_: None) -> None:
        """Try settings until the budget is spent.

        Args:
            hear: told of every trial that ended: how, and with what value.

        Raises:
            InputError: the model can not be trained at all.
            KeyboardInterrupt: Ctrl-C; what was tried until then is kept.
        """
        self._began = self.now()
        while not self.study.complete or (len(self.study.trials) < self.budget.trials and not self._is_late()):
            asked = self.study.next()
            try:
                loss = self.judge(self.fit(asked.settings, self._telling(asked)))
            except Pruned:
                asked.pruned()
                hear(asked, "pruned", None)
            except OutOfTime:
                asked.cut_short()
                return
            except KeyboardInterrupt:
                asked.cut_short()
                raise
            except InputError as error:
                asked.failed(str(error))
                if not self.study.complete:
                    raise
                hear(asked, "fail", None)
            else:
                asked.note(**loss.to_json())
                asked.complete(loss.total(self.minute_costs))
                hear(asked, "complete", loss.total(self.minute_costs))

    def _is_late(self) -> bool:
        return self.budget.seconds is not None and self.now() - self._began >= self.budget.seconds

    def _telling(self, asked: Asked) -> Progress:
        """Tells how far the search has come, ends what is too late or worse than others."""
        best, done, most = self.study.best, len(self.study.trials), self.budget.trials
        so_far = "" if best is None else f", best {best.value:.4f}"

        def telling(share: float, what: str) -> None:
            if isinstance(what, Epoch):
                asked.hear(what)
            if best is not None and self._is_late():
                raise OutOfTime
            spent = 0.0 if self.budget.seconds is None else (self.now() - self._began) / self.budget.seconds
            self.told(min(max((done + share) / most, spent), 1.0), f"trial {done + 1} of {most}{so_far}")

        return telling
