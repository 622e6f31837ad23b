from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.monitoring import Monitoring
from schemas.stream import from_mapping


def monitor(**keys: Any) -> Monitoring:
    return from_mapping({"stream": "s", "topic": "t", "monitor": keys}, Path()).monitor


@pytest.mark.parametrize("asked", ["auto", 1, 2.5])
def test_how_many_records_count_as_one_is_worked_out_or_told(asked: float | str) -> None:
    assert monitor(dependence=asked).dependence == asked
    assert monitor().dependence == "auto"


@pytest.mark.parametrize("asked", [0.5, "much", True, float("inf"), float("nan"), [2]])
def test_anything_else_is_refused_in_words(asked: Any) -> None:
    with pytest.raises(InputError, match=r"monitor.dependence=.*: must be auto, or a number >= 1") as refused:
        monitor(dependence=asked)
    assert len(refused.value.faults) == 1
