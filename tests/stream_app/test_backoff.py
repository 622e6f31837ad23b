from __future__ import annotations

from stream_app.backoff import Backoff


def test_every_failure_in_a_row_doubles_the_pause_and_a_success_ends_the_row() -> None:
    backoff = Backoff(1.0, 5.0)
    assert backoff.at_s == 0.0
    assert [backoff.failed(10.0 * i) for i in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.at_s == 45.0
    backoff.succeeded()
    assert backoff.failed(100.0) == 1.0
