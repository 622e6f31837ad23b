"""Which process this is follows from torchrun's variables, and only from torchrun's."""

import pytest

from generators.neural.launch import Launch


def test_a_process_knows_its_place_among_those_that_torchrun_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Launch.here() == Launch(0, 0, 1)
    assert Launch.here().is_first
    for name, value in (("RANK", "1"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert Launch.here().count == 1  # somebody else's variables
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "r")
    assert Launch.here() == Launch(1, 1, 2)
    assert not Launch.here().is_first
