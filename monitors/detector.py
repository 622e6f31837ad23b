"""Evidence that adds up: p-values become e-values, e-values add up over time, and an alarm's rate is promised.

A p-value that is valid under no change, whatever came before, becomes the e-value kappa p^(kappa - 1), whose mean is
at most 1. For every stream of e-values the Shiryaev-Roberts recursion R = (R + 1) e sums the evidence over every pane
at which a change might have begun, and R less the number of panes has mean at most 0. So has any weighted mean of such
sums, however the streams depend on each other, and the mean first reaches A after A panes or more on average (Shin,
Ramdas and Rinaldo, "E-detectors", 2022). There is no correction for the number of columns but that mean.

A stream is a subject at a scale and a phase. The window of the newest 16 panes is looked at in every pane; sixteen
streams take turns at it, so that within each no pane is counted twice, and whenever a change begins one of the streams
begins with it. An alarm that falls amid another stream's longer window is beyond the argument above, which needs every
window to end with it; `benchmarks.monitors` measures how often alarms are false with all of this in place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitors.distances import Numbers

SCALES = (1, 4, 16, 64)
"""How many panes are looked at together: few show large changes at once, many show small ones."""

KAPPA = 0.1
"""The calibrator's exponent: small ones pay for strong p-values, near 1 for many weak ones."""

PHASES = sum(SCALES)
"""Streams a subject has: at each scale as many as the scale has panes."""

_FIRST = np.concatenate([[0], np.cumsum(SCALES)[:-1]])
_LOG_WEIGHTS: Numbers = np.concatenate([np.full(s, -np.log(len(SCALES) * s)) for s in SCALES])


def log_e_value(log_p: Numbers) -> Numbers:
    """The logarithm of kappa p^(kappa - 1), the e-value of a p-value (Vovk and Wang 2021).

    >>> float(np.exp(log_e_value(np.log(np.array([1.0, 1e-4]))))[1].round(1))
    398.1
    """
    found: Numbers = np.log(KAPPA) + (KAPPA - 1) * log_p
    return found


def shiryaev_roberts(log_r: Numbers, log_e: Numbers) -> Numbers:
    """The logarithm of (R + 1) e.

    >>> r = shiryaev_roberts(np.log(np.array([3.0])), np.log(np.array([0.5])))
    >>> float(np.exp(r)[0].round(6))
    2.0
    """
    found: Numbers = np.logaddexp(log_r, 0.0) + log_e
    return found


def log_mean(log_values: Numbers, axis: int | None = None) -> Numbers:
    """The logarithm of the mean of what is given by its logarithms."""
    size = log_values.size if axis is None else log_values.shape[axis]
    found: Numbers = np.logaddexp.reduce(log_values, axis=axis) - np.log(max(size, 1))
    return found


def updated(log_r: Numbers, log_p: Numbers, told: npt.NDArray[np.bool_], pane: int) -> Numbers:
    """Every stream's evidence after a pane.

    Args:
        log_r: before it, shape (subjects, PHASES).
        log_p: of the windows that end with the pane, shape (scales, subjects).
        told: which of these windows are complete and hold enough records; the others change nothing.
        pane: the pane's number, which settles whose turn it is.
    """
    after = log_r.copy()
    turns = _FIRST + pane % np.array(SCALES)
    moved = shiryaev_roberts(log_r[:, turns], log_e_value(log_p.T))
    after[:, turns] = np.where(told.T, moved, log_r[:, turns])
    return after


def by_subject(log_r: Numbers) -> Numbers:
    """The logarithm of each subject's evidence: the mean over its scales of the means over their phases."""
    found: Numbers = np.logaddexp.reduce(log_r + _LOG_WEIGHTS, axis=1)
    return found


def named(evidence: Numbers, quiet: npt.NDArray[np.bool_], log_threshold: float) -> npt.NDArray[np.bool_]:
    """Which subjects an alarm is about, if there is one: mean evidence decides that, Benjamini-Hochberg decides which.

    Args:
        evidence: its logarithm, shape (subjects,).
        quiet: those without an alarm as yet; only their evidence counts towards a new one.
        log_threshold: what the mean must reach.

    Returns:
        The subjects newly in alarm, shape (subjects,): the k strongest, k the largest at which each has the threshold
        times subjects over k (Wang and Ramdas 2022); the strongest in any case.
    """
    counted = np.where(quiet, evidence, -np.inf)
    found = np.zeros(len(evidence), bool)
    if len(evidence) == 0 or log_mean(counted) < log_threshold:
        return found
    order = np.argsort(-counted, kind="stable")
    enough = counted[order] >= log_threshold + np.log(len(evidence) / np.arange(1, len(evidence) + 1))
    found[order[: max(int(np.flatnonzero(enough)[-1]) + 1 if enough.any() else 0, 1)]] = True
    return found
