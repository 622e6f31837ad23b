from __future__ import annotations

import numpy as np
import pytest

from monitors.detector import KAPPA, PHASES, SCALES, by_subject, log_e_value, log_mean, named, shiryaev_roberts, updated

FIRST = [0, 1, 5, 21]
"""Where the phases of each scale begin."""


def test_an_e_value_has_mean_one_under_uniform_p_values() -> None:
    p = (np.arange(2_000_000) + 0.5) / 2_000_000
    total = np.exp(log_e_value(np.log(p))).mean()
    head = (1 / 2_000_000) ** KAPPA  # what the integral has below the first p-value, most of which the sum misses
    assert 1 - head < total < 1


def test_evidence_of_three_panes_by_hand() -> None:
    log_r = np.array([-np.inf])
    for e in (2.0, 0.5, 4.0):
        log_r = shiryaev_roberts(log_r, np.log(np.array([e])))
    assert np.exp(log_r)[0] == pytest.approx(((1 * 2 + 1) * 0.5 + 1) * 4)


def test_a_scale_takes_its_phases_in_turns() -> None:
    log_r = np.full((1, PHASES), -np.inf)
    log_p = np.log(np.array([[0.1], [0.01], [1.0], [1.0]]))
    told = np.ones((4, 1), bool)
    for pane in range(5):
        log_r = updated(log_r, log_p, told, pane)
    e1, e4 = np.exp(log_e_value(np.log(np.array([0.1, 0.01]))))
    single = 0.0
    for _ in range(5):
        single = (single + 1) * e1
    r = np.exp(log_r[0])
    assert r[0] == pytest.approx(single)
    assert r[1:5] == pytest.approx([(e4 + 1) * e4, e4, e4, e4])
    assert (r[FIRST[2] : FIRST[2] + 5] > 0).all()
    assert (r[FIRST[2] + 5 : FIRST[3]] == 0).all()


def test_what_is_not_told_changes_nothing() -> None:
    log_r = np.random.default_rng(0).normal(size=(3, PHASES))
    assert (updated(log_r, np.full((4, 3), -50.0), np.zeros((4, 3), bool), 7) == log_r).all()


def test_scales_weigh_alike_whatever_their_phases() -> None:
    log_r = np.full((len(SCALES), PHASES), -np.inf)
    for row, (first, scale) in enumerate(zip(FIRST, SCALES, strict=True)):
        log_r[row, first : first + scale] = np.log(8.0)
    assert np.exp(by_subject(log_r)) == pytest.approx(2.0)


def test_a_mean_of_logarithms_is_that_of_the_numbers() -> None:
    assert np.exp(log_mean(np.log(np.array([1.0, 2.0, 6.0])))) == pytest.approx(3)
    assert log_mean(np.array([-np.inf, -np.inf])) == -np.inf


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((1.0, 1.0, 39.0, 1.0), ()),
        ((1.0, 1.0, 399.0, 1.0), (2,)),
        ((300.0, 1.0, 300.0, 1.0), (0, 2)),
        ((100.0, 100.0, 100.0, 100.0), (0, 1, 2, 3)),
        ((1e5, 150.0, 150.0, 1.0), (0, 1, 2)),
        ((1e5, 90.0, 90.0, 90.0), (0,)),
        ((399.9, 0.0, 0.0, 0.9), (0,)),
    ],
)
def test_the_mean_decides_whether_and_benjamini_hochberg_decides_who(
    evidence: tuple[float, ...], expected: tuple[int, ...]
) -> None:
    with np.errstate(divide="ignore"):
        found = named(np.log(np.array(evidence)), np.ones(4, bool), np.log(100.0))
    assert tuple(np.flatnonzero(found)) == expected


def test_what_is_in_alarm_counts_no_longer() -> None:
    evidence = np.log(np.array([1e9, 1.0, 300.0, 1.0]))
    calm = np.array([False, True, True, True])
    assert not named(evidence, calm, np.log(100.0)).any()
    evidence[2] = np.log(500.0)
    assert np.flatnonzero(named(evidence, calm, np.log(100.0))).tolist() == [2]


def test_without_subjects_there_is_no_alarm() -> None:
    assert named(np.zeros(0), np.zeros(0, bool), 1.0).shape == (0,)
