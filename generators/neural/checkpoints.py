"""How far a training has come, in one file that is always whole: safetensors, with the plain numbers in its header.

Nothing is pickled, so reading a checkpoint executes nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from generators.start import Keep
from schemas.errors import InputError, ServiceError

CHECKPOINT_FORMAT = 1
"""Version of the file's layout."""

MOST_OF_TIME = 0.02
"""Writing takes at most this share of the time: where it is slow, it is done less often."""


@dataclass(frozen=True, eq=False)
class Reached:
    """How far a training has come.

    Args:
        tensors: weights, their averages, the optimizer's state and that of random numbers; never rows.
        numbers: what is counted, as JSON has it.
    """

    tensors: Mapping[str, Tensor]
    numbers: Mapping[str, Any]


class Keeper:
    """Writes checkpoints of one training, and reads the last one back.

    Args:
        keep: where, how often, and whether to go on from what is there.
        terms: what a training must have in common with another to go on from where that came to, by name.
    """

    def __init__(self, keep: Keep, terms: Mapping[str, Any]) -> None:
        self._keep, self._terms = keep, json.loads(json.dumps(terms))
        self._last, self._pause_s = time.perf_counter(), keep.every_s
        self.written, self.spent_s = 0, 0.0

    def is_due(self) -> bool:
        """Whether it is time to write one."""
        return time.perf_counter() - self._last >= self._pause_s

    def write(self, reached: Reached) -> None:
        """Write a checkpoint; the one before stays until the new one is whole.

        Raises:
            ServiceError: the disk did not take it.
        """
        began = time.perf_counter()
        header = {"format": CHECKPOINT_FORMAT, "terms": self._terms, "numbers": reached.numbers}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in reached.tensors.items()}
        partial = self._keep.file.with_name(f"{self._keep.file.name}.partial")
        try:
            self._keep.folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.write(save(tensors, {"synthstream": json.dumps(header)}))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._keep.file)
        except OSError as error:
            raise ServiceError(
                f"checkpoint={self._keep.folder}: could not be written ({error.strerror}); make room, and go on from "
                "the last one with --resume"
            ) from error
        self._last = time.perf_counter()
        self.written, self.spent_s = self.written + 1, self.spent_s + self._last - began
        self._pause_s = max(self._keep.every_s, (self._last - began) / MOST_OF_TIME)

    def read(self) -> Reached | None:
        """The checkpoint to go on from, if there is one.

        Raises:
            InputError: it is damaged, or of another training.
        """
        here = f"checkpoint={self._keep.folder}"
        if not (self._keep.resume and self._keep.file.exists()):
            return None
        try:
            with safe_open(self._keep.file, "pt") as file:
                header = json.loads(file.metadata()["synthstream"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["format"] > CHECKPOINT_FORMAT:
                raise InputError(f"{here}: is of format {header['format']}; this program reads up to 1; upgrade it")
            terms, numbers = dict(header["terms"]), dict(header["numbers"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{here}: is damaged ({error}); remove it and begin anew") from error
        other = [name for name in self._terms if terms.get(name) != self._terms[name]]
        if other:
            raise InputError(
                f"{here}: is of a training with other {', '.join(other)}; go on with the same, or remove it"
            )
        return Reached(tensors, numbers)


def digest_of(*arrays: npt.NDArray[Any]) -> str:
    """The SHA-256 of what arrays hold, 64 hexadecimal digits."""
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
