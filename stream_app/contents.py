"""What is drawn: the content log of a shard, beside the schedule that says when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from schemas.steering import Steering
from stream_app.change_log import ChangeLog
from stream_app.drifts import Running


@dataclass(frozen=True)
class Model:
    """An artifact that takes over from the one the stream was begun with.

    Args:
        identity: the artifact's.
        folder: where it lies, on every machine with a worker.
    """

    identity: str
    folder: str


@dataclass(frozen=True)
class Content:
    """What records are drawn from, from one sequence number on.

    Args:
        sequence: the first record of the shard it applies to.
        model: the artifact that draws; None for the one the stream was begun with.
        steering: what the stream offers other than the generator does by itself.
        drifts: what is injected into the records, labelled, in the order it is applied.
        held: names of the rules that the quarantine keeps by command, beside those that it keeps anyway.
    """

    sequence: int = 0
    model: Model | None = None
    steering: Steering = field(default_factory=Steering)
    drifts: tuple[Running, ...] = ()
    held: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back."""
        model = None if self.model is None else asdict(self.model)
        parts = {"steering": self.steering.to_json(), "drifts": [each.to_json() for each in self.drifts]}
        return {"sequence": self.sequence, "model": model, **parts, "held": list(self.held)}

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Content:
        """Read what `to_json` wrote."""
        model = form["model"]
        return cls(
            form["sequence"],
            None if model is None else Model(**model),
            Steering.from_json(form["steering"]),
            tuple(map(Running.from_json, form["drifts"])),
            tuple(form["held"]),
        )


@dataclass(frozen=True)
class Contents(ChangeLog[Content]):
    """The change log that says what the records of one shard are drawn from.

    >>> log = Contents().changed(10, steering=Steering(given={"carrier": "UA"}))
    >>> log.at(9).steering.text, log.at(10).steering.text, log.holds_until(3), log.holds_until(10)
    ('none', '{given: {carrier: UA}}', 10, None)
    """

    changes: tuple[Content, ...] = (Content(),)

    def changed(self, sequence: int, **what: Any) -> Contents:
        """The log with something else from one record on; what was to come later still does, that something apart.

        Args:
            sequence: the first record it applies to.
            what: fields of `Content`.
        """
        here = replace(self.at(sequence), sequence=sequence, **what)
        later = (replace(change, **what) for change in self.changes if change.sequence > sequence)
        return self.replaced(here, *later)

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON form that `from_json` reads back."""
        return [change.to_json() for change in self.changes]

    @classmethod
    def from_json(cls, form: list[dict[str, Any]]) -> Contents:
        """Read what `to_json` wrote."""
        return cls(tuple(Content.from_json(change) for change in form))
