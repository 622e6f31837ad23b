"""Laws over every metric there is."""

from __future__ import annotations

import re
from math import isnan
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

import monitors
from monitors.metric import Metric, Scope
from monitors.pane import Pane
from tests.monitors import scene

LAYOUT = scene.layout()
SEVERAL = [(name, seed) for name in monitors.names() for seed in range(3)]
SKETCHED = ("quality.cardinality", "quality.uniqueness")  # the error is the sketch's own
COUNT_SILENCE = ("flow.throughput", "flow.throughput_to_intent")
DRIFTS = (scene.Drift(), scene.Drift(0.7, 0.5, "XXL", 0.1, 9), scene.Drift(1e6, 1.0))


def subjects(metric: Metric) -> tuple[str, ...]:
    return metric.subjects(LAYOUT)


@pytest.mark.parametrize("name", monitors.names())
def test_it_declares_itself(name: str) -> None:
    metric = monitors.load(name)
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", metric.NAME)
    assert metric.NAME.startswith(name.split(".", maxsplit=1)[0])
    assert metric.HELP.endswith(".")
    assert metric.SOURCE
    assert metric.APPLIES
    assert metric.RANGE[0] < metric.RANGE[1]
    assert subjects(metric)
    assert (metric.SCOPE is Scope.COLUMN) >= metric.COMPARES


def test_no_two_metrics_share_a_name_or_an_alert() -> None:
    every = [monitors.load(name) for name in monitors.names()]
    assert len({metric.NAME for metric in every}) == len(every)
    alerts = [metric.ALERT.name for metric in every if metric.ALERT is not None]
    assert len(set(alerts)) == len(alerts)


@pytest.mark.parametrize(("name", "seed"), SEVERAL)
@pytest.mark.parametrize("rows", [1, 2, 700])
def test_values_and_intervals_lie_in_the_range(name: str, seed: int, rows: int) -> None:
    metric, pane = monitors.load(name), scene.pane(LAYOUT, rows, DRIFTS[seed], seed)
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 5_000, seed=9))
    low, high = metric.RANGE
    for subject in subjects(metric):
        estimate = metric.estimate(scene.window_of(pane), reference, subject)
        assert estimate.n <= rows
        if not isnan(estimate.value):
            assert low <= estimate.low <= estimate.value <= estimate.high <= high


@pytest.mark.parametrize("name", monitors.names())
def test_an_empty_window_has_no_value_or_a_count_of_none(name: str) -> None:
    metric, pane = monitors.load(name), Pane.empty(LAYOUT)
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 5_000))
    for subject in subjects(metric):
        estimate = metric.estimate(scene.window_of(pane), reference, subject)
        assert estimate.n == 0
        assert isnan(estimate.value) or (name in COUNT_SILENCE and estimate.value == 0)


@pytest.mark.parametrize("name", monitors.names())
def test_a_window_is_at_no_distance_from_itself(name: str) -> None:
    metric, pane = monitors.load(name), scene.pane(LAYOUT, 3_000)
    for subject in subjects(metric) if metric.COMPARES else ():
        estimate = metric.estimate(scene.window_of(pane), scene.reference_of(LAYOUT, pane), subject)
        assert estimate.value == pytest.approx(0, abs=1e-12)
        assert estimate.low == 0


@pytest.mark.parametrize("name", monitors.names())
def test_it_does_not_depend_on_the_order_of_records(name: str) -> None:
    metric, rows = monitors.load(name), scene.batch(np.random.default_rng(2), 400)
    turned = rows.take(np.arange(400)[::-1])
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 5_000))
    for subject in subjects(metric):
        one, two = (
            metric.estimate(scene.window_of(scene.pane_of(LAYOUT, batch)), reference, subject)
            for batch in (rows, turned)
        )
        assert repr(one) == repr(two)


@pytest.mark.parametrize("name", monitors.names())
def test_more_records_narrow_the_interval(name: str) -> None:
    metric = monitors.load(name)
    reference = scene.reference_of(LAYOUT, scene.pane(LAYOUT, 300_000, seed=9))
    small, large = (scene.pane(LAYOUT, rows, scene.Drift(0.5, 0.3, None, 0.1, 9)) for rows in (1_000, 100_000))
    for pane, rows in ((small, 1_000), (large, 100_000)):
        pane.publish_delays[50:60] = pane.lateness[50:60] = rows // 10
        pane.counts[LAYOUT.sequences] = [rows, rows // 50, 0, rows // 100]
        pane.counts[LAYOUT.told] = [rows // 2, rows // 4, rows // 4]
    for subject in subjects(metric):
        wide, narrow = (
            metric.estimate(scene.window_of(pane, seconds), reference, subject)
            for pane, seconds in ((small, 1.0), (large, 100.0))
        )
        assert name in SKETCHED or narrow.high - narrow.low <= wide.high - wide.low


@pytest.mark.parametrize("name", monitors.names())
def test_it_pickles(name: str) -> None:
    back = ForkingPickler.loads(ForkingPickler.dumps(monitors.load(name)))
    assert back.NAME == monitors.load(name).NAME
