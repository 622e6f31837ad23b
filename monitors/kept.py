"""What a monitor remembers, as bytes: nested plain values with arrays among them, and panes as such values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import load, save

from monitors.pane import Pane, PaneLayout
from monitors.pane_parts import Span
from monitors.samples import Sample
from schemas.errors import InputError

State = Mapping[str, Any]
"""Text, numbers, truth values, None, arrays, and lists and mappings by text of all these."""

FORM, ARRAY, TYPE = "form", "array", "type"
"""Where the plain values lie among the arrays, and what stands in them for an array: its number, and its type, since
whole numbers are kept in as few bytes as they need."""


def to_bytes(state: State) -> bytes:
    """A state as bytes that `from_bytes` reads back, compressed; nothing is pickled.

    >>> from_bytes(to_bytes({"sums": np.arange(3), "slot": 5, "open": [{"at_s": 1.5}]}))
    {'sums': array([0, 1, 2]), 'slot': 5, 'open': [{'at_s': 1.5}]}
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    form = json.dumps(_apart(state, arrays)).encode()
    data = save({**arrays, FORM: np.frombuffer(form, np.uint8)})
    return len(data).to_bytes(8, "big") + bytes(pa.compress(data, "zstd", asbytes=True))


def from_bytes(data: bytes) -> dict[str, Any]:
    """Read what `to_bytes` wrote.

    Raises:
        InputError: it is something else.
    """
    try:
        whole = pa.decompress(data[8:], int.from_bytes(data[:8], "big"), "zstd", asbytes=True)
        arrays = load(bytes(whole))
        found = _together(json.loads(arrays.pop(FORM).tobytes()), arrays)
    except (SafetensorError, pa.ArrowException, OSError, OverflowError, MemoryError, KeyError, ValueError) as error:
        raise InputError("state: is not one of ours; another program wrote to the monitor topic") from error
    if not isinstance(found, dict):
        raise InputError("state: is not one of ours; another program wrote to the monitor topic")
    return found


def _apart(value: Any, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    """A value with a number in the place of each array, which goes to the others."""
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = np.asarray(value, np.min_scalar_type(_widest(value)) if value.dtype == np.int64 else None, "C")
        return {ARRAY: name, TYPE: str(value.dtype)}
    if isinstance(value, Mapping):
        return {key: _apart(each, arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_apart(each, arrays) for each in value]
    return value


def _widest(numbers: npt.NDArray[np.int64]) -> int:
    """The number that needs the most bytes; all of them fit where it does."""
    low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    return high if low == 0 else min(low, -high - 1)


def _together(value: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY, TYPE}:
            return arrays[value[ARRAY]].astype(value[TYPE])
        return {key: _together(each, arrays) for key, each in value.items()}
    return [_together(each, arrays) for each in value] if isinstance(value, list) else value


PARTS = ("spans", "examples", "sketches", "numbers", "samples")
"""What panes have beside counts."""


def panes_state(panes: Sequence[Pane], layout: PaneLayout) -> State:
    """Panes as a state, exactly."""
    return {
        "counts": np.array([pane.counts for pane in panes], np.int64).reshape(len(panes), layout.size),
        "spans": [[[partition, *span] for partition, span in pane.spans.items()] for pane in panes],
        "examples": [pane.examples for pane in panes],
        "sketches": [pane.sketches for pane in panes],
        "numbers": [[[partition, *ends] for partition, ends in pane.numbers.items()] for pane in panes],
        "samples": [None if pane.sample is None else vars(pane.sample) for pane in panes],
    }


def panes_of(state: State, layout: PaneLayout) -> list[Pane]:
    """The panes of a state.

    Raises:
        InputError: they are of another layout.
    """
    counts = state["counts"]
    if counts.ndim != 2 or counts.shape[1] != layout.size:
        raise InputError("panes: are not of this stream; begin without a saved state")
    return [
        Pane(
            layout,
            row.copy(),
            {partition: Span(*span) for partition, *span in spans},
            {rule: tuple((p, offset) for p, offset in each) for rule, each in examples.items()},
            dict(sketches),
            {partition: (first, last) for partition, first, last in numbers},
            None if sample is None else Sample(**sample),
        )
        for row, spans, examples, sketches, numbers, sample in zip(
            counts, *(state[part] for part in PARTS), strict=True
        )
    ]
