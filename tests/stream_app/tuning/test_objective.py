"""What a search makes small is 0 of real rows, and grows with what is wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.inference import Choices, conform, infer
from stream_app.tuning import objective as judging
from stream_app.tuning.objective import Loss, Objective, digest, parted, some
from tests.stream_app.assessment.planted import people, schema_of, shuffled

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra `tune`")


@cache
def objective(target: str | None = "left") -> Objective:
    schema = schema_of(people(800, 1), target)
    learned, held = (conform(people(rows, seed), schema) for rows, seed in ((800, 1), (600, 2)))
    return Objective(schema, learned, held, target)


def loss_of(rows: pa.Table, target: str | None = "left") -> Loss:
    return objective(target).of_rows(conform(rows, objective(target).schema), 30.0)


def test_where_no_column_is_learned_nothing_is_searched() -> None:
    table = pa.table({"note": [f"no {i} is as {i * i}" for i in range(600)]})
    schema = infer(table, "notes", choices=Choices(text=frozenset({"note"})))
    rows = conform(table, schema)
    with pytest.raises(InputError, match="no column is learned"):
        Objective(schema, rows, rows).check()


def test_real_rows_are_near_nothing_and_shuffled_ones_far() -> None:
    real = loss_of(people(800, 3))
    broken = loss_of(shuffled(people(800, 3), *people(10, 3).column_names))
    assert real.told_apart is not None
    assert broken.told_apart is not None
    assert real.told_apart < 0.1 < broken.told_apart
    assert real.pairs < 0.08 < broken.pairs
    assert real.learning is not None
    assert broken.learning is not None
    assert real.learning < 0.05 < broken.learning
    assert real.total(0.0) + 0.5 < broken.total(0.0)
    assert real.total(0.1) == pytest.approx(real.total(0.0) + 0.05)  # half a minute


def test_without_a_target_nothing_is_learned() -> None:
    found = loss_of(people(300, 3), None)
    assert found.learning is None
    assert found.to_json()["learning"] is None


def test_without_learners_only_pairs_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "find_spec", lambda name: None)
    found = loss_of(people(300, 3))
    assert (found.told_apart, found.learning, found.total(0.0)) == (None, None, found.pairs)


@pytest.mark.parametrize(("learned", "held"), [(99, 200), (200, 99)])
def test_too_few_rows_are_refused(learned: int, held: int) -> None:
    schema = schema_of(people(200, 1))
    rows = conform(people(200, 1), schema)
    with pytest.raises(InputError, match="too few to tell settings apart; expected 100 of each"):
        Objective(schema, rows.slice(0, learned), rows.slice(0, held)).check()


def test_no_row_is_learned_from_and_held_back() -> None:
    table = pa.table({"n": list(range(1_000))})
    learned, held = parted(table, 600, 5)
    assert (learned.num_rows, held.num_rows) == (600, 200)
    assert not set(learned.column("n").to_pylist()) & set(held.column("n").to_pylist())
    assert parted(table, 600, 5)[1].equals(held)
    assert not parted(table, 600, 6)[1].equals(held)
    assert some(held, 200, 0) is held
    few: list[Any] = some(table, 10, 0).column("n").to_pylist()
    assert (len(set(few)), few) == (10, sorted(few))
    assert digest(held) == digest(held.slice(0)) != digest(learned)
