from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.slots import SLOTS_IN_TURN, pane_milliseconds, slots_of
from schemas.errors import InputError

FAR = SLOTS_IN_TURN * 1_000 * 3


@given(st.lists(st.one_of(st.integers(-5_000, 5_000), st.integers(-FAR, FAR)), min_size=1, max_size=30))
def test_slots_are_those_that_times_lie_in(times: list[int]) -> None:
    slots, row_slot = slots_of(np.array(times), 1_000)
    wanted = [t // 1_000 for t in times]
    assert slots == sorted(set(wanted))
    if len(slots) == 1:
        assert row_slot.shape == (0,)
    else:
        assert [slots[i] for i in row_slot] == wanted


@pytest.mark.parametrize("pane_s", [0.0, -1.0, 0.0005, 1.0005])
def test_panes_are_whole_milliseconds(pane_s: float) -> None:
    with pytest.raises(InputError, match="pane_s="):
        pane_milliseconds(pane_s)
    assert pane_milliseconds(0.25) == 250
