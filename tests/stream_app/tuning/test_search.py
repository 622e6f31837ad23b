"""Trials under a budget, in a study that goes on: with real Optuna and a model that is a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from generators.artifact import Artifact
from generators.task import Epoch, Progress
from schemas.errors import InputError, ServiceError
from stream_app.tuning import study as studies
from stream_app.tuning.objective import Loss
from stream_app.tuning.search import Budget, Search
from stream_app.tuning.space import Space
from stream_app.tuning.study import Study, check_installed

pytest.importorskip("optuna", reason="Optuna is not installed: the extra `tune`")

SPACE = Space.of("tabular.mixture", {}, ())
TERMS = {"model": "m", "table (its rows)": "1", "seed": "0"}
Fit = Callable[[Mapping[str, Any], Progress], Any]


def formula(settings: Mapping[str, Any], told: Progress) -> Any:
    """As if trained: the best is 200 components in 30 cells."""
    told(1.0, "done")
    return abs(settings["components"] - 200) / 1_000 + abs(settings["cells"] - 30) / 200


def judge(trained: Artifact) -> Loss:
    return Loss(cast(float, trained), 0.0, None, 60.0)


def search(file: Path, budget: Budget, fit: Fit = formula, now: Callable[[], float] = lambda: 0.0) -> Search:
    return Search(Study(file, SPACE, TERMS, 0), fit, judge, 0.5, budget, lambda share, what: None, now)


def test_the_defaults_come_first_and_the_search_finds_better_ones(tmp_path: Path) -> None:
    heard: list[tuple[int, str]] = []
    one = search(tmp_path / "s", Budget(25))
    one.run(lambda asked, state, value: heard.append((asked.number, state)))
    trials = one.study.trials
    assert dict(trials[0].settings) == SPACE.usual
    assert heard == [(n, "complete") for n in range(25)]
    best = one.study.best
    assert best is not None
    assert best.value is not None
    assert best.value < (trials[0].value or 0.0)
    assert best.value == pytest.approx(0.5 + formula(best.settings, lambda *_: None))  # a minute costs 0.5
    assert best.facts["told_apart"] == pytest.approx(best.value - 0.5, abs=1e-6)
    importance = one.study.importance()
    assert set(importance) == {"components", "cells"}
    assert sum(importance.values()) == pytest.approx(1, abs=1e-3)


def test_a_search_that_goes_on_is_the_one_that_never_ended(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole", Budget(12))
    whole.run()
    for trials in (3, 7, 12):
        parts = search(tmp_path / "parts", Budget(trials))
        parts.run()
        assert len(parts.study.trials) == trials
    assert [t.settings for t in parts.study.trials] == [t.settings for t in whole.study.trials]
    search(tmp_path / "parts", Budget(5)).run()  # there is nothing to do
    assert len(parts.study.trials) == 12


def test_ctrl_c_keeps_what_is_there_and_the_trial_it_hit_is_tried_again(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole", Budget(6))
    whole.run()
    tried: list[Mapping[str, Any]] = []

    def hit(settings: Mapping[str, Any], told: Progress) -> Any:
        tried.append(settings)
        if len(tried) == 3:
            raise KeyboardInterrupt
        return formula(settings, told)

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "s", Budget(6), hit).run()
    again = search(tmp_path / "s", Budget(6), hit)
    assert len(again.study.trials) == 2
    again.run()
    assert tried[3] == tried[2]
    assert [t.settings for t in again.study.trials] == [t.settings for t in whole.study.trials]


def test_a_trial_that_is_worse_than_others_were_by_then_ends_early(tmp_path: Path) -> None:
    epochs: list[int] = []

    def slow(settings: Mapping[str, Any], told: Progress) -> Any:
        trial = len(epochs)
        epochs.append(0)
        for number in range(1, 21):
            told(number / 20, Epoch(number, 5.0, 5.0, 1.0, apart=-10.0 if trial < 6 else -1.0))
            epochs[trial] = number
        return formula(settings, told)

    one = search(tmp_path / "s", Budget(8), slow)
    one.run()
    assert [trial.state for trial in one.study.trials] == ["complete"] * 6 + ["pruned"] * 2
    assert all(each == 20 for each in epochs[:6])
    assert all(each < 10 for each in epochs[6:])


def test_where_it_is_not_known_how_losses_compare_nothing_is_ended_early(tmp_path: Path) -> None:
    def unknown(settings: Mapping[str, Any], told: Progress) -> Any:
        for number in range(1, 12):
            told(0.5, Epoch(number, 99.0 * settings["cells"], 5.0, 1.0))
        return formula(settings, told)

    one = search(tmp_path / "s", Budget(8), unknown)
    one.run()
    assert {trial.state for trial in one.study.trials} == {"complete"}


def test_time_ends_the_search_but_never_before_one_trial(tmp_path: Path) -> None:
    clock = [0.0]

    def long(settings: Mapping[str, Any], told: Progress) -> Any:
        for part in range(4):
            clock[0] += 10.0
            told(part / 4, "on the way")
        return formula(settings, told)

    one = search(tmp_path / "s", Budget(50, seconds=5.0), long, lambda: clock[0])
    one.run()
    assert len(one.study.trials) == 1
    clock[0] = 0.0
    more = search(tmp_path / "s", Budget(50, seconds=95.0), long, lambda: clock[0])
    more.run()
    assert len(more.study.trials) == 3  # 40 s each: the third of this run was cut short, and counts for nothing


def test_settings_that_can_not_be_trained_are_passed_over_but_not_the_first(tmp_path: Path) -> None:
    def picky(settings: Mapping[str, Any], told: Progress) -> Any:
        if settings["components"] != 256:
            raise InputError("components: does not work")
        return formula(settings, told)

    one = search(tmp_path / "s", Budget(4), picky)
    one.run()
    assert [trial.state for trial in one.study.trials] == ["complete", "fail", "fail", "fail"]
    assert one.study.trials[1].facts["why"] == "components: does not work"

    def never(settings: Mapping[str, Any], told: Progress) -> Any:
        raise InputError("it needs torch")

    for _ in range(2):
        with pytest.raises(InputError, match="it needs torch"):
            search(tmp_path / "never", Budget(1), never).run()


def test_a_study_of_another_search_is_refused_in_one_line(tmp_path: Path) -> None:
    search(tmp_path / "s", Budget(1)).run()
    with pytest.raises(InputError, match=r"begun with another table \(its rows\), another seed; go on") as caught:
        Study(tmp_path / "s", SPACE, {**TERMS, "table (its rows)": "2", "seed": "1"}, 0)
    assert len(caught.value.faults) == 1
    for name, content in (("empty", ""), ("table.csv", "a,b\n1,2\n"), ("json", '{"a": 1}\n')):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=f"{name}: is no study"):
            Study(tmp_path / name, SPACE, TERMS, 0)
        assert (tmp_path / name).read_text() == content
    with pytest.raises(InputError, match="is no study"):
        Study(tmp_path, SPACE, TERMS, 0)
    with pytest.raises(ServiceError, match="can not be written"):
        Study(tmp_path / "json" / "s", SPACE, TERMS, 0)


def test_a_budget_that_no_trial_fits_into_says_what_is_enough() -> None:
    with pytest.raises(InputError, match=r"max_seconds=2: is too little .* takes 3\.4 s here; the least .* is 5"):
        Budget(3, 2.0).check(3.4)
    Budget(3, 5.0).check(3.4)
    Budget(3).check(1e9)
    with pytest.raises(InputError) as caught:
        Budget(3, 0.0, -1.0)
    assert [fault.split("=")[0] for fault in caught.value.faults] == ["max_seconds", "trial_seconds"]
    assert (Budget(3, 100.0).training_s, Budget(3, 100.0, 7.0).training_s) == (20.0, 7.0)
    assert Budget(3).training_s == float("inf")


def test_few_trials_say_nothing_of_importance(tmp_path: Path) -> None:
    one = search(tmp_path / "s", Budget(2))
    one.run()
    assert one.study.importance() == {}
    assert replace(one.study.trials[0], number=7).to_json()["number"] == 7


def test_without_optuna_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'synthstream\[tune\]'"):
        check_installed()
