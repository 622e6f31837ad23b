"""Bands say what a table's windows show, stay where they are until it is over, and are false as rarely as promised."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from monitors.advice import Advising
from monitors.bands import Band, Bands, ColumnVerdict, Tolerance, Verdict
from monitors.pane import Pane
from monitors.two_samples import Change
from schemas.errors import InputError
from tests.monitors.scene import Drift, batch, layout, pane, pane_of, pane_with

CELLS = layout()
PANES, ROWS = 10, 500


class Sliding:
    """A window of `PANES` panes over one feed's rows."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._panes: list[Pane] = []

    def next(self, drift: Drift | None = None) -> Pane:
        """The window once another pane came."""
        self._panes.append(pane_of(CELLS, batch(self._rng, ROWS, drift)))
        window = Pane.empty(CELLS)
        for each in self._panes[-PANES:]:
            window.counts += each.counts
        return window


def test_calm_windows_are_never_worse_and_a_shift_brings_one_advice_within_the_window() -> None:
    real, synthetic, bands, advising = Sliding(1), Sliding(2), Bands(CELLS, Tolerance()), Advising()
    near = Drift(shift=0.05)  # a generator is never quite like the table
    for _ in range(300):
        verdict = bands.judge(real.next(), synthetic.next(near))
        assert verdict.band <= Band.REPRESENTS
        assert advising.update(verdict) is None
    assert verdict.band is Band.REPRESENTS
    given = [advising.update(bands.judge(real.next(Drift(shift=1.0)), synthetic.next(near))) for _ in range(2 * PANES)]
    (advice,) = [each for each in given if each is not None]
    assert given.index(advice) < PANES
    assert list(advice.columns) == ["weight"]
    assert advice.columns["weight"].band is Band.LOST
    assert Change.DISTRIBUTION in advice.columns["weight"].changes
    for _ in range(2 * PANES):
        last = bands.judge(real.next(), synthetic.next(near))
        assert advising.update(last) is None
    assert (last.band, advising.open, advising.given) == (Band.REPRESENTS, False, 1)


def test_a_difference_that_lies_between_the_boundaries_is_drifting() -> None:
    verdict = Bands(CELLS, Tolerance()).judge(pane(CELLS, 20_000, Drift(shift=0.25), seed=1), pane(CELLS, 20_000))
    assert (verdict.band, verdict.worst()) == (
        Band.DRIFTING,
        {"weight": ColumnVerdict(Band.DRIFTING, (Change.DISTRIBUTION,))},
    )


def shares(high: float, rows: int = 40_000) -> Pane:
    """Parcels of which so many are large."""
    return pane_with(CELLS, "size", {"L": round(high * rows), "S": rows - round(high * rows)})


def sizes(*given: float) -> list[Band]:
    """The bands of `size` while so many more parcels of the real feed are large."""
    bands = Bands(CELLS, Tolerance(clear_after=2))
    return [bands.judge(shares(0.3 + each), shares(0.3)).columns["size"].band for each in given]


def test_a_band_gets_worse_at_once_and_better_only_after_some_windows_within_it() -> None:
    lost, drifting, fine = Band.LOST, Band.DRIFTING, Band.REPRESENTS
    assert sizes(0, 0.2, 0.11, 0.2, 0, 0) == [fine, lost, lost, lost, lost, fine]
    assert sizes(0.2, 0.07, 0, 0, 0) == [lost, lost, drifting, drifting, fine]
    assert sizes(0.08, 0, 0.08, 0, 0) == [drifting, drifting, drifting, drifting, fine]
    assert sizes(0.06, 0.06) == [fine, fine]  # it may lie within 0.05


def test_with_too_few_records_a_column_is_unknown_and_so_is_a_table_of_such() -> None:
    bands = Bands(CELLS, Tolerance())
    few = bands.judge(pane(CELLS, 300, seed=1), pane(CELLS, 300, seed=2))
    assert (few.columns["weight"].band, few.columns["id"].band) == (Band.UNKNOWN, Band.REPRESENTS)
    assert few.band is Verdict({}).band is Band.UNKNOWN
    after = bands.judge(Pane.empty(CELLS), Pane.empty(CELLS))
    assert after == few == bands.verdict()
    much = bands.judge(pane(CELLS, 10_000, seed=1), pane(CELLS, 10_000, seed=2))
    assert {column.band for column in much.columns.values()} == {Band.REPRESENTS}


def test_windows_that_can_tell_nothing_make_nothing_better() -> None:
    bands = Bands(CELLS, Tolerance())
    assert bands.judge(shares(0.5), shares(0.3)).columns["size"].band is Band.LOST
    for _ in range(5):
        last = bands.judge(shares(0.3, 10), shares(0.3, 10))
    assert last.columns["size"].band is Band.LOST
    for _ in range(3):
        last = bands.judge(shares(0.3), shares(0.3))
    assert last.columns["size"].band is Band.REPRESENTS


def test_one_lost_column_makes_a_lost_table_and_comes_first() -> None:
    columns = {
        "a": ColumnVerdict(Band.REPRESENTS),
        "b": ColumnVerdict(Band.DRIFTING, (Change.NULLS,)),
        "c": ColumnVerdict(Band.LOST, (Change.SHARES,)),
        "d": ColumnVerdict(Band.UNKNOWN),
    }
    assert Verdict(columns).band is Band.LOST
    assert list(Verdict(columns).worst()) == ["c", "b"]
    assert [band.words for band in Band] == ["unknown", "represents", "drifting", "no longer represents"]


def table(band: Band) -> Verdict:
    return Verdict({"a": ColumnVerdict(band, (Change.NULLS,) if band > 0 else ())})


def test_advice_is_given_once_an_episode() -> None:
    advising = Advising(after=2)
    courses: list[tuple[Band, bool, bool]] = [
        (Band.LOST, False, False),
        (Band.DRIFTING, False, False),
        (Band.LOST, False, False),
        (Band.LOST, True, True),
        (Band.LOST, False, True),
        (Band.DRIFTING, False, True),
        (Band.LOST, False, True),
        (Band.LOST, False, True),
        (Band.REPRESENTS, False, False),
        (Band.LOST, False, False),
        (Band.LOST, True, True),
    ]
    for band, given, is_open in courses:
        assert (advising.update(table(band)) is not None, advising.open) == (given, is_open)
    assert advising.given == 2


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Tolerance(drifting=0.2), "drifting=0.2"),
        (lambda: Tolerance(drifting=0), "drifting=0"),
        (lambda: Tolerance(lost=1), "lost=1"),
        (lambda: Tolerance(windows_per_false_band=1), "windows_per_false_band=1"),
        (lambda: Tolerance(clear_after=0), "clear_after=0"),
        (lambda: Advising(0), "after=0"),
    ],
)
def test_settings_out_of_range_are_refused(build: Callable[[], object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        build()
