"""Generators are chosen by what they declare, whichever there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

import generators
from generators.base import Generator
from generators.cost import Cost, Learns
from generators.fitting import FEWEST_REFERENCE_ROWS, reference_rows_of
from generators.selection import (
    DRAWING,
    ENOUGH,
    LEARNED,
    MAX_SECONDS,
    Facts,
    able_to,
    drawing_s,
    drawn_rows,
    fitting_s,
    suited,
)
from schemas.errors import InputError


class Quick(Generator):
    LEARNS: ClassVar[Learns] = Learns.MARGINALS
    COST: ClassVar[Cost] = Cost(0.0, 1.0)


class Pairs(Generator):
    COST: ClassVar[Cost] = Cost(1.0, 2.0)


class Slow(Generator):
    LEARNS: ClassVar[Learns] = Learns.ROWS
    COST: ClassVar[Cost] = Cost(4.0, 100.0)
    NEEDS_TORCH: ClassVar[bool] = True
    ACCELERATES: ClassVar[bool] = True
    FEWEST_ROWS: ClassVar[int] = 100
    SETTINGS: ClassVar[Mapping[str, Any]] = {MAX_SECONDS: 900.0}


MADE: Mapping[str, Any] = {"x.quick": Quick, "x.pairs": Pairs, "x.slow": Slow}
LARGE = Facts(100_000, 10)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generators, "names", lambda: tuple(MADE))
    monkeypatch.setattr(generators, "load", MADE.__getitem__)


def names(facts: Facts, budget_s: float) -> list[str]:
    return [each.name for each in suited(facts, budget_s) if not each.against]


@pytest.mark.usefixtures("made")
def test_what_the_rows_are_enough_for_goes_first() -> None:
    assert names(LARGE, 600.0) == ["x.slow", "x.pairs", "x.quick"]
    assert names(Facts(200, 10), 600.0)[0] == "x.pairs"
    assert names(Facts(20, 10), 600.0) == ["x.quick", "x.pairs"]


@pytest.mark.usefixtures("made")
def test_what_can_not_be_had_says_why() -> None:
    by_name = {each.name: each for each in suited(Facts(100_000, 10, torch=False), 600.0)}
    assert by_name["x.slow"].against.startswith("needs torch")
    by_name = {each.name: each for each in suited(Facts(50, 10), 600.0)}
    assert by_name["x.slow"].against == "needs 100 rows"
    by_name = {each.name: each for each in suited(LARGE, 10.0)}
    assert by_name["x.slow"].against == "needs about 30 s at the least"


@pytest.mark.usefixtures("made")
def test_a_generator_that_can_stop_is_told_when_and_takes_part_from_a_part_of_its_time_on() -> None:
    first = suited(LARGE, 60.0)[0]
    assert (first.name, first.expected_s) == ("x.slow", 60.0)
    assert first.settings == {MAX_SECONDS: 60.0 - drawing_s(MADE["x.slow"], LARGE, 60.0) - 4.0}
    assert suited(LARGE, 10_000.0)[0].settings == {MAX_SECONDS: 900.0}


@pytest.mark.usefixtures("made")
def test_of_two_that_are_ended_early_the_one_goes_first_that_comes_farther(monkeypatch: pytest.MonkeyPatch) -> None:
    slower = type("Slower", (Slow,), {"COST": Cost(4.0, 150.0)})
    whole = type("Whole", (Slow,), {"COST": Cost(4.0, 90.0), "STOPS": False})
    both = {"x.first": slower, "x.second": Slow, "x.whole": whole}
    monkeypatch.setattr(generators, "names", lambda: tuple(both))
    monkeypatch.setattr(generators, "load", both.__getitem__)
    assert names(LARGE, 60.0) == ["x.second", "x.first"]
    assert names(LARGE, 120.0) == ["x.whole", "x.second", "x.first"]
    by_name = {each.name: each for each in suited(LARGE, 60.0)}
    assert by_name["x.whole"].against == "needs about 95 s at the least"


@pytest.mark.usefixtures("made")
def test_too_little_time_for_anything_says_the_least_that_works() -> None:
    with pytest.raises(InputError, match="the smallest that works is 2") as error:
        able_to(suited(LARGE, 1.0), LARGE, 1.0)
    assert len(error.value.faults) == 1
    assert able_to(suited(LARGE, 2.0), LARGE, 2.0)[0].name == "x.quick"
    many = replace(LARGE, reference_rows=10_000_000)
    with pytest.raises(InputError, match="that works is 21 with reference_rows=10,000,000; fewer take less"):
        able_to(suited(many, 2.0), many, 2.0)


def test_costs_grow_with_rows_columns_and_many_values_and_shrink_on_a_gpu() -> None:
    assert Cost(1.0, 10.0).seconds(100_000, 20) == 21.0
    assert fitting_s(MADE["x.slow"], Facts(1_000, 10)) == 5.0
    assert fitting_s(MADE["x.slow"], Facts(1_000, 10, many_values=10)) == 6.0
    assert fitting_s(MADE["x.slow"], Facts(1_000, 10, gpu=True)) == 4.2
    assert fitting_s(MADE["x.pairs"], Facts(1_000, 10, gpu=True)) == fitting_s(MADE["x.pairs"], Facts(1_000, 10))


def test_every_generator_that_there_is_can_be_ranked() -> None:
    found = suited(LARGE, 600.0)
    assert {each.name for each in found} == set(generators.names())
    assert set(ENOUGH) == set(LEARNED) == set(Learns)
    for name in generators.names():
        generator = generators.load(name)
        assert generator.COST.seconds(10_000, 10) > 0
        assert generator.FEWEST_ROWS >= 2


@pytest.mark.usefixtures("made")
def test_rows_of_its_own_take_a_part_of_the_time_within_bounds_unless_their_number_is_asked_for() -> None:
    slow, two = MADE["x.slow"], Facts(100_000, 10, cores=2)
    assert drawn_rows(slow, two, 30.0) == DRAWING * 30 * 2 / (0.2e-6 * 10)
    assert drawing_s(slow, two, 30.0) == pytest.approx(DRAWING * 30)
    assert drawn_rows(slow, two, 0.0) == FEWEST_REFERENCE_ROWS
    assert drawn_rows(slow, two, 1e6) == reference_rows_of(slow, 10) == 10_000_000
    assert reference_rows_of(slow, 100) == pytest.approx(1_000_000, abs=1)
    assert drawn_rows(slow, replace(two, reference_rows=7), 30.0) == 7
