"""Change logs: what holds for a record, and what is forgotten."""

from __future__ import annotations

import pytest

from schemas.errors import InputError
from schemas.steering import Steering
from stream_app.change_log import CHANGES_KEPT, ChangeLog
from stream_app.contents import Content


def log(*sequences: int) -> ChangeLog[Content]:
    return ChangeLog(tuple(Content(sequence, steering=Steering(given={"from": sequence})) for sequence in sequences))


def test_the_last_change_at_or_before_a_record_holds() -> None:
    whole = log(0, 5, 5, 8)
    assert [whole.at(sequence).sequence for sequence in (0, 4, 5, 7, 8, 10**12)] == [0, 0, 5, 5, 8, 8]
    assert [whole.holds_until(sequence) for sequence in (0, 5, 8)] == [5, 8, None]
    assert (whole.latest.sequence, whole.oldest) == (8, 0)


def test_changes_replace_those_that_come_later() -> None:
    assert log(0, 5, 8).replaced(*log(5, 6).changes) == log(0, 5, 6)
    assert log(0, 5).replaced(*log(9).changes) == log(0, 5, 9)


def test_the_newest_are_kept_and_what_is_older_is_as_the_oldest() -> None:
    whole = log(0)
    for sequence in range(1, CHANGES_KEPT + 50):
        whole = whole.replaced(*log(sequence).changes)
    assert whole == log(*range(50, CHANGES_KEPT + 50))
    assert (whole.at(3), whole.holds_until(3)) == (whole.at(50), 50)


@pytest.mark.parametrize(
    ("sequences", "words"), [((), "needs at least one change, the start"), ((5, 0), r"sequences \[5, 0\]: must be in")]
)
def test_a_log_that_makes_no_sense_is_refused(sequences: tuple[int, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        log(*sequences)
