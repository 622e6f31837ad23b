from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitors.arrivals import Arrivals, Lineages
from monitors.kept import from_bytes, panes_of, panes_state, to_bytes
from monitors.pane import Pane, PaneLayout
from monitors.pane_parts import Span
from monitors.samples import Sample
from monitors.watermark import Watermark
from monitors.window import Window, Windows
from schemas.errors import InputError
from tests.monitors import scene

LAYOUT = scene.layout()


def pane(seed: int, slot: int) -> Pane:
    """A pane of one second with records, spans, examples and a sketch."""
    rng = np.random.default_rng(seed)
    made = Pane(LAYOUT, rng.integers(0, 1_000, LAYOUT.size))
    made.spans[seed % 2] = Span(slot, slot + 1, slot * 1_000 + 999)
    made.examples["range:weight"] = ((0, slot), (1, slot))
    made.numbers[seed % 2] = slot, slot + 7
    if seed % 2:
        made.sample = Sample(rng.integers(0, 99, 5).astype(np.uint64), rng.integers(0, 4, (5, 3)).astype(np.uint8))
    made.sketches["id"] = rng.integers(0, 50, 4_096).astype(np.uint8)
    return made


def same(one: Pane, other: Pane) -> bool:
    return (
        np.array_equal(one.counts, other.counts)
        and (one.spans, one.examples, one.numbers) == (other.spans, other.examples, other.numbers)
        and (one.sample is None) == (other.sample is None)
        and (one.sample is None or one.sample.to_bytes() == (other.sample or one.sample).to_bytes())
        and one.sketches.keys() == other.sketches.keys()
        and all(np.array_equal(one.sketches[name], other.sketches[name]) for name in one.sketches)
    )


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"none": None, "yes": True, "many": [1, 2.5, "grün", []], "in": {"deep": [{"a": 1}]}},
        {"minus": float("-inf"), "big": 2**60},
    ],
)
def test_plain_values_survive(state: dict[str, Any]) -> None:
    assert from_bytes(to_bytes(state)) == state


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.array(7), np.array([-np.inf, np.nan]), np.eye(3, dtype=bool).T])
def test_arrays_survive_bit_for_bit(array: np.ndarray[Any, Any]) -> None:
    (found,) = from_bytes(to_bytes({"of": [array]}))["of"]
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize("strange", [b"", b"12345678", b"\xff" * 40, json.dumps({}).encode(), to_bytes({"a": 1})[:-3]])
def test_what_is_no_state_is_refused(strange: bytes) -> None:
    with pytest.raises(InputError, match="state: is not one of ours"):
        from_bytes(strange)


def test_panes_survive_whole_and_those_of_other_columns_are_refused() -> None:
    panes = [pane(seed, seed) for seed in range(3)]
    state = from_bytes(to_bytes(panes_state(panes, LAYOUT)))
    assert all(same(one, other) for one, other in zip(panes_of(state, LAYOUT), panes, strict=True))
    assert panes_of(panes_state([], LAYOUT), LAYOUT) == []
    narrow = PaneLayout(scene.SCHEMA, scene.profile(500))
    with pytest.raises(InputError, match="panes: are not of this stream"):
        panes_of(state, narrow)


def windows() -> Windows:
    return Windows(LAYOUT, 1, 4, 2, idle_s=3, longer_s=[600])


def fed(judged: Windows, slots: range) -> list[Window]:
    out: list[Window] = []
    for slot in slots:
        if slot % 7:  # some panes stay empty
            judged.add(slot, pane(slot, slot))
        judged.expect((0, 1), slot)
        out += judged.closed(slot)
    return out


@pytest.mark.parametrize("cut", [1, 2, 7, 40, 130, 600, 601, 650])
def test_windows_that_go_on_from_a_state_are_those_that_never_stopped(cut: int) -> None:
    whole, first, second = windows(), windows(), windows()
    expected = fed(whole, range(700))
    found = fed(first, range(cut))
    second.restore(from_bytes(to_bytes(first.state(float(cut)))), float(cut))
    found += fed(second, range(cut, 700))
    found += second.flush()
    expected += whole.flush()
    assert [(w.start_s, w.end_s, w.newest_s, w.asked_s) for w in found] == [
        (w.start_s, w.end_s, w.newest_s, w.asked_s) for w in expected
    ]
    assert all(same(a.pane, b.pane) and same(a.newest, b.newest) for a, b in zip(found, expected, strict=True))


def test_windows_of_other_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="windows: are not of this stream"):
        Windows(LAYOUT, 1, 4, 2).restore(windows().state(0.0), 0.0)


def test_no_time_passes_for_a_watermark_while_nobody_watches() -> None:
    def heard() -> Watermark:
        mark = Watermark(1, 10)
        mark.expect((0, 1), 0)
        mark.hear(0, 5_000)
        mark.advance(1)
        return mark

    first, second = heard(), Watermark(1, 10)
    second.restore(json.loads(json.dumps(first.state(2))), 1_002)
    advance: Callable[[Watermark, float], float | None] = lambda mark, now_s: mark.advance(now_s)  # noqa: E731
    assert [advance(first, t) for t in (3, 10.5, 11, 25)] == [advance(second, 1_000 + t) for t in (3, 10.5, 11, 25)]
    assert first.at_ms == second.at_ms is not None


def test_arrivals_know_what_they_knew() -> None:
    def read(arrivals: Arrivals, first: int, last: int) -> list[list[int]]:
        offsets = np.arange(first, last)
        partitions = np.zeros(last - first, np.int32)
        fresh = arrivals.fresh(partitions, offsets)
        late = arrivals.lateness(partitions, 1_000 * (offsets % 5), fresh)
        sequences = np.where(offsets % 4 == 3, offsets - 2, offsets)
        shown = arrivals.shown(partitions, Lineages(np.zeros(last - first, np.int64), sequences))[1]
        return [fresh.tolist(), late.tolist(), shown.tolist()]

    whole, first, second = Arrivals(), Arrivals(), Arrivals()
    read(whole, 0, 20)
    read(first, 0, 20)
    second.restore(from_bytes(to_bytes(first.state)))
    assert read(second, 15, 40) == read(whole, 15, 40)


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [0],
        [255],
        [256],
        [-1, 255],
        [-128, 127],
        [-129],
        [2**63 - 1],
        [-(2**63), 2**63 - 1],
        [2**32, 0],
        [-1, 2**31],
    ],
)
def test_whole_numbers_are_kept_in_few_bytes_and_come_back_as_they_were(numbers: list[int]) -> None:
    (found,) = from_bytes(to_bytes({"of": [np.array(numbers, np.int64)]}))["of"]
    assert (found.dtype, found.tolist()) == (np.int64, numbers)
