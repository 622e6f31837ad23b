from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitors.pane import PaneLayout
from monitors.reference import CHANGE, FIDELITY, change_reference, fidelity_reference
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()
PANE = scene.pane(LAYOUT, 900)
COUNTS = LAYOUT.rows.read(PANE.counts)
COLUMNS = COUNTS.columns


def test_the_change_reference_holds_the_counts_it_is_given() -> None:
    more = {**COLUMNS, "gone": np.ones(1, np.int64)}
    reference = change_reference(LAYOUT, replace(COUNTS, columns=more))
    assert (reference.name, reference.rows) == (CHANGE, 900)
    assert reference.counts["size"].tolist() == COLUMNS["size"].tolist()
    assert "gone" not in reference.counts
    assert reference.pairs["size", "fragile"].sum() == 900
    assert reference.moments is not None
    assert reference.moments.gram.tolist() == PANE.moments.gram.tolist()


def test_a_layout_of_fewer_columns_takes_what_is_its() -> None:
    fewer = PaneLayout(scene.SCHEMA, scene.profile(), event_time="weight", pairs=scene.PAIRS)
    reference = change_reference(fewer, COUNTS)
    assert tuple(reference.pairs) == fewer.pairs == (("size", "fragile"),)
    assert reference.moments is not None
    assert reference.moments.columns == ("pieces", "sent")
    again = scene.pane_of(fewer, scene.batch(np.random.default_rng(0), 900))
    assert reference.moments.gram.tolist() == again.moments.gram.tolist()


def test_a_reference_that_does_not_fit_is_refused_with_every_fault() -> None:
    wrong = {**COLUMNS, "size": COLUMNS["size"][:-1]}
    del wrong["weight"]
    with pytest.raises(InputError) as caught:
        change_reference(LAYOUT, replace(COUNTS, columns=wrong))
    assert caught.value.faults == (
        "reference column=weight: is missing; train the model again",
        "reference column=size: has 5 cells, expected 6; train the model again",
    )


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="must be the same for every column"):
        change_reference(LAYOUT, replace(COUNTS, columns={**COLUMNS, "size": np.ones_like(COLUMNS["size"])}))


def test_pairs_and_moments_that_are_missing_are_refused() -> None:
    fewer = COUNTS.moments.of(["pieces", "sent"])
    with pytest.raises(InputError) as caught:
        change_reference(LAYOUT, replace(COUNTS, pairs={}, moments=fewer))
    assert caught.value.faults == (
        "reference pair=size, fragile: is missing, or its cells are others; train the model again",
        "reference pair=weight, pieces: is missing, or its cells are others; train the model again",
        "reference moments=weight: are missing; train the model again",
    )


def test_the_fidelity_reference_is_the_profile_in_whole_rows() -> None:
    profile = scene.profile()
    reference = fidelity_reference(LAYOUT, profile)
    assert (reference.name, reference.rows, reference.pairs, reference.moments) == (FIDELITY, 20_000, {}, None)
    for name, bins in LAYOUT.bins.items():
        counts = reference.counts[name]
        assert counts.dtype == np.int64
        assert counts.sum() == 20_000
        assert np.abs(counts - bins.expected * 20_000).max() < 1
