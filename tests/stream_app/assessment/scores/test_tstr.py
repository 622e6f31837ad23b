"""Learning from synthetic rows in place of real ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from stream_app.assessment.scores.tstr import MOST_CLASSES, SCORE, classes_of, explained, mean_area
from tests.stream_app.assessment.planted import people, put, rng_of, shuffled, tables_of

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra `assess`")


@pytest.mark.parametrize("target", ["left", "city", "size"])
def test_a_shuffled_target_teaches_nothing_and_an_honest_one_as_much(target: str) -> None:
    real, honest, holdout = (people(1_000, seed) for seed in (1, 2, 3))
    loose = SCORE.measure(tables_of(real, shuffled(honest, target), holdout, target))
    fair = SCORE.measure(tables_of(real, honest, holdout, target))
    assert [each.subject for each in fair][1:] == [each.subject for each in loose][1:]
    assert loose[0].of.low > 0.1
    assert fair[0].of.low < 0.05
    assert fair[0].facts["measure"] == ("R²" if target == "size" else "ROC AUC")


def test_synthetic_rows_of_one_class_lose_all() -> None:
    real, holdout = people(600, 1), people(600, 3)
    one = put(people(600, 2), "left", pa.array([True] * 600))
    assert SCORE.measure(tables_of(real, one, holdout, "left"))[0].facts["tstr"] == 0.5


def test_a_holdout_of_one_class_tests_nothing() -> None:
    holdout = put(people(600, 3), "left", pa.array([True] * 600))
    assert SCORE.measure(tables_of(people(600, 1), people(600, 2), holdout, "left")) == []


def test_the_rarest_of_many_classes_are_one() -> None:
    names = [f"c{i:02}" for i in range(30) for _ in range(60 - i)]
    table = pa.table({"x": pa.array(rng_of(1).normal(size=len(names))), "c": pa.array(names).dictionary_encode()})
    classes = classes_of(tables_of(table, table), "c")
    assert classes.max() == MOST_CLASSES - 1
    assert sorted(np.unique(classes).tolist()) == list(range(MOST_CLASSES))


@pytest.mark.filterwarnings("error")
def test_a_column_that_is_empty_on_one_side_teaches_nothing() -> None:
    real, holdout = people(600, 1), people(600, 3)
    empty = put(people(600, 2), "pay", pa.array([None] * 600, pa.float64()))
    assert SCORE.measure(tables_of(real, empty, holdout, "left"))[0].of.low < 1.0


def test_areas_are_averaged_over_classes_and_r2_is_not_below_0() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2])
    assert mean_area(np.eye(3)[labels], labels)[0] == 1.0
    values = rng_of(1).normal(size=50)
    assert explained(values, values)[0] == 1.0
    assert explained(-values, values)[0] == 0.0
    assert explained(values, np.ones(50))[0] == 0.0
