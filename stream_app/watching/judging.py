"""Windows that are complete are measured and judged, whoever counted them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitors.alarms import Alarms, Event
from monitors.delta import fingerprint
from monitors.evidence import Subject
from monitors.kept import State
from monitors.measure import Measurement, measure
from monitors.ongoing import OpenAlarms
from monitors.pane import Deltas, Pane, PaneLayout
from monitors.prometheus import Exporter, Reading
from monitors.reference import CHANGE, Reference
from monitors.window import Window, Windows
from schemas.errors import InputError
from stream_app.watching.counting import SHOWN_RECORDS, Seen
from stream_app.watching.following import Follower

logger = logging.getLogger(__name__)

KEPT = 600
"""How many windows, events and notes are remembered for the page, if they fit."""

KEPT_BYTES = 32 << 20
"""How much memory remembered windows may take."""

LEAST_KEPT = 30
"""How many windows are remembered however wide the table is."""


@dataclass(frozen=True)
class Verdict:
    """What one window said.

    Args:
        window: the counts.
        measurements: what was measured on it.
        level: the evidence against the whole table after it, as a power of ten.
    """

    window: Window
    measurements: tuple[Measurement, ...]
    level: float


@dataclass(frozen=True)
class Judges:
    """What turns counts into numbers and alarms.

    Args:
        layout: the stream's cells.
        deltas: turns batches into panes.
        windows: slides over the panes.
        follower: keeps in step what windows are compared with for alarms.
        fidelity: the training data, which they are compared with too.
        alarms: the latches.
        exporter: shows it all to Prometheus.
        tolerated: by rule, the share of records that may break it; the others are facts.
        inflation: by subject, how many records count as one; one where it is not there.
    """

    layout: PaneLayout
    deltas: Deltas
    windows: Windows
    follower: Follower
    fidelity: Reference
    alarms: Alarms
    exporter: Exporter
    tolerated: Mapping[str, float] = field(default_factory=dict)
    inflation: Mapping[Subject, float] = field(default_factory=dict)

    @property
    def references(self) -> tuple[Reference, ...]:
        """What windows are compared with now, the one for alarms first."""
        return (self.follower.reference, self.fidelity)


@dataclass
class Memory:
    """What the page shows of the past."""

    records: int = 0
    foreign: int = 0
    deletes: int = 0
    tombstones: int = 0
    redelivered: int = 0
    verdicts: deque[Verdict] = field(default_factory=lambda: deque(maxlen=KEPT))
    longer: dict[str, Verdict] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=SHOWN_RECORDS))


class Judging:
    """Takes in counts, and judges every window that they complete.

    Args:
        judges: measure and judge.
    """

    resets = 0
    """How often the broker had dropped records before they were read."""

    live = False
    """Whether all is read that was there when reading began: what is open then is so now."""

    judged_s = 0.0
    """Up to where windows were judged, in seconds of event time."""

    def __init__(self, judges: Judges) -> None:
        self.judges = judges
        self.memory = Memory(verdicts=deque(maxlen=_kept_windows(judges.layout)))
        self.ongoing = OpenAlarms()
        self.lock = threading.Lock()
        """Held while what the page shows is changed, and never while anything is drawn or judged."""
        self._handed: deque[tuple[int, Pane]] = deque()

    def state(self, now_ms: float) -> State:
        """All that judging goes by; `restore` takes it back.

        Args:
            now_ms: the time now, milliseconds since the epoch.
        """
        judges = self.judges
        return {
            "layout": fingerprint(judges.layout),
            "windows": judges.windows.state(now_ms / 1_000),
            "follower": judges.follower.state,
            "evidence": judges.alarms.evidence.state,
            "alarms": judges.alarms.state,
            "open": self.ongoing.to_json(),
            "judged_s": self.judged_s,
        }

    def restore(self, state: State, now_ms: float) -> None:
        """Go on from a state, as if no time had passed: alarms that were open are, and did not open again.

        Args:
            state: of judges that judge alike.
            now_ms: the time now, milliseconds since the epoch.

        Raises:
            InputError: it is of another stream.
            Problem: what it was compared with can not be told any more.
        """
        judges = self.judges
        if state["layout"] != fingerprint(judges.layout):
            raise InputError("state: was counted in other cells; begin without it")
        judges.windows.restore(state["windows"], now_ms / 1_000)
        judges.follower.restore(state["follower"])
        judges.alarms.evidence.restore(state["evidence"])
        judges.alarms.restore(state["alarms"])
        self.ongoing, self.judged_s = OpenAlarms.from_json(state["open"]), state["judged_s"]
        judges.exporter.resume(alarm.newest for alarm in self.ongoing.all)
        judges.exporter.weigh(judges.alarms.evidence.level, judges.alarms.evidence.threshold)

    def take(self, panes: Iterable[tuple[int, Pane]], tallies: Mapping[str, int], newest: Iterable[Seen] = ()) -> None:
        """Take in counts; only by the thread that judges, which alone looks at the windows.

        Args:
            panes: slots of event time, and what to add to them.
            tallies: what to add to the counts of `Memory`, by their names.
            newest: the newest records, to be shown.
        """
        for slot, pane in panes:
            self.judges.windows.add(slot, pane)
        with self.lock:
            for name, count in tallies.items():
                setattr(self.memory, name, getattr(self.memory, name) + count)
            self.memory.seen.extend(newest)

    def hand(self, panes: Iterable[tuple[int, Pane]]) -> None:
        """Leave counts for the thread that judges, which takes them in before it judges next; from any thread."""
        self._handed.extend(panes)

    def judge(self, partitions: Iterable[int], now_ms: float) -> list[Event]:
        """Judge the windows that are complete by now.

        Args:
            partitions: all there are; those that are silent hold nothing up for ever.
            now_ms: the time now, milliseconds since the epoch.

        Returns:
            The alarms that opened, were raised or cleared.
        """
        self.judges.follower.look(now_ms)
        windows, memory = self.judges.windows, self.memory
        while self._handed:
            windows.add(*self._handed.popleft())
        windows.expect(tuple(partitions), now_ms / 1_000)
        reading = Reading(
            windows.late_records,
            memory.foreign,
            self.resets,
            memory.deletes,
            memory.tombstones,
            memory.redelivered,
        )
        self.judges.exporter.read(reading)
        events: list[Event] = []
        for window in windows.closed(now_ms / 1_000):  # each is judged before the next pane is compared with anything
            events += self._judge(window)
        return events

    def _judge(self, window: Window) -> list[Event]:
        judges, compared = self.judges, self.judges.follower.compared
        measurements = [m for m in measure(window, judges.references) if compared or m.reference != CHANGE]
        if window.asked_s != judges.windows.window_s:
            judges.exporter.update_longer(window, measurements)
            with self.lock:
                self.memory.longer[window.name] = Verdict(window, tuple(measurements), judges.alarms.evidence.level)
            return []
        events = judges.alarms.update(window, compared=compared)
        self.ongoing.take(events)
        self.judged_s = window.end_s
        judges.exporter.update(window, measurements, events)
        judges.exporter.weigh(judges.alarms.evidence.level, judges.alarms.evidence.threshold)
        with self.lock:
            self.memory.verdicts.append(Verdict(window, tuple(measurements), judges.alarms.evidence.level))
            self.memory.events.extend(events)
        for event in events:
            said = {"column": event.column, "metric": event.metric, "severity": str(event.severity)}
            logger.warning("alarm %s", event.kind, extra=said)
        return events


def _kept_windows(layout: PaneLayout) -> int:
    """How many windows are remembered: each has the counts of its own and of its newest pane."""
    return max(LEAST_KEPT, min(KEPT, KEPT_BYTES // (2 * 8 * layout.size)))
