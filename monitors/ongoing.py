"""The alarms that are open, each with how it opened and how it is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from monitors.alarms import Event
from monitors.estimate import Estimate
from monitors.evidence import Subject
from monitors.metric import Severity


@dataclass(frozen=True)
class Ongoing:
    """An alarm that is open.

    Args:
        opened: how it opened.
        raised: how it was raised to a page; None where it was not.
    """

    opened: Event
    raised: Event | None = None

    @property
    def newest(self) -> Event:
        """How it is now."""
        return self.opened if self.raised is None else self.raised

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.opened.metric, self.opened.column)

    @property
    def events(self) -> tuple[Event, ...]:
        """What became of it so far, oldest first."""
        return (self.opened,) if self.raised is None else (self.opened, self.raised)


class OpenAlarms:
    """Follows alarms from when they open until they clear."""

    def __init__(self) -> None:
        self._open: dict[Subject, Ongoing] = {}
        self.cleared_s: dict[Subject, float] = {}
        """When the last alarm about a subject was over, in seconds of event time; of those this process saw."""

    @property
    def all(self) -> tuple[Ongoing, ...]:
        """Those that are open, in the order they opened in."""
        return tuple(self._open.values())

    def take(self, events: Iterable[Event]) -> None:
        """Take in what became of alarms, oldest first."""
        for event in events:
            subject = Subject(event.metric, event.column)
            if event.kind == "opened":
                self._open[subject] = Ongoing(event)
            elif event.kind == "cleared":
                self._open.pop(subject, None)
                self.cleared_s[subject] = event.at_s
            elif subject in self._open:
                self._open[subject] = replace(self._open[subject], raised=event)

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON form of all events, which `from_json` reads back."""
        return [asdict(event) for ongoing in self.all for event in ongoing.events]

    @classmethod
    def from_json(cls, form: Iterable[dict[str, Any]]) -> OpenAlarms:
        """Read what `to_json` wrote."""
        found = cls()
        found.take(event_of(each) for each in form)
        return found


def event_of(form: dict[str, Any]) -> Event:
    """An event from its JSON form.

    >>> import json
    >>> opened = Event("opened", Severity.PAGE, "a", "m", 9, Estimate(1, 0, 2, 3), 8, 9, ((0, 1),))
    >>> event_of(json.loads(json.dumps(asdict(opened)))) == opened
    True
    """
    examples = tuple((partition, offset) for partition, offset in form["examples"])
    parts = {"severity": Severity(form["severity"]), "estimate": Estimate(**form["estimate"]), "examples": examples}
    return Event(**{**form, **parts})
