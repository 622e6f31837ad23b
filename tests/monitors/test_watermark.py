from __future__ import annotations

from monitors.watermark import Watermark


def test_nothing_is_known_before_a_record() -> None:
    mark = Watermark(5, 30)
    assert mark.advance(0.0) is None
    assert mark.advance(1_000.0) is None


def test_it_follows_the_slowest_partition_less_the_lateness() -> None:
    mark = Watermark(5, 30)
    mark.expect([0, 1], 0.0)
    mark.hear(0, 100_000)
    assert mark.advance(1.0) is None
    mark.hear(1, 60_000)
    assert mark.advance(2.0) == 55_000
    mark.hear(1, 200_000)
    assert mark.advance(3.0) == 95_000


def test_it_never_moves_back() -> None:
    mark = Watermark(0, 30)
    mark.hear(0, 9_000)
    assert mark.advance(0.0) == 9_000
    mark.hear(0, 1_000)
    mark.hear(1, 1_000)
    assert mark.advance(0.0) == 9_000


def test_a_silent_partition_holds_it_back_no_longer_than_idle_s() -> None:
    mark = Watermark(0, 30)
    mark.expect([0, 1], 0.0)
    mark.hear(0, 50_000)
    assert mark.advance(30.0) is None
    mark.hear(0, 51_000)
    assert mark.advance(30.1) == 51_000


def test_when_all_are_silent_the_wall_clock_carries_it_on() -> None:
    mark = Watermark(2, 30)
    mark.hear(0, 50_000)
    assert mark.advance(100.0) == 48_000
    assert mark.advance(130.0) == 48_000
    assert mark.advance(131.0) == 79_000


def test_partitions_taken_away_are_forgotten() -> None:
    mark = Watermark(0, 30)
    mark.expect([0, 1], 0.0)
    mark.hear(0, 50_000)
    mark.hear(1, 10_000)
    mark.expect([0], 1.0)
    assert mark.advance(1.0) == 50_000


def test_after_a_silence_of_all_those_that_fell_silent_together_are_waited_for() -> None:
    mark = Watermark(0, 30)
    mark.expect([0, 1, 2], 0.0)
    mark.hear(0, 10_000)
    mark.hear(1, 10_000)
    assert mark.advance(20.0) is None
    mark.hear(0, 20_000)
    mark.hear(1, 20_000)
    assert mark.advance(40.0) == 20_000  # 2, which never spoke, is silent by itself
    assert mark.advance(100.0) == 80_000
    mark.hear(0, 200_000)
    assert mark.advance(100.0) == 80_000
    mark.hear(1, 170_000)
    assert mark.advance(101.0) == 170_000


def test_one_that_does_not_come_back_after_a_silence_of_all_holds_it_back_no_longer_than_idle_s() -> None:
    mark = Watermark(0, 30)
    mark.expect([0, 1], 0.0)
    mark.hear(0, 10_000)
    mark.hear(1, 10_000)
    mark.advance(0.0)
    for second in range(100, 131):
        mark.hear(0, 1_000 * second)
        assert mark.advance(float(second)) == 10_000
    mark.hear(0, 131_000)
    assert mark.advance(131.0) == 131_000
