"""Optuna's studies: what was tried and what came of it, in a file; this file alone names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from math import isnan
from pathlib import Path
from typing import Any

from generators.search import Choice
from generators.task import Epoch
from schemas.errors import InputError, ServiceError
from stream_app.tuning.space import Space

AT_FIRST = 5
"""So many trials are drawn evenly before what was found says where to look."""

UNPRUNED = 4
"""So many trials go on to their end before others are ended early, and each as many epochs."""

TERMS, CUT_SHORT = "terms", "cut_short"


class Pruned(Exception):
    """A trial that is worse than others were by then ends."""


def check_installed() -> None:
    """Refuse to begin without Optuna.

    Raises:
        InputError: it is not installed.
    """
    if find_spec("optuna") is None:
        raise InputError("tune needs Optuna, which is not installed: pip install 'synthstream[tune]'")


@dataclass(frozen=True)
class Trial:
    """A trial that is over.

    Args:
        number: its number, from 0.
        state: complete, pruned or fail.
        settings: what was tried, by name.
        value: what came of it; None where it did not end.
        facts: what else is known, as JSON has it.
    """

    number: int
    state: str
    settings: Mapping[str, Any]
    value: float | None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON form."""
        return {**vars(self), "settings": dict(self.settings), "facts": dict(self.facts)}


class Study:
    """The trials of a search, which may be of earlier runs.

    What is tried next follows from the trials so far and from the seed, so a search that goes on is the one that was
    never interrupted, as far as what training costs is the same.

    Args:
        file: where they are kept.
        space: what is searched.
        terms: what all trials have in common, a word each, by what people call it.
        seed: seeds what is tried.

    Raises:
        InputError: the file is none of a study, or of one under other terms.
        ServiceError: the file can not be written.
    """

    def __init__(self, file: Path, space: Space, terms: Mapping[str, str], seed: int) -> None:
        self._space, self._seed, self.file = space, seed, file
        self._optuna = import_module("optuna")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        if file.exists() and not _is_journal(file):
            raise InputError(f"study={file}: is no study; name another file")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            journal = import_module("optuna.storages.journal")
            storage = self._optuna.storages.JournalStorage(journal.JournalFileBackend(str(file)))
            self._study = self._optuna.create_study(
                storage=storage,
                study_name="synthstream",
                load_if_exists=True,
                pruner=self._optuna.pruners.MedianPruner(UNPRUNED, UNPRUNED),
            )
        except OSError as error:
            raise ServiceError(f"study={file}: can not be written ({error.strerror or error})") from None
        except (ValueError, KeyError, TypeError):
            raise InputError(f"study={file}: is no study, or damaged; name another file") from None
        had = self._study.user_attrs.get(TERMS)
        if had is None:
            self._study.set_user_attr(TERMS, dict(terms))
        elif had != terms:
            other = [name for name in {**had, **terms} if had.get(name) != terms.get(name)]
            raise InputError(
                f"study={file}: was begun with another {', another '.join(other)}; go on as it began, or name another "
                "file with --study"
            )

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials that are over, in order; those that were cut short are tried again."""
        states = self._optuna.trial.TrialState
        over = self._study.get_trials(deepcopy=False, states=(states.COMPLETE, states.PRUNED, states.FAIL))
        return tuple(
            Trial(
                each.number,
                each.state.name.lower(),
                each.params,
                each.value if each.state is states.COMPLETE else None,
                each.user_attrs,
            )
            for each in over
            if not each.user_attrs.get(CUT_SHORT)
        )

    @property
    def complete(self) -> tuple[Trial, ...]:
        """The trials that ended, in order."""
        return tuple(trial for trial in self.trials if trial.value is not None)

    @property
    def best(self) -> Trial | None:
        """The best of them."""
        return min(self.complete, key=lambda trial: trial.value or 0.0, default=None)

    def next(self) -> Asked:
        """What to try next; the defaults first."""
        so_far = len(self.trials)
        self._study.sampler = self._optuna.samplers.TPESampler(
            seed=(self._seed * 1_000_003 + so_far) % 2**32, n_startup_trials=AT_FIRST
        )
        if not self.complete:
            self._study.enqueue_trial(self._space.usual)
        trial = self._study.ask()
        return Asked(self, trial, {name: _suggested(trial, name, among) for name, among in self._space.ranges.items()})

    def importance(self) -> dict[str, float]:
        """How much of what came of the trials each setting is to answer for; empty where too few say so.

        Source: Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance".
        """
        if len({trial.value for trial in self.complete}) < UNPRUNED or len(self._space.ranges) < 2:
            return {}
        importance = self._optuna.importance
        evaluator = importance.FanovaImportanceEvaluator(seed=0)
        found = importance.get_param_importances(self._study, evaluator=evaluator)
        return {name: round(float(value), 4) for name, value in found.items()}

    def end(self, trial: Any, value: float | None, state: str) -> None:
        """Keep what came of a trial."""
        self._study.tell(trial, value, state=self._optuna.trial.TrialState[state])


@dataclass(frozen=True, eq=False)
class Asked:
    """A trial under way.

    Args:
        study: whose.
        trial: Optuna's.
        settings: what to try, by name.
    """

    study: Study
    trial: Any
    settings: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Its number, from 0."""
        return int(self.trial.number)

    @property
    def facts(self) -> dict[str, Any]:
        """What was noted of it."""
        return dict(self.trial.user_attrs)

    def hear(self, epoch: Epoch) -> None:
        """Take note of how it is doing.

        Raises:
            Pruned: others did better by then.
        """
        if isnan(epoch.apart):
            return
        self.trial.report(epoch.apart, epoch.number)
        if self.trial.should_prune():
            raise Pruned

    def note(self, **facts: Any) -> None:
        """Keep what else is known, as JSON has it."""
        for name, fact in facts.items():
            self.trial.set_user_attr(name, fact)

    def complete(self, value: float) -> None:
        """It came to something."""
        self.study.end(self.trial, value, "COMPLETE")

    def pruned(self) -> None:
        """It was ended early."""
        self.study.end(self.trial, None, "PRUNED")

    def failed(self, why: str) -> None:
        """It came to nothing."""
        self.note(why=why)
        self.study.end(self.trial, None, "FAIL")

    def cut_short(self) -> None:
        """It did not come to its end, and counts for nothing."""
        self.trial.set_user_attr(CUT_SHORT, True)
        self.study.end(self.trial, None, "FAIL")


def _is_journal(file: Path) -> bool:
    """Whether a file is one that Optuna wrote: its first line is an operation."""
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        first = lines.readline(4_096)
    return first.startswith(b"{") and b'"op_code"' in first


def _suggested(trial: Any, name: str, among: Any) -> Any:
    if isinstance(among, Choice):
        return trial.suggest_categorical(name, among.values)
    suggest = trial.suggest_int if among.whole else trial.suggest_float
    return suggest(name, among.low, among.high, log=among.log)
