import numpy as np
import pytest

from generators.latent.missing import MAX_PATTERNS, Patterns, missing_cells, patterns_of
from schemas.table import Column, Kind
from tests.generators.tables import table


def test_columns_that_go_missing_together_are_one_group() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    first, second = rng.random(2_000) < 0.1, rng.random(2_000) < 0.3
    cells = np.column_stack([np.zeros(2_000, bool), first, second, first | (rng.random(2_000) < 0.02)])
    groups, codes = patterns_of(cells)
    assert [g.columns.tolist() for g in groups] == [[1, 3], [2]]
    for group, of_row in zip(groups, codes, strict=True):
        assert group.shares.sum() == pytest.approx(1)
        assert (group.missing[of_row] == cells[:, group.columns]).all()
        assert np.bincount(of_row) / 2_000 == pytest.approx(group.shares)


def test_a_rare_pattern_joins_the_nearest() -> None:
    cells = np.array([[0, 0, 0]] * 20 + [[1, 1, 1]] * 20 + [[1, 1, 0]] * 4, bool)
    (group,), (codes,) = patterns_of(cells)
    assert group.missing.tolist() == [[False] * 3, [True] * 3]
    assert set(codes[40:]) == {1}


def test_columns_never_and_always_missing() -> None:
    cells = np.zeros((9, 2), bool)
    assert patterns_of(cells) == ([], [])
    cells[:, 1] = True
    (group,), _ = patterns_of(cells)
    assert (group.columns.tolist(), group.missing.tolist()) == ([1], [[True]])


def test_so_many_patterns_are_cut_and_few_rows_keep_one() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    shared = rng.random((4_000, 1)) < 0.5
    groups, _ = patterns_of(shared ^ (rng.random((4_000, 12)) < 0.15))
    assert max(len(g.shares) for g in groups) <= MAX_PATTERNS
    (few,), _ = patterns_of(np.array([[0], [1], [0]], bool))
    assert few.missing.tolist() == [[False]]


def test_not_a_number_is_missing_only_where_it_may_be() -> None:
    nan = float("nan")
    columns = [
        Column("x", Kind.NUMBER, nullable=True),
        Column("y", Kind.NUMBER),
        Column("c", Kind.CATEGORY, nullable=True),
    ]
    made, schema = table(
        [(columns[0], [nan, 1.0, None]), (columns[1], [nan, 1.0, 1.0]), (columns[2], ["a", None, "b"])]
    )
    assert missing_cells(made, schema).tolist() == [[True, False, False], [False, False, True], [True, False, False]]


def test_weights_read_back() -> None:
    group = Patterns(np.array([2, 5]), np.array([[True, False]]), np.array([1.0]))
    read = Patterns.from_weights(group.weights())
    assert read.missing.dtype == bool
    assert read.weights().keys() == group.weights().keys()
