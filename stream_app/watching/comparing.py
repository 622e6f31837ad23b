"""A real topic watched beside its synthetic one: both counted, window by window, and only bands remembered."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.kafka import Inbox
from monitors.advice import Advice, Advising
from monitors.bands import Band, Bands, Verdict
from monitors.prometheus import MAX_COLUMNS, Series
from monitors.window import Window, Windows
from stream_app.watching.counting import Counter
from stream_app.watching.watch import MOST_RECORDS, POLL_S

logger = logging.getLogger(__name__)

KEPT = 240
"""How many judgements are remembered for the page."""


class Side:
    """One of the two topics: its records, and the window they come to.

    Args:
        name: "real" or "synthetic".
        inbox: the records.
        counter: counts them.
        windows: slides over the counts.
        silence_s: a side without a record for so long, in seconds, is silent.
        now_ms: the time now, milliseconds since the epoch.
    """

    def __init__(
        self,
        name: str,
        inbox: Inbox,
        counter: Counter,
        windows: Windows,
        silence_s: float,
        now_ms: Callable[[], float],
    ) -> None:
        self.name, self.records, self.foreign = name, 0, 0
        self._inbox, self._counter, self._windows, self._now_ms = inbox, counter, windows, now_ms
        self._silence_ms, self._heard_ms, self._resets = silence_s * 1_000, now_ms(), inbox.resets
        self.silent = False

    def step(self) -> Iterator[Window]:
        """Read what has come.

        Returns:
            The windows that are complete by now; young ones are left out, and those that end in silence, which say
            nothing new and hold less and less.
        """
        polled = self._inbox.poll(MOST_RECORDS, POLL_S)
        now_ms = self._now_ms()
        if self._inbox.resets != self._resets:
            self._resets = self._inbox.resets
            self._counter.begin_anew()
        if polled.values:
            counted = self._counter.count(polled, now_ms)
            for slot, pane in counted.panes:
                self._windows.add(slot, pane)
            self._tally(counted.tallies, now_ms)
        self._listen(now_ms)
        self._windows.expect(self._inbox.assignment, now_ms / 1_000)
        closed = self._windows.closed(now_ms / 1_000)
        return (each for each in closed if each.length_s >= self._windows.window_s and each.newest.records)

    def _tally(self, tallies: Mapping[str, int], now_ms: float) -> None:
        if tallies["records"]:
            self._heard_ms = now_ms
        if tallies["foreign"] and not self.foreign:
            logger.warning("records of the %s topic can not be read and are left out", self.name)
        self.records += tallies["records"]
        self.foreign += tallies["foreign"]

    def _listen(self, now_ms: float) -> None:
        silent = now_ms - self._heard_ms >= self._silence_ms
        if silent and not self.silent:
            logger.warning("the %s topic is silent", self.name, extra={"silent_s": round(self._silence_ms / 1_000, 1)})
        self.silent = silent


@dataclass(frozen=True)
class Names:
    """What is compared, in words.

    Args:
        stream: the synthetic stream's name.
        real: the real topic; synthetic: the other.
        next_command: what to run when training anew is advised.
    """

    stream: str
    real: str
    synthetic: str
    next_command: str


class Comparing:
    """Compares each window of the real topic with the newest of the synthetic one.

    All it remembers, and all that anybody can ask it for, is which band each column was in, and when by the clock on
    the wall: nothing of what was counted.

    Args:
        names: what is compared.
        real: the real topic; synthetic: the other.
        bands: judge the windows.
        advising: says when to train anew.
        now_ms: the time now, milliseconds since the epoch.
    """

    def __init__(
        self,
        names: Names,
        sides: tuple[Side, Side],
        bands: Bands,
        advising: Advising,
        now_ms: Callable[[], float],
    ) -> None:
        self.names, self.bands, self.advising = names, bands, advising
        self.real, self.synthetic = sides
        self.verdict = bands.verdict()
        self._now_ms = now_ms
        self._newest: Window | None = None
        self._waiting: list[Window] = []  # the real topic's newest, until there is one to compare it with
        self._past: deque[tuple[float, Verdict]] = deque(maxlen=KEPT)
        self._events: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    @property
    def judged(self) -> bool:
        """Whether windows have been compared."""
        return len(self._past) > 0

    def step(self) -> list[dict[str, Any]]:
        """Read what has come, and judge the windows that are complete.

        Returns:
            The advice to train anew, if any is given, as JSON has it.
        """
        for window in self.synthetic.step():
            self._newest = window
        come, newest = [*self._waiting, *self.real.step()], self._newest
        self._waiting = come[-1:] if newest is None else []
        advice = [] if newest is None else [self._judge(window, newest) for window in come]
        forms = [self._form(each) for each in advice if each is not None]
        for form in forms:
            logger.warning("training anew is advised", extra={key: form[key] for key in ("stream", "columns", "next")})
        return forms

    def _judge(self, window: Window, newest: Window) -> Advice | None:
        verdict, before, at_ms = self.bands.judge(window.pane, newest.pane), self.verdict, self._now_ms()
        was_open = self.advising.open
        advice = self.advising.update(verdict)
        with self._lock:
            self.verdict = verdict
            self._past.append((at_ms, verdict))
            if verdict.band is not before.band:
                self._note(at_ms, verdict.band.words)
            if advice is not None:
                self._note(at_ms, f"training anew is advised: {', '.join(advice.columns)}")
            elif was_open and not self.advising.open:
                self._note(at_ms, "training anew is no longer advised")
        return advice

    def _note(self, at_ms: float, text: str) -> None:
        self._events.append((at_ms, text))
        logger.info("%s: %s", self.names.synthetic, text)

    def _form(self, advice: Advice) -> dict[str, Any]:
        at = datetime.fromtimestamp(self._now_ms() / 1_000, UTC).isoformat(timespec="seconds")
        columns = [
            {"column": name, "band": verdict.band.words, "changes": [str(change) for change in verdict.changes]}
            for name, verdict in advice.columns.items()
        ]
        names = self.names
        return {
            "event": "retrain_advised",
            "at": at,
            "stream": names.stream,
            "real": names.real,
            "synthetic": names.synthetic,
            "band": Band.LOST.words,
            "columns": columns,
            "next": names.next_command,
        }

    def state(self) -> dict[str, Any]:
        """What the page shows: bands, and nothing they were worked out from."""
        with self._lock:
            past, events, verdict = list(self._past), list(self._events), self.verdict
        tolerance = self.bands.tolerance
        return {
            "stream": self.names.stream,
            "now_ms": int(self._now_ms()),
            "band": verdict.band.words,
            "advised": self.advising.open,
            "next": self.names.next_command if self.advising.open else None,
            "real": {"topic": self.names.real, **_condition(self.real)},
            "synthetic": {"topic": self.names.synthetic, **_condition(self.synthetic)},
            "boundaries": {"drifting": tolerance.drifting, "lost": tolerance.lost},
            "at_ms": [int(at_ms) for at_ms, _ in past],
            "history": [int(each.band) for _, each in past],
            "columns": [
                {
                    "name": name,
                    "band": column.band.words,
                    "changes": [str(change) for change in column.changes],
                    "compared": [str(each.change) for each in self.bands.subjects if each.column == name],
                    "history": [int(each.columns[name].band) for _, each in past],
                }
                for name, column in verdict.columns.items()
            ],
            "events": [{"at_ms": int(at_ms), "text": text} for at_ms, text in events],
        }

    def series(self) -> Iterator[Series]:
        """What Prometheus scrapes: bands of the first `MAX_COLUMNS` columns and of the table, and the advice."""
        with self._lock:
            verdict, last = self.verdict, self._past[-1][0] if self._past else 0.0
        stream, sides = self.names.stream, (self.real, self.synthetic)
        bands = f"{', '.join(f'{band.value} {band.words}' for band in Band)}."
        columns = list(verdict.columns.items())[:MAX_COLUMNS]
        yield Series(
            "compare_column_band",
            f"How well the column stands for the real one: {bands}",
            ("stream", "column"),
            tuple(((stream, name), float(column.band)) for name, column in columns),
        )
        for name, words, value, grows in (
            ("compare_band", f"How well the stream stands for the real topic: {bands}", verdict.band, False),
            ("compare_judged_timestamp_seconds", "When windows were compared last.", last / 1_000, False),
            ("retrain_advised", "Whether training anew is advised.", self.advising.open, False),
            ("retrain_advices", "How often training anew was advised.", self.advising.given, True),
        ):
            yield Series(name, words, ("stream",), (((stream,), float(value)),), grows)
        for name, words, values in (
            ("silent", "Whether no record comes.", [side.silent for side in sides]),
            ("foreign", "Whether there are records that can not be read.", [side.foreign > 0 for side in sides]),
        ):
            told = tuple(((stream, side.name), float(value)) for side, value in zip(sides, values, strict=True))
            yield Series(f"compare_{name}", words, ("stream", "side"), told)


def _condition(side: Side) -> dict[str, bool]:
    return {"silent": side.silent, "foreign": side.foreign > 0}
