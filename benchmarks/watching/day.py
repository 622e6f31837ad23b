"""How much memory a monitor of 200 columns holds after a day: panes of a second, windows of an hour and of a day.

Run by `benchmarks.monitors` in a process of its own. The first panes are measured and judged as a monitor does it,
until all that is remembered of them, for alarms and for the page, is as full as it gets; the rest of the day goes
through the windows alone, which are what grows with time.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any

import numpy as np

from benchmarks.faults import resident_mib
from benchmarks.watching.stream import category_profile, number_profile
from monitors.alarms import Alarms
from monitors.evidence import SequentialEvidence
from monitors.pane import Deltas, Pane, PaneLayout
from monitors.pane_parts import Span
from monitors.prometheus import Exporter
from monitors.reference import change_reference
from monitors.window import Windows
from schemas.profile import Profile
from schemas.table import Column, Kind, TableSchema
from stream_app.watching.announced import Making
from stream_app.watching.following import Basis, Follower
from stream_app.watching.judging import Judges, Judging

COLUMNS, PAIRS, ROWS = 200, 30, 10_000
PANES, JUDGED = 24 * 3_600, 100
LONGER_S = (3_600.0, 24 * 3_600.0)


def scene(rng: np.random.Generator) -> tuple[Judging, Pane]:
    """A monitor of half numbers and half categories, and a pane of its records."""
    kinds = [Kind.INTEGER, Kind.CATEGORY] * (COLUMNS // 2)
    columns = tuple(Column(f"c{i}", kind, nullable=True) for i, kind in enumerate(kinds))
    made = {Kind.INTEGER: number_profile, Kind.CATEGORY: category_profile}
    profile = Profile(ROWS, tuple(made[column.kind](column.name) for column in columns))
    pairs = [(columns[i].name, columns[i + 1].name) for i in range(PAIRS)]
    layout = PaneLayout(TableSchema("wide", columns), profile, pairs=pairs)
    pane = Pane.empty(layout)
    shares = [bins.expected for bins in layout.bins.values()]
    codes = np.array([rng.choice(len(share), ROWS, p=share) for share in shares], np.int32)
    layout.rows.add_codes(codes, np.zeros(0, np.int64), pane.counts[None])
    reference = change_reference(layout, layout.rows.read(pane.counts))
    alarms = Alarms(SequentialEvidence(layout, reference), reference)
    windows = Windows(layout, 1.0, 10.0, 0.0, longer_s=LONGER_S)
    follower = Follower(alarms, None, Making(), lambda making: Basis(reference))
    exporter = Exporter("wide", alarms.subjects)
    return Judging(Judges(layout, Deltas(layout), windows, follower, reference, alarms, exporter)), pane


def main() -> None:
    """Print the figures as one JSON object."""
    first, pane = scene(np.random.default_rng(0))
    first.take([(0, pane)], {})
    first.judge([0], 1.0)  # all code is loaded by now, and is no state
    del first
    gc.collect()
    before_mib, began_s, closed = resident_mib(os.getpid()), time.process_time(), 0
    judging, pane = scene(np.random.default_rng(0))
    for slot in range(PANES):
        pane.spans = {0: Span(slot * ROWS, (slot + 1) * ROWS - 1, slot * 1_000 + 999)}
        if slot < JUDGED:
            judging.take([(slot, pane)], {"records": ROWS})
            judging.judge([0], slot + 1.0)
        else:
            judging.judges.windows.add(slot, pane)
            closed += sum(1 for _ in judging.judges.windows.closed(slot + 1.0))
    found: dict[str, Any] = {
        "columns": COLUMNS,
        "hours": PANES / 3_600,
        "pane_mb": 8 * judging.judges.layout.size / 1e6,
        "windows_closed": closed,
        "state_mb": (resident_mib(os.getpid()) - before_mib) * 1.048576,
        "processor_s": time.process_time() - began_s,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
