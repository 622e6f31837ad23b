"""Checkpoints: whole or not there, of one training only, and nothing that runs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.neural.checkpoints import Keeper, Reached, digest_of
from generators.start import FILE, Keep
from schemas.errors import InputError, ServiceError

TERMS = {"data": "d1", "settings": {"width": 8}, "seed": 3}
REACHED = Reached({"a": torch.arange(3.0), "none": torch.zeros(0, 2)}, {"epoch": 4, "best": float("inf"), "lr": 0.1})


def keeper(folder: Path, **terms: object) -> Keeper:
    return Keeper(Keep(folder, 0.0, resume=True), TERMS | terms)


def test_what_is_written_is_read_back_and_replaces_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    assert keeper(folder).read() is None
    keeper(folder).write(Reached({"b": torch.zeros(1)}, {"epoch": 1}))
    keeper(folder).write(REACHED)
    back = keeper(folder).read()
    assert back is not None
    assert back.numbers == REACHED.numbers
    assert {name: tensor.tolist() for name, tensor in back.tensors.items()} == {"a": [0, 1, 2], "none": []}
    assert [file.name for file in folder.iterdir()] == [FILE]


def test_one_of_another_training_is_refused_and_what_differs_named(tmp_path: Path) -> None:
    keeper(tmp_path).write(REACHED)
    with pytest.raises(InputError, match="is of a training with other seed; go on with the same, or remove it"):
        keeper(tmp_path, seed=4).read()
    with pytest.raises(InputError, match="with other data, settings;"):
        keeper(tmp_path, data="d2", settings={"width": 9}).read()
    assert Keeper(Keep(tmp_path, resume=True), {}).read() is not None


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_one_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint=.*: is damaged \(.*; remove it and begin anew") as refused:
        keeper(tmp_path).read()
    assert len(str(refused.value).splitlines()) == 1


def test_a_newer_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.neural.checkpoints.CHECKPOINT_FORMAT", 2)
    keeper(tmp_path).write(REACHED)
    monkeypatch.undo()
    with pytest.raises(InputError, match="is of format 2; this program reads up to 1"):
        keeper(tmp_path).read()


def test_a_full_disk_leaves_the_last_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper(tmp_path).write(REACHED)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ServiceError, match="No space left on device"):
        keeper(tmp_path).write(Reached({}, {"epoch": 5}))
    back = keeper(tmp_path).read()
    assert back is not None
    assert back.numbers["epoch"] == 4


def test_slow_writing_is_done_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: at[0])

    def slow(number: int) -> None:
        at[0] += 3.0

    monkeypatch.setattr(os, "fsync", slow)
    one = Keeper(Keep(tmp_path, 10.0), {})
    at[0] = 9.9
    assert not one.is_due()
    at[0] = 10.0
    assert one.is_due()
    one.write(REACHED)
    at[0] = 13.0 + 149.0
    assert not one.is_due()
    at[0] = 13.0 + 150.0
    assert one.is_due()
    assert (one.written, one.spent_s) == (1, 3.0)


def test_a_digest_tells_arrays_apart() -> None:
    arrays = [np.arange(6), np.arange(6).reshape(2, 3), np.arange(6.0), np.arange(12)[::2], np.arange(6)[::-1]]
    assert len({digest_of(array) for array in arrays}) == 5
    assert digest_of(np.arange(6), np.arange(2)) == digest_of(np.arange(6), np.arange(2))
