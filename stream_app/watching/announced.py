"""What was announced to a stream: what every shard draws its records from, from which record on, and who asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from connectors.kafka import Cluster, Inbox, topic_partitions
from schemas.errors import InputError, Problem, ServiceError
from schemas.steering import Steering
from stream_app.contents import Content, Contents, Model
from stream_app.control import Acknowledgement
from stream_app.progress import Progress
from stream_app.topics import Topics

logger = logging.getLogger(__name__)

LOOK_AGAIN_MS = 15_000.0
"""How long to wait before looking again whether a worker has begun the stream."""

SILENT_S = 10.0
"""How long the topic may say nothing before its end."""

AT_ONCE = 1_000
"""Records read at once."""

Noted = Callable[[str, str], None]
"""Told what happened: its kind, and in words."""


@dataclass(frozen=True)
class Making:
    """What records are drawn from, whatever drifts: a drift is what a monitor is to find.

    Args:
        model: the artifact that took over; None for the one the stream was begun with.
        steering: what the stream offers other than its generator does by itself.
    """

    model: Model | None = None
    steering: Steering = field(default_factory=Steering)

    @property
    def key(self) -> tuple[str, str]:
        """Tells it from others."""
        return ("" if self.model is None else self.model.identity, self.steering.text)

    @property
    def text(self) -> str:
        """In words."""
        by = "the stream's artifact" if self.model is None else f"artifact {self.model.identity[:12]}"
        return by if self.steering.text == "none" else f"{by} steered {self.steering.text}"

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back."""
        return {"model": None if self.model is None else asdict(self.model), "steering": self.steering.to_json()}

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Making:
        """Read what `to_json` wrote."""
        model = form["model"]
        return cls(None if model is None else Model(**model), Steering.from_json(form["steering"]))


class Announcements:
    """Reads what the shards of a stream say of themselves.

    Their progress holds what they draw from, and the newest is all that is looked at; it is committed with the records,
    so it is there before any record it is about. The acknowledgements say who asked. Neither is there where nobody
    publishes exactly once: then the file is all that was announced.

    Args:
        cluster: the broker.
        topics: the stream's topics.
        epoch: the epoch that is watched.
        first: what records are drawn from as the stream's file says.
    """

    def __init__(self, cluster: Cluster, topics: Topics, epoch: int, first: Making) -> None:
        self._cluster, self._topics, self._epoch, self._first = cluster, topics, epoch, first
        self._progress: Inbox | None = None
        self._answers: Inbox | None = None
        self._look_ms, self.known = float("-inf"), False
        """Whether all that had been announced when it began to read is known."""
        self._contents: dict[int, Contents] = {}
        self._said: dict[str, None] = {}

    def look(self, now_ms: float) -> list[str]:
        """Read what is new.

        Args:
            now_ms: the time now, milliseconds since the epoch.

        Returns:
            The commands that a shard carried out for the first time, each with who gave it.

        Raises:
            ServiceError: the broker can not be read.
        """
        if self._progress is None or self._answers is None:
            if now_ms < self._look_ms:
                return []
            self._look_ms = now_ms + LOOK_AGAIN_MS
            if not self._opened():
                return []
        assert self._progress is not None
        assert self._answers is not None
        self._learn_new(self._progress, 0.0)
        return list(self._heard(self._answers.poll(AT_ONCE, 0.0).values))

    def _opened(self) -> bool:
        """Read all that was announced, if there is something to read; what can not be read now is tried again."""
        opened: list[Inbox] = []
        self.known = False
        try:
            if topic_partitions(self._cluster, self._topics.progress) is not None:
                opened.append(Inbox(self._cluster, self._topics.acknowledgements, start="latest"))
                opened.append(Inbox(self._cluster, self._topics.progress))
                self._catch_up(opened[1])
                self._answers, self._progress = opened
            self.known = True
        except Problem as problem:
            logger.warning("what is announced can not be read: %s", problem)
            for inbox in opened:
                inbox.close()
        return self._progress is not None

    def _catch_up(self, progress: Inbox) -> None:
        silent = 0
        while not progress.at_end():
            silent = 0 if self._learn_new(progress, SILENT_S / 10) else silent + 1
            if silent > 10:
                raise ServiceError(f"topic={progress.topic}: nothing came of it for {SILENT_S:g} s")

    def _learn_new(self, progress: Inbox, wait_s: float) -> bool:
        """Take in what shards said of themselves since; whether they said something."""
        polled = progress.poll(AT_ONCE, wait_s)
        newest = dict(zip(polled.partitions.tolist(), polled.values, strict=True))
        for shard, value in newest.items():
            self._learn(shard, value or b"")
        return len(newest) > 0

    def makings(self, numbers: Mapping[int, tuple[int, int]]) -> list[Making]:
        """What the records of a pane are drawn from, each once.

        Args:
            numbers: by shard, the first and the last record that the pane holds.
        """
        found: dict[tuple[str, str], Making] = {}
        for shard, (first, last) in numbers.items():
            contents = self._contents.get(shard)
            changes = [] if contents is None else [contents.at(first), *_between(contents, first, last)]
            for making in [Making(c.model, c.steering) for c in changes] or [self._first]:
                found[making.key] = making
        return list(found.values())

    def _learn(self, shard: int, value: bytes) -> None:
        try:
            progress = Progress.from_bytes(value)
        except InputError:
            return
        if progress.epoch == self._epoch:
            self._contents[shard] = progress.contents

    def _heard(self, values: Iterable[bytes | None]) -> Iterable[str]:
        for value in values:
            try:
                answer = Acknowledgement.from_bytes(value or b"")
            except InputError:
                continue
            if not answer.refused and answer.asked and answer.command not in self._said:
                self._said[answer.command] = None
                yield f"{answer.asked} ({answer.by})"


def _between(contents: Contents, first: int, last: int) -> list[Content]:
    return [change for change in contents.changes if first < change.sequence <= last]
