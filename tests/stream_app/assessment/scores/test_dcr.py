"""Distance to the closest record."""

from __future__ import annotations

import pyarrow as pa

from stream_app.assessment.scores.dcr import SCORE
from tests.stream_app.assessment.planted import people, put, tables_of


def test_near_copies_are_seen_and_honest_rows_are_not() -> None:
    real, other, holdout = (people(1_500, seed) for seed in (1, 2, 3))
    moved = put(real, "size", pa.array(real["size"].to_numpy() + 0.1))
    (found,), (honest,) = (SCORE.measure(tables_of(real, each, holdout)) for each in (moved, other))
    assert found.of.low > 0.5
    assert honest.of.low < 0.05 < honest.of.high
    assert honest.holdout is not None
    assert honest.holdout.value == 0.05
    assert list(honest.facts["curves"]["synthetic"]) == sorted(honest.facts["curves"]["synthetic"])
