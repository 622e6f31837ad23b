from __future__ import annotations

import threading

import pytest

from schemas.errors import ServiceError
from stream_app.commits import Commit


def assert_soon(let: threading.Event) -> None:
    assert let.wait(30)


def test_a_commit_goes_on_beside_everything_else() -> None:
    let = threading.Event()
    commit = Commit(lambda: assert_soon(let))
    assert not commit.done
    let.set()
    commit.wait()
    assert commit.done


def test_what_it_raised_is_raised_where_somebody_waits() -> None:
    def refused() -> None:
        raise ServiceError("no")

    commit = Commit(refused)
    with pytest.raises(ServiceError, match="no"):
        commit.wait()
    assert commit.done
