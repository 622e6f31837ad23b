"""What happened to a stream, in order: incidents, alarms, notes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitors.alarms import Event
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE

TABLE = "the table as a whole"
"""What an alarm without a column is about."""

KEPT = 500
"""How many entries are remembered."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Args:
        at_ms: when, milliseconds since the epoch.
        kind: started, incident_started, incident_ended, alarm_opened, alarm_raised, alarm_cleared, response, command,
            announced or note.
        text: in words.
    """

    at_ms: float
    kind: str
    text: str


class Timeline:
    """Keeps what happened; several threads may tell and ask."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._alarms: deque[Event] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def note(self, at_ms: float, kind: str, text: str) -> None:
        """Write one thing down."""
        with self._lock:
            self._entries.append(Entry(at_ms, kind, text))

    def alarm(self, event: Event, at_ms: float) -> None:
        """Write an alarm down.

        Args:
            event: the alarm.
            at_ms: when it was raised on the wall, milliseconds since the epoch.
        """
        verb = {"opened": "drifted", "raised": "drifted by more"}.get(event.kind, "is back to normal")
        if event.metric == VIOLATION_RATE.NAME:
            verb = {"opened": "is broken", "raised": "is broken more often"}.get(event.kind, "holds again")
        figure = f"{event.metric} {event.estimate.value:.3f} [{event.estimate.low:.3f}, {event.estimate.high:.3f}]"
        if event.reason:
            verb, figure = "is no alarm any more", event.reason
        with self._lock:
            self._alarms.append(event)
            self._entries.append(Entry(at_ms, f"alarm_{event.kind}", f"{event.column or TABLE} {verb}: {figure}"))

    @property
    def entries(self) -> Sequence[Entry]:
        """Everything, oldest first."""
        with self._lock:
            return tuple(self._entries)

    @property
    def alarms(self) -> Sequence[Event]:
        """The alarms, oldest first."""
        with self._lock:
            return tuple(self._alarms)

    def form(self) -> list[dict[str, Any]]:
        """As the page wants it."""
        return [{"at_ms": e.at_ms, "kind": e.kind, "text": e.text} for e in self.entries]
