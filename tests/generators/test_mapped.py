import os

import numpy as np
import pytest

from generators.mapped import mapped
from schemas.errors import ServiceError


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (700, 3)])
@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_an_array_in_a_file_is_of_zeros_and_takes_numbers(shape: tuple[int, int], kind: type[np.int32]) -> None:
    if shape[0] == 0:
        shape = (1, 0)
    found = mapped((max(shape[0], 1), max(shape[1], 1)), kind)
    assert found.dtype == kind
    assert not found.any()
    found[-1] = 7
    assert found.sum() == 7 * found.shape[1]


def test_a_disk_without_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ServiceError, match=r"no room for the cells of 5 rows \(No space left on device\); set TMPDIR"):
        mapped((5, 2), np.float32)
