"""The same in real time: shards publish exactly once to the in-process cluster, and a command amid it is followed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.kafka import Cluster, last_record
from schemas.steering import Steering
from schemas.stream import from_mapping
from stream_app import assemble, monitoring
from stream_app.control import Acknowledgement, Asked, Desired, command, drifting, steered
from stream_app.publish import Clock
from stream_app.settings import Place
from stream_app.shards import OwnedShard, enter_epoch
from stream_app.topics import Topics
from stream_app.watching.watch import Watch
from tests.stream_app.conftest import Here
from tests.stream_app.shop import storm, trained

LONG_S = 60.0
"""After so long something is not coming."""

RARE = Steering(shares={"colour": {"red": 0.1}})


@dataclass
class _Running:
    """Shards that publish, and what watches them, in turns."""

    shards: list[OwnedShard]
    watch: Watch
    cluster: Cluster
    topics: Topics

    def until(self, done: Callable[[], bool]) -> None:
        """Go on until something holds."""
        deadline = time.monotonic() + LONG_S
        while not done():
            assert time.monotonic() < deadline
            for owned in self.shards:
                owned.publish_due(time.time() * 1_000)
                owned.commit_if_due(0.2)
            self.watch.step()

    def tell(self, initial: Desired, asked: Asked) -> None:
        """Command the stream, which goes on meanwhile and obeys."""
        answers: list[dict[int, Acknowledgement]] = []
        waits = threading.Thread(
            target=lambda: answers.append(command(self.cluster, self.topics, initial, asked, LONG_S))
        )
        waits.start()
        self.until(lambda: self._obeyed(asked.words) or bool(answers))
        self.until(lambda: bool(answers))
        waits.join()
        assert len(answers[0]) == len(self.shards)

    def _obeyed(self, words: str) -> bool:
        told = [last_record(self.cluster, self.topics.commands, owned.shard) for owned in self.shards]
        known = [Desired.from_bytes(value) for value in told if value is not None]
        if len(known) < len(self.shards) or any(desired.asked != words for desired in known):
            return False
        for owned, desired in zip(self.shards, known, strict=True):
            owned.obey(desired, time.time() * 1_000)
        return True


def test_a_command_to_a_running_stream_is_no_drift_and_a_drift_is(here: Here, folder: Path) -> None:
    monitor = {"window_s": 1, "pane_s": 0.5, "allowed_lateness_s": 0.5, "min_records": 200}
    form = {
        "stream": "steered-live",
        "topic": "steered-live",
        "artifact": str(folder),
        "rate_per_s": 2_000,
        "shards": 2,
    }
    spec = from_mapping({**form, "monitor": monitor}, Path())
    topics, initial, clock = assemble.topics_of(spec), assemble.initial_state(spec), Clock()
    with assemble.reached(Place(here.cluster.bootstrap, here.registry)) as outside:
        cluster = here.cluster
        topics.create(cluster, assemble.topic_shape(spec))
        recipe = assemble.recipe(spec, trained(), outside)
        enter_epoch(cluster, topics, recipe, initial, clock.now_ms())
        shards = [OwnedShard(cluster, topics, recipe, shard, initial, None, clock.now_ms()) for shard in range(2)]
        watch = monitoring.watch(spec, trained(), outside, "earliest")
        notes: list[tuple[str, str]] = []
        watch.judges.follower.noted = lambda kind, text: notes.append((kind, text))
        told = _Running(shards, watch, cluster, topics)

        told.until(lambda: len(watch.memory.verdicts) >= 4)
        told.tell(initial, Asked(steered(RARE), "steer"))
        told.until(lambda: any(kind == "announced" for kind, _ in notes))
        seen = len(watch.memory.verdicts)
        told.until(lambda: len(watch.memory.verdicts) >= seen + 12)
        assert list(watch.memory.events) == []
        told.tell(initial, Asked(drifting(storm("price", 30).drift), "drift"))
        told.until(lambda: len(watch.memory.events) > 0)
        assert {event.column for event in watch.memory.events} == {"price"}
        assert [kind for kind, _ in notes] == ["command", "announced", "command"]
        for owned in shards:
            owned.close()
