"""What is searched: what the model declares, as far as the user does not say otherwise."""

from __future__ import annotations

import pytest

import generators
from generators.search import Choice, Span
from schemas.errors import InputError
from stream_app.tuning.space import Space


@pytest.mark.parametrize("model", [name for name in generators.names() if generators.load(name).SEARCH])
def test_all_that_a_model_declares_is_searched_unless_it_is_fixed(model: str) -> None:
    declared = generators.load(model).SEARCH
    space = Space.of(model, {}, ())
    assert space.ranges == declared
    assert space.usual == {name: generators.load(model).SETTINGS[name] for name in declared}
    assert not set(space.fixed) & set(declared)
    first = next(iter(declared))
    value = space.usual[first]
    assert Space.of(model, {first: str(value)}, ()).fixed[first] == value


def test_ranges_are_given_by_name_or_in_full() -> None:
    space = Space.of("tabular.mixture", {"max_seconds": 1}, ("cells", "components=4..8"))
    assert space.ranges == {"cells": Span(16, 200, log=True), "components": Span(4, 8, log=True)}
    assert (space.fixed, space.usual) == ({"max_seconds": 1.0}, {"cells": 64})  # the default is not among 4..8
    assert Space.of("tabular.mixture", {}, ("cells=20,30,20",)).ranges == {"cells": Choice((20, 30))}
    assert space.to_json() == {"cells": "16..200", "components": "4..8"}


@pytest.mark.parametrize(
    ("model", "fixed", "searched", "said"),
    [
        ("tabular.copula", {}, (), "model=tabular.copula: has no settings to search; .* tabular.mixture or tabular.n"),
        (
            "tabular.mixture",
            {},
            ("max_seconds",),
            "max_seconds is not searched; .*, cells; fix it with --set",
        ),
        ("tabular.mixture", {}, ("colour",), "--search colour: colour is not searched"),
        ("tabular.mixture", {}, ("cells=8..4",), "--search cells=8..4: 8..4: the first must be below"),
        ("tabular.mixture", {}, ("cells=x..4",), "--search cells=x..4: cells=x: must be int"),
        ("tabular.mixture", {}, ("cells=20",), "--search cells=20: 20: is no choice"),
        ("tabular.mixture", {"cells": 9}, ("cells",), "--search cells: --set says what cells is already"),
        ("tabular.mixture", {}, ("cells", "cells=1..4"), "--search says what cells is already"),
        ("tabular.mixture", {"cells": 9, "components": 9}, (), "--set fixes all that is searched"),
    ],
)
def test_what_can_not_be_searched_is_refused(
    model: str, fixed: dict[str, int], searched: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Space.of(model, fixed, searched)


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Space.of("tabular.mixture", {"colour": 1}, ("paper", "cells=9..1"))
    assert len(caught.value.faults) == 3
