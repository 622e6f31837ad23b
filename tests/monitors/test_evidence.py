from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from monitors.evidence import Finding, Sensitivity, SequentialEvidence, Subject
from monitors.pane import Pane, PaneLayout
from monitors.reference import Reference
from monitors.window import Window
from schemas.errors import InputError
from schemas.table import TableSchema
from tests.monitors import scene, seen
from tests.monitors.seen import LAYOUT

Key = tuple[str, str]


def by_key(findings: list[Finding]) -> dict[Key, Finding]:
    return {(f.subject.metric, f.subject.column): f for f in findings}


def judged(panes: list[Pane], judge: SequentialEvidence) -> dict[Key, Finding]:
    """What is known after all of them."""
    found: dict[Key, Finding] = {}
    for window in seen.windows(panes):
        found = by_key(judge.judge(window))
    return found


def shown(findings: dict[Key, Finding]) -> set[Key]:
    return {key for key, finding in findings.items() if finding.shown}


def same(one: dict[str, npt.NDArray[Any]], other: dict[str, npt.NDArray[Any]]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_every_question_is_asked_of_the_columns_it_fits() -> None:
    assert set(seen.evidence().subjects) == {
        *(Subject("drift_ks", c) for c in ("weight", "pieces", "sent")),
        *(Subject("drift_chi_square", c) for c in ("size", "fragile")),
        *(Subject("drift_correlation", c) for c in ("weight", "pieces", "sent")),
        *(Subject("quality_null", c) for c in ("weight", "size", "note")),
        *(Subject("quality_unseen", c) for c in ("size", "fragile")),
        *(Subject("quality_violation", r) for r in ("range:pieces", "range:weight")),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [1_000_000, 30_000])
def test_nothing_is_shown_while_nothing_changes_however_small_the_reference(seed: int, rows: int) -> None:
    judge, calm = seen.evidence(seed, rows=rows), seen.panes(seed, 400)
    for window in seen.windows(calm):
        assert not shown(by_key(judge.judge(window)))
    assert judge.level < judge.threshold == pytest.approx(4)


@pytest.mark.parametrize(
    ("drift", "found", "within"),
    [
        (scene.Drift(shift=0.5), ("drift_ks", "weight"), 1),
        (scene.Drift(shift=0.15), ("drift_ks", "weight"), 6),
        (scene.Drift(swapped=0.1), ("drift_chi_square", "size"), 1),
        (scene.Drift(swapped=0.02), ("drift_chi_square", "size"), 12),
        (scene.Drift(nulls=0.3), ("quality_null", "weight"), 1),
        (scene.Drift(nulls=0.0), ("quality_null", "weight"), 1),
        (scene.Drift(new_size="XXL"), ("quality_unseen", "size"), 1),
    ],
)
def test_each_kind_of_change_is_found_in_time_and_nothing_else(drift: scene.Drift, found: Key, within: int) -> None:
    moved = seen.drifted(drift)
    judge = seen.evidence(4)
    changing = {"weight", "size"}  # the others' shares in the drifted sample err by chance alone
    mixed = {**seen.shares(), **{name: moved[name] for name in changing & {found[1]}}}
    findings = judged(seen.panes(4, 20 + within, lambda slot: mixed if slot >= 20 else seen.shares()), judge)
    assert shown(findings) == {found}
    assert judge.level > judge.threshold


def test_several_columns_that_change_at_once_are_all_named() -> None:
    moved = seen.drifted(scene.Drift(shift=0.5, swapped=0.1, nulls=0.3))
    mixed = {**seen.shares(), "weight": moved["weight"], "size": moved["size"]}
    findings = judged(seen.panes(1, 3, lambda slot: mixed), seen.evidence(1))
    assert shown(findings) == {("drift_ks", "weight"), ("drift_chi_square", "size"), ("quality_null", "weight")}


def test_a_small_change_is_shown_and_not_large_and_a_large_one_is_both() -> None:
    judge = seen.evidence(2)
    small = seen.shifted(0.03)
    finding = judged(seen.panes(2, 8, lambda slot: small, records=50_000), judge)["drift_ks", "weight"]
    assert finding.shown
    assert not finding.large
    large = seen.shifted(0.2)
    finding = judged(seen.panes(3, 2, lambda slot: large, records=50_000), judge)["drift_ks", "weight"]
    assert finding.large


def test_too_few_records_give_no_verdict_but_rules_are_facts() -> None:
    pane = scene.pane(LAYOUT, 499, scene.Drift(shift=3, pieces=9))
    findings = by_key(seen.evidence().judge(scene.window_of(pane)))
    assert findings["drift_ks", "weight"].quiet is None
    assert not findings["drift_ks", "weight"].shown
    assert findings["quality_violation", "range:pieces"].large


def test_slow_streams_are_judged_by_several_panes_together() -> None:
    far = seen.shifted(2)
    slow = seen.panes(0, 16, lambda slot: far, records=100)
    assert not shown(judged(slow[:15], seen.evidence()))
    assert shown(judged(slow, seen.evidence())) == {("drift_ks", "weight")}


def test_a_column_that_is_nearly_all_null_has_too_few_records_of_its_own() -> None:
    pane = scene.pane(LAYOUT, 2_000, scene.Drift(shift=3, nulls=0.9))
    findings = by_key(seen.evidence().judge(scene.window_of(pane)))
    assert findings["drift_ks", "weight"].quiet is None
    assert findings["quality_null", "weight"].large


def test_empty_panes_change_nothing() -> None:
    some = seen.panes(5, 30)
    judge, other = seen.evidence(5), seen.evidence(5)
    judged(some, judge)
    gaps = [Pane.empty(LAYOUT)] * 3
    findings = judged([*gaps, *some, *gaps], other)
    mine, its = judge.state, other.state
    for state in (mine, its):
        state.pop("starts_s")
    assert same(mine, its)
    assert {f.quiet for f in findings.values()} == {None}


def test_panes_of_any_size_add_up() -> None:
    rng = np.random.default_rng(8)
    judge = seen.evidence(8)
    for i in range(200):
        pane = scene.drawn(rng, LAYOUT, seen.shares(), int(rng.integers(0, 6_000)))
        assert not shown(by_key(judge.judge(Window(i, i + 1, pane, pane, 1.0))))


def test_a_state_taken_and_given_back_equals_never_having_stopped() -> None:
    moved = seen.shifted(0.1)
    some = seen.panes(6, 100, lambda slot: moved if slot > 85 else seen.shares())
    whole = seen.evidence(6)
    expected = judged(some, whole)
    first, second = seen.evidence(6), seen.evidence(6)
    judged(some[:70], first)
    second.restore(first.state)
    findings = {}
    for window in list(seen.windows(some))[70:]:
        findings = by_key(second.judge(window))
    assert same(second.state, whole.state)
    assert shown(findings) == shown(expected) == {("drift_ks", "weight")}
    assert findings["drift_ks", "weight"].window.start_s == expected["drift_ks", "weight"].window.start_s


def test_a_state_of_another_stream_is_refused() -> None:
    state = seen.evidence().state
    state["log_r"] = state["log_r"][1:]
    with pytest.raises(InputError, match="evidence log_r: is not of this stream"):
        seen.evidence().restore(state)


def test_the_order_of_columns_changes_nothing() -> None:
    turned = PaneLayout(TableSchema("parcels", scene.SCHEMA.columns[::-1]), scene.profile(), scene.RULES[::-1])
    some = seen.panes(7, 70)
    mirrored = []
    for pane in some:
        other = Pane.empty(turned)
        other.counts[0] = pane.records
        for name in turned.bins:
            other.counts[turned.cells[name]] = pane.column(name)
        mirrored.append(other)
    one = seen.evidence(7)
    counts = {name: one_counts.tolist() for name, one_counts in seen.reference(7).counts.items()}
    none = turned.rows.moments_of(np.zeros(turned.size, np.int64))
    known = {name: np.array(each) for name, each in counts.items()}
    reference = Reference("change", known, 1_000_000, moments=none)
    two = SequentialEvidence(turned, reference)
    judged(some, one)
    judged(mirrored, two)
    assert one.level == pytest.approx(two.level)
    order = [two.subjects.index(subject) for subject in one.subjects if subject.metric != "quality_violation"]
    assert two.state["log_r"][order] == pytest.approx(one.state["log_r"])


def test_what_is_forgotten_begins_anew_though_old_panes_are_still_at_hand() -> None:
    moved = seen.shifted(0.5)
    some = seen.panes(9, 80, lambda slot: moved if 10 <= slot < 20 else seen.shares())
    judge, subject = seen.evidence(9), Subject("drift_ks", "weight")
    assert shown(judged(some[:20], judge)) == {("drift_ks", "weight")}
    judge.forget(subject)
    for window in list(seen.windows(some))[20:]:
        assert not shown(by_key(judge.judge(window)))


def test_with_another_reference_no_window_looks_back_and_other_evidence_stays() -> None:
    moved = seen.shifted(0.5)
    judge, weight = seen.evidence(9), Subject("drift_ks", "weight")
    drifted = seen.panes(9, 20, lambda slot: moved if slot >= 10 else seen.shares())
    assert shown(judged(drifted, judge)) == {("drift_ks", "weight")}
    before = judge.state["log_r"]
    other = scene.reference_of(LAYOUT, scene.drawn(np.random.default_rng(5), LAYOUT, moved, 1_000_000))
    judge.begin_anew(other, lambda subject: subject == weight)
    after, i = judge.state["log_r"], judge.subjects.index(weight)
    assert (after[i] == -np.inf).all()
    assert np.array_equal(np.delete(after, i, 0), np.delete(before, i, 0))
    for window in seen.windows(seen.panes(10, 80, lambda slot: moved)):
        assert not shown(by_key(judge.judge(window)))
    assert ("drift_ks", "weight") in shown(judged(seen.panes(11, 3), judge))


@pytest.mark.parametrize("seed", [12, 13])
def test_a_slow_change_that_goes_on_is_not_quiet_before_as_many_panes_as_it_took(seed: int) -> None:
    judge, key = seen.evidence(seed), ("drift_ks", "weight")
    moved = seen.shifted(0.03)
    found = judged(seen.panes(seed, 150, lambda slot: moved if slot >= 10 else seen.shares()), judge)
    assert found[key].shown
    judge.begin_anew(seen.reference(seed), lambda subject: subject.column == "size")
    quiet = [by_key(judge.judge(w))[key].quiet for w in seen.windows(seen.panes(seed + 50, 16, lambda slot: moved))]
    assert quiet[:15] == [None] * 15


def test_facts_are_told_without_a_reference_and_leave_no_trace() -> None:
    judge = seen.evidence()
    before = judge.state
    findings = by_key(judge.facts(scene.window_of(scene.pane(LAYOUT, 600, scene.Drift(shift=3, pieces=9)))))
    assert set(findings) == {("quality_violation", rule) for rule in LAYOUT.rule_names}
    assert shown(findings) == {("quality_violation", "range:pieces")}
    assert same(judge.state, before)


def test_a_change_goes_quiet_at_the_pace_at_which_it_shows() -> None:
    key = ("drift_ks", "weight")
    for shift, most in ((0.5, 1), (0.1, 16)):
        moved = seen.shifted(shift)
        some = seen.panes(10, 70, lambda slot, m=moved: m if 10 <= slot < 40 else seen.shares())  # type: ignore[misc]
        judge, quiet = seen.evidence(10), []
        for window in seen.windows(some):
            finding = by_key(judge.judge(window))[key]
            quiet.append(finding.shown and bool(finding.quiet))
        assert not any(quiet[:40])
        assert all(quiet[40 + most :])


def test_dependence_makes_evidence_rest_on_less() -> None:
    subject = Subject("drift_ks", "weight")
    moved = seen.shifted(0.15)
    some = seen.panes(12, 6, lambda slot: moved)
    plain = seen.evidence(12)
    careful = SequentialEvidence(LAYOUT, seen.reference(12), inflation={subject: 20.0})
    assert shown(judged(some, plain)) == {("drift_ks", "weight")}
    assert not shown(judged(some, careful))


def test_a_rule_with_a_tolerated_rate_is_a_question_and_no_fact() -> None:
    rng = np.random.default_rng(13)
    judge = SequentialEvidence(LAYOUT, seen.reference(13), tolerated={"range:pieces": 1e-3})
    key = ("quality_violation", "range:pieces")
    kept: list[bool] = []
    broken: list[bool] = []
    for i in range(60):
        pane = scene.drawn(rng, LAYOUT, seen.shares(), 20_000)
        pane.counts[LAYOUT.violations.start] = rng.binomial(20_000, 1e-3 if i < 50 else 3e-3)
        finding = by_key(judge.judge(Window(i, i + 1, pane, pane, 1.0)))[key]
        (kept if i < 50 else broken).append(finding.shown)
    assert not any(kept)
    assert all(broken[5:])


def test_a_table_of_keys_alone_has_nothing_to_ask() -> None:
    layout = PaneLayout(type(scene.SCHEMA)("keys", scene.SCHEMA.columns[:1]), scene.profile())
    judge = SequentialEvidence(layout, scene.reference_of(layout, scene.pane(layout, 100)))
    assert judge.judge(scene.window_of(scene.pane(layout, 1_000))) == []
    assert judge.level == -np.inf


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"panes_per_false_alarm": 1.0}, "panes_per_false_alarm=1.0"),
        ({"min_effect": -0.1}, "min_effect=-0.1"),
        ({"min_records": 0}, "min_records=0"),
    ],
)
def test_sensitivity_out_of_range_is_refused(given: dict[str, float], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Sensitivity(**given)  # type: ignore[arg-type]
