"""What is worth searching is what a generator's settings can be."""

from __future__ import annotations

import pytest

import generators
from generators.search import Choice, Span
from schemas.errors import InputError


@pytest.mark.parametrize("name", generators.names())
def test_a_generator_searches_its_own_settings_around_their_defaults(name: str) -> None:
    generator = generators.load(name)
    for setting, values in generator.SEARCH.items():
        default = generator.SETTINGS[setting]
        assert values.has(default)
        if isinstance(values, Span):
            assert values.whole == isinstance(default, int)
            ends = {setting: values.low}, {setting: values.high}
            assert all(generators.settings_for(generator, end) for end in ends)


def test_a_span_is_of_whole_numbers_where_its_ends_are() -> None:
    assert Span(4, 8).whole
    assert not Span(0.0, 1.0).whole
    assert (Span(4, 8).said, Span(0.5, 8.0).has(0.5), Span(4, 8).has(9)) == ("4..8", True, False)


@pytest.mark.parametrize(("low", "high", "log"), [(8, 4, False), (4, 4, False), (0, 4, True)])
def test_a_span_that_is_none_is_refused(low: int, high: int, log: bool) -> None:
    with pytest.raises(InputError, match=rf"{low}\.\.{high}: .*must be"):
        Span(low, high, log)


def test_one_value_is_no_choice() -> None:
    with pytest.raises(InputError, match="True: is no choice"):
        Choice((True,))
