"""Generators that draw one column after the other."""

from __future__ import annotations

from generators.discrete.cells import cells_of
from generators.discrete.sequential import drawing_order, other, unlikely
from schemas.inference import Choices, conform, infer
from schemas.profile import profile_table
from tests.generators.tables import orders


def test_the_target_is_drawn_last() -> None:
    table, _ = orders(200)
    schema = infer(table, "orders", choices=Choices("colour"))
    table = conform(table, schema)
    cells = cells_of(schema, profile_table(table, schema), 20)
    order = drawing_order(schema, cells).tolist()
    assert schema.columns[int(cells.columns[order[-1]])].name == "colour"
    assert order[:-1] == sorted(order[:-1])


def test_settings_are_held_against_what_makes_sense_and_what_was_there() -> None:
    assert unlikely({"forgotten": 0.0}) == []
    assert unlikely({"forgotten": -0.1}) == ["forgotten=-0.1: must be from 0 to below 1"]
    assert other("width", 8, {"width": 8}) == []
    assert other("width", 8, {"width": 9}) == ["width=9: the artifact's network has 8; --set width=8"]
