from __future__ import annotations

from math import nan

import pytest

from monitors.estimate import Estimate


def test_an_interval_must_hold_its_value() -> None:
    assert Estimate(0.5, 0.5, 0.5, 1).value == 0.5
    with pytest.raises(ValueError, match="must hold the value 2"):
        Estimate(2.0, 0.0, 1.0, 5)


def test_n_is_not_negative() -> None:
    with pytest.raises(ValueError, match="n=-1"):
        Estimate(nan, nan, nan, -1)
