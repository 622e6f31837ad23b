"""What panes are compared with, kept in step with what was announced: what is announced is no drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitors.alarms import Alarms
from monitors.classifier import Classifier
from monitors.evidence import Subject
from monitors.kept import State
from monitors.pane import Pane
from monitors.quality.violation_rate import METRIC as VIOLATION_RATE
from monitors.reference import Reference
from schemas.errors import Problem
from stream_app.watching.announced import Announcements, Making, Noted
from stream_app.watching.fresh_rows import FreshRows


class Catcher:
    """A classifier, and the rows it tells records from.

    Args:
        columns: how many columns samples have.
        fresh: draws rows as records are drawn.
    """

    def __init__(self, columns: int, fresh: FreshRows) -> None:
        self._classifier, self._fresh = Classifier(columns, fresh.draw), fresh
        self.tell = self._classifier.tell

    @property
    def state(self) -> State:
        """What it knows, and which rows come next; `restore` takes it back."""
        return {"knows": self._classifier.state, "fresh": self._fresh.state}

    def restore(self, state: State) -> None:
        """Go on from a state, as if nothing had happened in between.

        Raises:
            InputError: it is of other columns.
        """
        self._classifier.restore(state["knows"])
        self._fresh.restore(state["fresh"])

    def begin_anew(self, fresh: FreshRows) -> None:
        """Forget what is known: records are drawn otherwise from now on."""
        self._fresh = fresh
        self._classifier.begin_anew(fresh.draw)


@dataclass(frozen=True)
class Basis:
    """What records drawn in some way are compared with.

    Args:
        reference: rows drawn so.
        fresh: draws fresh ones; None where nobody asks for them.
    """

    reference: Reference
    fresh: FreshRows | None = None


class Follower:
    """Looks at every pane that is complete, before it is judged: what were its records drawn from?

    Panes of one making are compared with rows drawn so. When it changes, windows and evidence begin anew, and alarms
    about columns that it is about are over. A pane that holds records of two makings is compared with nothing; so is
    one whose rows can not be drawn here.

    Args:
        alarms: judge the panes.
        catcher: looks at panes too, if there is one.
        first: what records are drawn from as the stream's file says.
        basis: what others are compared with; raises a Problem where that can not be told.
    """

    def __init__(
        self, alarms: Alarms, catcher: Catcher | None, first: Making, basis: Callable[[Making], Basis]
    ) -> None:
        self.announced: Announcements | None = None
        self.noted: Noted = lambda kind, text: None
        self.compared = True
        self._alarms, self._catcher, self._basis = alarms, catcher, basis
        self._making = first
        self._unknown: dict[tuple[str, str], str] = {}
        self._anew = False

    @property
    def reference(self) -> Reference:
        """What panes are compared with now."""
        return self._alarms.reference

    @property
    def state(self) -> State:
        """What panes are compared with, as it was announced; `restore` takes it back."""
        caught = None if self._catcher is None else self._catcher.state
        return {"making": self._making.to_json(), "compared": self.compared, "catcher": caught}

    def restore(self, state: State) -> None:
        """Compare with what panes were compared with; evidence and alarms come after it.

        Raises:
            Problem: that can not be told any more.
        """
        making = Making.from_json(state["making"])
        if making.key != self._making.key:
            basis = self._basis(making)
            self._alarms.begin_anew(basis.reference, lambda subject: False, ANNOUNCED)
            if self._catcher is not None and basis.fresh is not None:
                self._catcher.begin_anew(basis.fresh)
        if self._catcher is not None:
            self._catcher.restore(state["catcher"])
        self._making, self.compared = making, state["compared"]

    def look(self, now_ms: float) -> None:
        """Hear of what was announced.

        Args:
            now_ms: the time now, milliseconds since the epoch.
        """
        if self.announced is not None:
            for words in self.announced.look(now_ms):
                self.noted("command", words)

    def finished(self, pane: Pane) -> bool:
        """Take a complete pane; whether windows begin anew with it."""
        before, self.compared = self.compared, self._follows(pane)
        anew = before != self.compared or self._anew
        if self._catcher is not None and self.compared:
            self._catcher.tell(pane)
        pane.sample = None
        return anew

    def _follows(self, pane: Pane) -> bool:
        """Whether a pane can be compared; what it is compared with is then in place."""
        self._anew = False
        if self.announced is None or not pane.numbers:
            return self.compared
        if not self.announced.known:
            return False
        makings = self.announced.makings(pane.numbers)
        if len(makings) > 1 or makings[0].key in self._unknown:
            return False
        if makings[0].key != self._making.key:
            return self._changed(makings[0])
        return True

    def _changed(self, making: Making) -> bool:
        try:
            basis = self._basis(making)
        except Problem as problem:
            self._unknown[making.key] = str(problem)
            self.noted("announced", f"drawn from {making.text}, and compared with nothing: {problem}")
            return False
        whole = making.model != self._making.model
        columns = {*making.steering.columns, *self._making.steering.columns, ""}
        self._alarms.begin_anew(basis.reference, lambda subject: _is_about(subject, columns, whole=whole), ANNOUNCED)
        if self._catcher is not None and basis.fresh is not None:
            self._catcher.begin_anew(basis.fresh)
        self._making, self._anew = making, True
        self.noted("announced", f"drawn from {making.text}, and compared with that from here on")
        return True


ANNOUNCED = "what was announced changed it"
"""Why an alarm is over that no longer says anything."""


def _is_about(subject: Subject, columns: set[str], *, whole: bool) -> bool:
    return subject.metric != VIOLATION_RATE.NAME and (whole or subject.column in columns)
