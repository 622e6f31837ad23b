"""What an alarm may have done to its stream, told to the shards as a person's command is, once an alarm."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from connectors.kafka import Cluster, Outbox, last_record
from monitors.ongoing import Ongoing
from schemas.errors import InputError, ServiceError
from schemas.rates import Profile
from schemas.responses import Response
from stream_app.contents import Model
from stream_app.control import ORDERS, Asked, Desired, Order, State, at_rate, command, held, here, swapped
from stream_app.progress import Progress
from stream_app.topics import Topics
from stream_app.watching.responses import Book, Reaction

ANSWER_S = 10.0
"""How long an alarm's command waits for the shards' acknowledgements; it stays in force in any case."""


class Needless(Exception):
    """The stream is as it should be already."""


class Answered(Exception):
    """The alarm was responded to already."""


@dataclass(frozen=True)
class Deeds:
    """Does to a stream what its alarms ask for, and writes down what became of it.

    What the shards are told and that they were is written in one transaction, under the id that fences whoever else
    gives a command; so an alarm is responded to once, however many monitors run and whenever they end.

    Args:
        cluster: the broker.
        topics: finds the stream's topics; raises InputError where no worker has begun it.
        initial: the state the stream is in when nobody commanded anything.
        responses: the topic where it is written down; it must exist.
        judge: names the judgement: the same for all monitors that would judge alike.
        now_ms: the time now, milliseconds since the epoch.
        answer_s: how long to wait for the shards' acknowledgements.
    """

    cluster: Cluster
    topics: Callable[[], Topics]
    initial: Desired
    responses: str
    judge: str
    now_ms: Callable[[], float] = lambda: time.time() * 1_000
    answer_s: float = ANSWER_S

    def book(self) -> Book:
        """What was done so far.

        Raises:
            ServiceError: the broker does not answer.
        """
        return Book.read(self.cluster, self.responses)

    def left_open(self) -> tuple[Reaction, ...]:
        """What was done for alarms that are not known to have cleared.

        Raises:
            ServiceError: the broker does not answer.
        """
        return self.book().open(self.judge)

    def act(self, response: Response, ongoing: Ongoing) -> Reaction | None:
        """Have an alarm act.

        Args:
            response: what is to be done.
            ongoing: the alarm.

        Returns:
            What became of it; None where it was done before.

        Raises:
            ServiceError: it could not be told; nothing was done.
        """
        if self.book().answered(self.judge, ongoing, response.words):
            return None
        reaction = self._reaction(response, ongoing)
        found: list[Desired] = []
        told: list[Reaction] = []

        def order(desired: Desired) -> Desired:
            found.append(desired)
            book = self.book()  # read anew: now nobody else can respond
            if book.answered(self.judge, ongoing, response.words):
                raise Answered
            return self._order(response, ongoing, book)(desired)

        def note(desired: Desired) -> dict[str, bytes]:
            before = rate_of(found[-1]) if response.do == "rate" else None
            told.append(replace(reaction, command=desired.command, before=before))
            return {self.responses: told[-1].to_bytes()}

        try:
            outcome = self._told(Asked(order, response.words, self._cause(ongoing), note), reaction, told)
        except Answered:
            return None
        except ServiceError as error:
            if not self._is_written(told):
                raise
            outcome = replace(told[-1], stage="silent", why=str(error))
        self._write(outcome)
        return outcome

    def _told(self, asked: Asked, reaction: Reaction, told: list[Reaction]) -> Reaction:
        """Give the command, and say what came of it."""
        try:
            answers = command(self.cluster, self.topics(), self.initial, asked, self.answer_s)
        except Needless as reason:
            return replace(reaction, stage="needless", why=str(reason))
        except InputError as error:
            why = "; ".join(error.faults)
            return replace(told[-1] if told else reaction, stage="refused", why=why, before=None)
        positions = tuple(answers[shard].position for shard in sorted(answers))
        return replace(told[-1], stage="accepted", positions=positions)

    def end(self, response: Response, ongoing: Ongoing, until_s: float) -> Reaction | None:
        """Write down that an alarm has cleared, and undo what it did where that is asked for.

        Args:
            response: what was done.
            ongoing: the alarm.
            until_s: when it had cleared, in seconds of event time.

        Returns:
            What was written; None where nothing was done, or its end is known.

        Raises:
            ServiceError: it could not be written.
        """
        last = self.book().latest(self.judge, ongoing.subject, response.words)
        if last is None or last.until_s is not None:
            return None
        over = replace(self._reaction(response, ongoing), stage="over", until_s=until_s)
        if not response.undo:
            self._write(over)
            return over
        done: list[Reaction] = []

        def order(desired: Desired) -> Desired:
            return self._back(response, ongoing, self.book(), desired)

        def note(desired: Desired) -> dict[str, bytes]:
            done.append(replace(over, command=desired.command))
            return {self.responses: done[-1].to_bytes()}

        asked = Asked(order, f"undo {response.words}", self._cause(ongoing), note)
        try:
            command(self.cluster, self.topics(), self.initial, asked, self.answer_s)
        except (Needless, InputError) as reason:
            over = replace(over, why=str(reason))
        except ServiceError:
            if not self._is_written(done):
                raise
        if done:
            return done[-1]
        self._write(over)
        return over

    def _is_written(self, reactions: list[Reaction]) -> bool:
        """Whether the last of these is in the book: its command was given, though nobody could say so."""
        return bool(reactions) and any(r.command == reactions[-1].command for r in self.book().reactions)

    def _back(self, response: Response, ongoing: Ongoing, book: Book, desired: Desired) -> Desired:
        """The state in which the rate is as it was before it was lowered; raises Needless where it is not to be."""
        others = [r for r in book.open(self.judge) if r.do == response.words and r.subject != ongoing.subject]
        if others:
            raise Needless(f"not undone: the alarm on {others[0].subject.column} goes on")
        lowering = book.lowered(self.judge, response.words)
        if lowering is None or lowering.before is None:
            raise Needless("nothing to undo")
        if desired.rate_per_s != response.rate_per_s or not desired.rate_commanded:
            raise Needless("not undone: another rate was commanded since")
        return replace(desired, **lowering.before)

    def _reaction(self, response: Response, ongoing: Ongoing) -> Reaction:
        return Reaction("told", response.words, self.judge, ongoing.newest, by=here(), at_ms=self.now_ms())

    def _cause(self, ongoing: Ongoing) -> str:
        return f"alarm {ongoing.subject.metric} {ongoing.subject.column}"

    def _write(self, reaction: Reaction) -> None:
        outbox = Outbox(self.cluster, self.responses, None)
        outbox.send_one(self.responses, reaction.command.encode(), reaction.to_bytes(), 0)
        outbox.flush()

    def _order(self, response: Response, ongoing: Ongoing, book: Book) -> Order:
        match response.do:
            case "pause":
                return paused
            case "rate":
                assert response.rate_per_s is not None
                return lowered(response.rate_per_s, self.now_ms())
            case "quarantine":
                return kept_out(ongoing.subject.column)
            case "previous":
                if ongoing.opened.start_s < book.swapped_back_s():
                    raise InputError("previous: the alarm is about records from before the stream last went back")
                return swapped(self._previous(), 0)

    def _previous(self) -> Model | None:
        """The model that drew before the one that draws now did for the first time."""
        known = last_record(self.cluster, self.topics().progress, 0)
        if known is None:
            raise InputError("previous: nothing was published as yet")
        progress = Progress.from_bytes(known)
        models = [each.model for each in progress.contents.changes if each.sequence <= progress.position]
        before = models[: models.index(models[-1])]
        if not before:
            raise InputError("previous: no other model is known to have drawn before this one; swap by hand")
        return before[-1]


def rate_of(desired: Desired) -> dict[str, Any]:
    """The rate that a stream goes at, as the fields of `Desired` have it."""
    return {name: getattr(desired, name) for name in ("rate_per_s", "rate_from_ms", "rate_commanded")}


def paused(desired: Desired) -> Desired:
    """The order that pauses a stream; raises Needless where it does not run."""
    if desired.state is not State.RUNNING:
        raise Needless(f"the stream is {desired.state} already")
    return ORDERS["pause"](desired)


def lowered(rate_per_s: float, now_ms: float) -> Order:
    """The order that lowers a stream's rate.

    It raises Needless where the rate is no higher, and InputError where it is a profile: that may be lower by itself.
    """

    def order(desired: Desired) -> Desired:
        now = desired.rate_per_s
        if isinstance(now, Profile):
            raise InputError("rate: the stream goes by a profile, which may be lower by itself")
        if now is not None and now <= rate_per_s:
            raise Needless(f"the rate is {now:g} already")
        return at_rate(rate_per_s, now_ms)(desired)

    return order


def kept_out(rule: str) -> Order:
    """The order that has a rule held; raises Needless where it is."""

    def order(desired: Desired) -> Desired:
        if rule in desired.held:
            raise Needless(f"records that break {rule} are kept out already")
        return held(rule)(desired)

    return order
