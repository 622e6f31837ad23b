from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, hypergeom, kstwobign

from monitors.distances import ONE
from monitors.evidence import (
    Finding,
    FixedWindow,
    Sensitivity,
    Subject,
    order_test,
    rate_test,
    shares_test,
)
from monitors.pane import Pane, PaneLayout
from monitors.window import Window
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()


def shares() -> dict[str, np.ndarray]:
    return {name: bins.expected for name, bins in LAYOUT.bins.items()}


def evidence(sensitivity: Sensitivity | None = None, seed: int = 0) -> FixedWindow:
    drawn = scene.drawn(np.random.default_rng(seed), LAYOUT, shares(), 1_000_000)
    return FixedWindow(LAYOUT, scene.reference_of(LAYOUT, drawn), sensitivity)


def judged(window: Window, sensitivity: Sensitivity | None = None) -> dict[tuple[str, str], Finding]:
    return {(f.subject.metric, f.subject.column): f for f in evidence(sensitivity).judge(window)}


@pytest.mark.parametrize("moved", [30, 60, 100, 200])
def test_the_order_test_is_smirnovs_tail_and_never_below_it(moved: int) -> None:
    a, b = np.array([300 - moved, 400, 300 + moved]), np.array([3_000, 4_000, 3_000])
    tested = order_test(a, b, ONE)
    gap, size = moved / 1_000, 1_000 * 10_000 / 11_000
    assert tested.effect[0] == pytest.approx(gap)
    tail = kstwobign.sf(gap * size**0.5)
    assert tested.p[0] == pytest.approx(tail, rel=0.01, abs=0)
    assert tested.p[0] >= tail * (1 - 1e-9)
    assert order_test(a, a, ONE).p[0] == 1


@pytest.mark.parametrize(
    ("hits", "n", "reference", "m"), [(9, 2_000, 1_000, 10**6), (0, 2_000, 9_000, 10**6), (3, 500, 0, 10**6)]
)
def test_the_rate_test_is_the_exact_conditional_one(hits: int, n: int, reference: int, m: int) -> None:
    more = rate_test(*(np.array([x]) for x in (hits, n, reference, m)), both_ways=False)
    both = rate_test(*(np.array([x]) for x in (hits, n, reference, m)), both_ways=True)
    total, share = hits + reference, n / (n + m)
    upper = binomtest(hits, total, share, alternative="greater").pvalue
    lower = binomtest(hits, total, share, alternative="less").pvalue
    assert more.p[0] == pytest.approx(upper, rel=1e-7, abs=0)
    assert both.p[0] == pytest.approx(min(1, 2 * min(upper, lower)), rel=1e-7, abs=0)
    assert more.p[0] >= hypergeom.sf(hits - 1, n + m, total, n) * (1 - 1e-9)


@pytest.mark.parametrize("cells", [2, 16, 105])
def test_the_shares_test_keeps_its_promise_far_out(cells: int) -> None:
    rng = np.random.default_rng(5)
    share = 1 / np.arange(1, cells + 1) ** 1.5
    share /= share.sum()
    draws = 40_000 if cells < 100 else 15_000
    starts = np.arange(draws, dtype=np.intp) * cells
    window = rng.multinomial(2_000, share, size=draws).ravel()
    reference = rng.multinomial(1_000_000, share, size=draws).ravel()
    p = shares_test(window, reference, starts).p
    for level in (0.05, 1e-2, 1e-3):
        expected = level * draws
        assert (p <= level).sum() <= expected * 1.3 + 4 * expected**0.5


def test_every_question_is_asked_of_the_columns_it_fits() -> None:
    assert set(evidence().subjects) == {
        *(Subject("drift_ks", c) for c in ("weight", "pieces", "sent")),
        *(Subject("drift_chi_square", c) for c in ("size", "fragile")),
        *(Subject("quality_null", c) for c in ("weight", "size", "note")),
        *(Subject("quality_unseen", c) for c in ("size", "fragile")),
        *(Subject("quality_violation", r) for r in ("range:pieces", "range:weight")),
    }


def test_the_level_is_split_over_questions_and_stretches() -> None:
    assert evidence(Sensitivity(family_alpha=1e-3)).alpha == pytest.approx(1e-3 / 20)


@pytest.mark.parametrize(
    ("drift", "found"),
    [
        (scene.Drift(), set()),
        (scene.Drift(shift=0.5), {("drift_ks", "weight")}),
        (scene.Drift(swapped=0.1), {("drift_chi_square", "size")}),
        (scene.Drift(nulls=0.3), {("quality_null", "weight")}),
        (scene.Drift(nulls=0.0), {("quality_null", "weight")}),
        (scene.Drift(new_size="XXL"), {("quality_unseen", "size")}),
        (scene.Drift(pieces=7), {("quality_violation", "range:pieces")}),
    ],
)
def test_each_kind_of_change_is_found_and_nothing_else(drift: scene.Drift, found: set[tuple[str, str]]) -> None:
    findings = judged(scene.window_of(scene.pane(LAYOUT, 2_000, drift, seed=3)))
    assert {key for key, finding in findings.items() if finding.large} == found
    assert all(finding.shown is not None for finding in findings.values())


def test_too_few_records_give_no_verdict_but_rules_are_facts() -> None:
    findings = judged(scene.window_of(scene.pane(LAYOUT, 499, scene.Drift(shift=3, pieces=9))))
    assert findings["drift_ks", "weight"].shown is None
    assert not findings["drift_ks", "weight"].large
    assert findings["quality_violation", "range:pieces"].large


def test_a_column_that_is_nearly_all_null_has_too_few_records_of_its_own() -> None:
    findings = judged(scene.window_of(scene.pane(LAYOUT, 2_000, scene.Drift(shift=3, nulls=0.9))))
    assert findings["drift_ks", "weight"].shown is None
    assert findings["quality_null", "weight"].large


def test_an_empty_window_says_nothing() -> None:
    assert {f.shown for f in judged(scene.window_of(Pane.empty(LAYOUT))).values()} == {None}


def test_the_newest_pane_shows_at_once_what_the_window_would_show_later() -> None:
    calm, new = scene.pane(LAYOUT, 38_000, seed=1), scene.pane(LAYOUT, 2_000, scene.Drift(shift=0.5), seed=2)
    calm.add(new)
    finding = judged(Window(0, 20, calm, new, 1))["drift_ks", "weight"]
    assert finding.large
    assert (finding.window.start_s, finding.window.end_s) == (19, 20)


def test_a_window_longer_than_a_pane_shows_what_one_pane_can_not() -> None:
    drift = scene.Drift(shift=0.15)
    long, new = scene.pane(LAYOUT, 20_000, drift, seed=1), scene.pane(LAYOUT, 600, drift, seed=2)
    finding = judged(Window(0, 10, long, new, 1), Sensitivity(min_effect=0.02))["drift_ks", "weight"]
    assert finding.large
    assert finding.window.start_s == 0


def test_a_change_too_small_to_matter_is_shown_and_not_large() -> None:
    finding = judged(scene.window_of(scene.pane(LAYOUT, 50_000, scene.Drift(shift=0.15))))["drift_ks", "weight"]
    assert finding.shown
    assert not finding.large


def test_a_table_of_keys_alone_has_nothing_to_ask() -> None:
    schema = type(scene.SCHEMA)("keys", scene.SCHEMA.columns[:1])
    layout = PaneLayout(schema, scene.profile())
    reference = scene.reference_of(layout, scene.pane(layout, 100))
    assert FixedWindow(layout, reference).judge(scene.window_of(scene.pane(layout, 1_000))) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"family_alpha": 0.0}, "family_alpha=0.0"),
        ({"family_alpha": 1.0}, "family_alpha=1.0"),
        ({"min_effect": -0.1}, "min_effect=-0.1"),
        ({"min_records": 0}, "min_records=0"),
    ],
)
def test_sensitivity_out_of_range_is_refused(given: dict[str, float], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Sensitivity(**given)  # type: ignore[arg-type]
