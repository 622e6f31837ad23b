"""Pictures, advice and what learners are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stream_app.assessment.assessed import Assessed
from stream_app.assessment.causes import Finding, Kind
from stream_app.assessment.features import Features
from stream_app.assessment.fingerprints import equal_to_any, fingerprints
from stream_app.assessment.limits import Limits
from stream_app.assessment.nearest import Places, nearest
from stream_app.assessment.page import page
from stream_app.assessment.pictures import kept
from stream_app.assessment.recommendations import Source, advise
from stream_app.assessment.report import Report
from stream_app.assessment.tables import Tables
from stream_app.assessment.verdict import judge
from stream_app.commands.assess import LIMITS
from stream_app.standing.plots import bars, heatmap, histograms
from tests.stream_app.assessment.planted import people, tables_of


@pytest.fixture(scope="module")
def tables() -> Tables:
    return tables_of(people(300, 1), people(300, 2))


def test_a_page_of_no_numbers_is_a_page_and_names_are_not_markup(tables: Tables) -> None:
    nothing = Assessed(tables, (), {})
    source = Source(Path("real.csv"), Path("<b>.csv"))
    text = page(Report(nothing, judge(nothing, Limits()), (), (), source))
    assert text.startswith("<!doctype html>")
    assert "<b>.csv" not in text
    assert "&lt;b&gt;.csv" in text


def test_the_same_command_is_advised_once(tables: Tables) -> None:
    nothing = Assessed(tables, (), {})
    found = [Finding(Kind.SHARES, (name,), "") for name in ("city", "plan")] + [Finding(Kind.RULE, ("r",), "")]
    source = Source(Path("my real.csv"), Path("s.csv"), rules=Path("rules.yaml"))
    first, *others = advise(found, judge(nothing, Limits()), nothing, source)
    assert (first.subject, others) == ("city, plan, r", [])
    assert first.command.startswith("synthstream train 'my real.csv' --out 'my real-2'")
    assert first.command.endswith("--rules rules.yaml")


def test_every_limit_is_an_option() -> None:
    assert set(LIMITS) == set(Limits.__dataclass_fields__)


def test_bins_of_fewer_than_five_real_rows_are_left_out() -> None:
    assert kept(np.array([0, 4, 5, 900])).tolist() == [0, 0, 5, 900]


def test_pictures_hold_what_they_are_given() -> None:
    drawn = histograms(np.array([0.5, 0.5]), np.array([1.0, 0.0]), ("<1", ">2"), "x & y")
    assert "x &amp; y" in drawn
    assert "&lt;1" in drawn
    assert bars([("a", 0.25, 0.5)], 0.5, "shares").count("<rect") == 2
    gaps = np.array([[np.nan, 0.2], [0.2, np.nan]])
    assert heatmap(["a", "b"], gaps, "pairs").count('class="gap"') == 2


def test_the_nearest_row_of_a_table_is_the_row_itself(tables: Tables) -> None:
    every = np.arange(300)
    own = Places.of(tables.real, every, tables.real)
    assert nearest(own, own).max() == 0
    assert nearest(Places.of(tables.synthetic, every, tables.real), own).max() > 0


def test_equal_rows_have_equal_fingerprints(tables: Tables) -> None:
    words = fingerprints(tables.real)
    assert equal_to_any(words[::-1], words).all()
    assert not equal_to_any(words, words[:0]).any()
    assert len(np.unique(words)) == 300


def test_learners_are_given_every_column_but_the_target(tables: Tables) -> None:
    features, rows = Features(tables, "left"), np.arange(300)
    trees = features.for_trees(tables.real, rows)
    assert trees.shape == (300, 5)
    assert features.categorical == [False, False, False, True, True]
    missing = tables.real.table.column("pay").null_count
    assert np.isnan(trees).sum() == missing
    lines = features.for_lines(tables.real, rows)
    assert np.isfinite(lines).all()
    assert len(lines) == 300
