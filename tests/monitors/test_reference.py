from __future__ import annotations

import numpy as np
import pytest

from monitors.reference import CHANGE, FIDELITY, change_reference, fidelity_reference
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()
PANE = scene.pane(LAYOUT, 900)
COUNTS = {name: PANE.column(name).tolist() for name in LAYOUT.bins}


def test_the_change_reference_holds_the_counts_it_is_given() -> None:
    reference = change_reference(LAYOUT, {**COUNTS, "gone": [1]})
    assert (reference.name, reference.rows) == (CHANGE, 900)
    assert reference.counts["size"].tolist() == COUNTS["size"]
    assert "gone" not in reference.counts


def test_a_reference_that_does_not_fit_is_refused_with_every_fault() -> None:
    wrong = {**COUNTS, "size": COUNTS["size"][:-1]}
    del wrong["weight"]
    with pytest.raises(InputError) as caught:
        change_reference(LAYOUT, wrong)
    assert caught.value.faults == (
        "reference column=weight: is missing; train the model again",
        "reference column=size: has 5 cells, expected 6; train the model again",
    )


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="must be the same for every column"):
        change_reference(LAYOUT, {**COUNTS, "size": [1] * len(COUNTS["size"])})


def test_the_fidelity_reference_is_the_profile_in_whole_rows() -> None:
    profile = scene.profile()
    reference = fidelity_reference(LAYOUT, profile)
    assert (reference.name, reference.rows) == (FIDELITY, 20_000)
    for name, bins in LAYOUT.bins.items():
        counts = reference.counts[name]
        assert counts.dtype == np.int64
        assert counts.sum() == 20_000
        assert np.abs(counts - bins.expected * 20_000).max() < 1
