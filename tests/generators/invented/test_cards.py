"""Card numbers are of their networks, and no real number begins as they do."""

from __future__ import annotations

import re
from collections import Counter

from generators.invented.cards import ISSUER, forms
from schemas.fakers import card_networks

VISA = [f"4{n:05d}0000000000" for n in range(0, 100_000)]
AMEX = [f"37{n:013d}" for n in range(25_000)]


def network(form: str) -> str:
    return next(
        name
        for name, (prefixes, length) in card_networks().items()
        if length == len(form) and any(re.match(p.replace("#", "[0-9]").replace("%", "[1-9]"), form) for p in prefixes)
    )


def test_networks_are_as_frequent_as_in_the_table() -> None:
    rows = dict.fromkeys(VISA[:7_500], 1) | dict.fromkeys(AMEX[:2_500], 1) | {"5100000000000000": 4}
    found = Counter(map(network, forms(rows, card_networks(), 400, (1, 2))))
    assert found == {"visa": 300, "amex": 100}


def test_where_the_table_says_nothing_every_network_has_its_prefixes_and_lengths() -> None:
    found = forms({"1234": 9}, card_networks(), 600, (1, 2))
    assert {network(form) for form in found} == set(card_networks())
    assert all(len(form.rstrip("x")) == ISSUER and not form.startswith("0") for form in found)


def test_no_real_number_begins_as_those_that_are_drawn() -> None:
    """Every beginning of a Visa card of six digits is taken here."""
    found = forms(dict.fromkeys(VISA + AMEX, 1), card_networks(), 500, (3, 4))
    begins = {form.rstrip("x") for form in found}
    assert {len(kept) for kept in begins if kept[0] == "4"} == {7}
    assert not [number for number in VISA + AMEX if any(number[:k] in begins for k in range(6, 15))]
