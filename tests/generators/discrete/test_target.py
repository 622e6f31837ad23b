"""Who draws the target: rows held back decide."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from generators.discrete import target
from generators.discrete.autoregressive import Network, Walk, nothing_direct
from generators.discrete.boosting import fit_trees
from generators.discrete.cells import Cells, Codes, cells_of
from generators.discrete.target import OF_TRAINING, Contest, Growth, contest_of, fit_head, target_of
from generators.discrete.trees import Head, Trees
from schemas.profile import profile_table
from schemas.table import Column, Kind, Role, TableSchema
from tests.generators.tables import Made, table

ROWS = 2_000
ORDER, TARGET = np.array([0, 2, 1]), 1
HELD_BACK = np.arange(0, ROWS, 10)


def interaction(noise: float, rows: int = ROWS) -> Made:
    """A target that follows from two columns together and from neither alone, but for so much noise."""
    rng = np.random.Generator(np.random.PCG64(3))
    n, flag = rng.normal(0, 1, rows).round(2), rng.random(rows) < 0.5
    told = ((n > 0) ^ flag) ^ (rng.random(rows) < noise)
    return table(
        [
            (Column("n", Kind.NUMBER, decimals=2), n.tolist()),
            (Column("t", Kind.CATEGORY, role=Role.TARGET), ["yes" if t else "no" for t in told]),
            (Column("flag", Kind.BOOLEAN), flag.tolist()),
        ]
    )


def in_cells(made: Made) -> tuple[Cells, Codes]:
    profile = profile_table(*made)
    cells = cells_of(made[1], profile, 30)
    return cells, cells.codes(*made, profile)


def ignorant(cells: Cells) -> Walk:
    """Knows of marginals and nothing else."""
    width, v, d = 4, len(cells.share), len(cells.columns)
    shapes = {"embeddings": (v, width), "starts": (d, width), "norm": (2, width), "mixing": (width, width)}
    zeros = {name: np.zeros(shape, np.float32) for name, shape in {**shapes, "shift": (width,)}.items()}
    biases = np.log(cells.share).astype(np.float32)
    frequent, direct = nothing_direct(v)
    outputs = np.zeros((v, width), np.float32)
    return Network(**zeros, outputs=outputs, biases=biases, frequent=frequent, direct=direct).walk(cells.first)


def test_trees_that_tell_more_take_over_and_their_marginal_is_the_tables(caplog: pytest.LogCaptureFixture) -> None:
    cells, codes = in_cells(interaction(0.1))
    with caplog.at_level(logging.INFO):
        trees, found = fit_head(codes, cells, TARGET, ORDER, ignorant(cells), HELD_BACK, Growth(0))
    assert trees is not None
    head = found["head"]
    assert head["drawn_by"] == "trees"
    assert head["rows"] == len(HELD_BACK)
    assert head["network_nats"] == pytest.approx(np.log(2), abs=0.02)
    assert head["trees_nats"] == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1), abs=0.1)
    assert "'drawn_by': 'trees'" in caplog.text
    chances = Head(trees).chances(codes).mean(axis=0)
    assert chances == pytest.approx(cells.share[cells.first[1] : cells.first[2]], abs=0.02)


def test_trees_that_tell_nothing_more_do_not() -> None:
    cells, codes = in_cells(interaction(0.5))
    trees, found = fit_head(codes, cells, TARGET, ORDER, ignorant(cells), HELD_BACK, Growth(0))
    assert trees is None
    assert found["head"]["drawn_by"] == "network"
    assert found["head"]["trees_nats"] == pytest.approx(np.log(2), abs=0.03)


def test_the_rows_that_decide_are_not_learned_from() -> None:
    cells, codes = in_cells(interaction(0.1))
    codes[HELD_BACK, TARGET] ^= 1  # where the target says the contrary
    trees, found = fit_head(codes, cells, TARGET, ORDER, ignorant(cells), HELD_BACK, Growth(0))
    assert trees is None
    assert found["head"]["trees_nats"] > 1


def test_few_rows_decide_nothing() -> None:
    cells, codes = in_cells(interaction(0.0))
    network = ignorant(cells)
    assert fit_head(codes, cells, TARGET, ORDER, network, HELD_BACK[:49], Growth(0)) == (None, {})
    codes[HELD_BACK[:2], TARGET] = -1  # their target is not known
    assert fit_head(codes, cells, TARGET, ORDER, network, HELD_BACK[:51], Growth(0)) == (None, {})


def test_the_same_seed_decides_the_same() -> None:
    cells, codes = in_cells(interaction(0.1, 900))
    held_back = HELD_BACK[:90]
    first, again = (fit_head(codes, cells, TARGET, ORDER, ignorant(cells), held_back, Growth(4)) for _ in range(2))
    assert first[0] is not None
    assert again[0] is not None
    assert first[1] == again[1]
    for name, array in first[0].weights().items():
        assert array.tobytes() == again[0].weights()[name].tobytes()


def test_a_contest_is_decided_by_differences_row_by_row() -> None:
    network, trees = np.array([[-1.0, -2.0, -3.0, -4.0], [-0.5, -1.7, -2.7, -3.5]], np.float32)
    found = contest_of(network, trees)
    assert (found.network_nats, found.trees_nats) == pytest.approx((2.5, 2.1))
    assert found.error_nats == pytest.approx(np.std([0.5, 0.3, 0.3, 0.5], ddof=1) / 2, rel=1e-6)
    assert found.is_won_by_trees


@pytest.mark.parametrize(("trees_nats", "won"), [(0.48, True), (0.488, False), (0.6, False)])
def test_a_lead_within_chance_is_none(trees_nats: float, won: bool) -> None:
    assert Contest(0.5, trees_nats, 0.01, 100).is_won_by_trees is won


@pytest.mark.parametrize(
    ("column", "values", "eligible"),
    [
        (Column("t", Kind.CATEGORY, role=Role.TARGET), ["a", "b"], True),
        (Column("t", Kind.BOOLEAN, nullable=True, role=Role.TARGET), [True, None], True),
        (Column("t", Kind.INTEGER, role=Role.TARGET), [1, 2, 3], True),
        (Column("t", Kind.CATEGORY), ["a", "b"], False),
        (Column("t", Kind.CATEGORY, role=Role.TARGET), ["a"], False),
        (Column("t", Kind.INTEGER, role=Role.TARGET), list(range(40)), False),
        (Column("t", Kind.TEXT, nullable=True, role=Role.TARGET), ["some text", None], False),
    ],
)
def test_a_target_has_a_head_if_its_cells_are_few(column: Column, values: list[object], eligible: bool) -> None:
    made = table([(Column("n", Kind.INTEGER), list(range(240))), (column, (values * 240)[:240])])
    cells = cells_of(made[1], profile_table(*made), 100)
    assert target_of(made[1], cells) == (1 if eligible else None)
    plain = TableSchema("made", made[1].columns[:1])
    assert target_of(plain, cells_of(plain, profile_table(made[0].select(["n"]), plain), 20)) is None


def test_where_time_is_short_the_trees_that_were_compared_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, codes = in_cells(interaction(0.1))
    grown: list[tuple[int, float]] = []

    def counted(codes: Codes, cells: Cells, target: int, seed: int, max_seconds: float) -> Trees:
        grown.append((len(codes), max_seconds))
        return fit_trees(codes, cells, target, seed)

    monkeypatch.setattr(target, "fit_trees", counted)
    for training_s in (1e-6, 1e6):
        trees, _ = fit_head(codes, cells, TARGET, ORDER, ignorant(cells), HELD_BACK, Growth(0, training_s))
        assert trees is not None
    assert [rows for rows, _ in grown] == [1_800, 1_800, 2_000]
    assert [seconds for _, seconds in grown] == pytest.approx([OF_TRAINING * 1e-6, *[OF_TRAINING * 1e6] * 2], rel=1e-3)
