from __future__ import annotations

import pytest

from monitors.budgets import Budgets
from monitors.measure import Measurement, measure
from monitors.reference import fidelity_reference
from monitors.window import Window
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()
FIDELITY = fidelity_reference(LAYOUT, scene.profile())


def window(shift: float) -> tuple[Window, list[Measurement]]:
    pane, newest = scene.pane(LAYOUT, 5_000, scene.Drift(shift)), scene.pane(LAYOUT, 700)
    shown = Window(0.0, 10.0, pane, newest, 1.0)
    return shown, measure(shown, [scene.reference_of(LAYOUT, scene.pane(LAYOUT, 50_000, seed=3)), FIDELITY])


def test_records_of_a_pane_are_poor_while_its_window_is_far_from_the_training_data() -> None:
    budgets = Budgets({"range:pieces": 1e-3}, fidelity=0.02)
    for shift in (0.0, 2.0, 2.0, 0.0):
        budgets.spend(*window(shift))
    assert (budgets.poor["weight"], budgets.poor["size"]) == (1_400, 0)
    assert (budgets.tolerated, budgets.fidelity) == ({"range:pieces": 1e-3}, 0.02)


def test_what_differs_from_the_generator_alone_spends_nothing() -> None:
    shown, measured = window(2.0)
    budgets = Budgets()
    budgets.spend(shown, [m for m in measured if m.reference != "fidelity"])
    assert budgets.poor == {}


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_a_budget_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="fidelity_budget="):
        Budgets(fidelity=share)
