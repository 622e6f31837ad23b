"""Account and card numbers: like their examples, with check digits that hold."""

from __future__ import annotations

import numpy as np
import pytest

from generators.invented.numbered import Numbered
from generators.randomness import words
from schemas.check_digits import card_valid, iban_valid

IBANS = ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606"]
CARDS = ["411111xxxxxxxxxx", "37828224xxxxxxx", "6011xxxxxxxxxxxx"]


@pytest.mark.parametrize(("examples", "accounts"), [(IBANS, True), (CARDS, False)])
@pytest.mark.parametrize("separator", ["", " "])
def test_numbers_are_like_their_examples_and_valid(examples: list[str], accounts: bool, separator: str) -> None:
    seeds, which = words((1, 2), 0, 800).reshape(-1, 2), np.arange(400) % len(examples)
    drawn = [str(text) for text in Numbered(examples, accounts, separator).draw(which, seeds).to_pylist()]
    assert len(set(drawn)) == 400
    for text, i in zip(drawn, which.tolist(), strict=True):
        plain = text.replace(" ", "")
        assert (iban_valid if accounts else card_valid)(text)
        assert plain.startswith(examples[i][:2] if accounts else examples[i].strip("x"))
        assert len(plain) == len(examples[i])
        assert (" " in text) == bool(separator)


def test_examples_that_nobody_is_like_are_no_trouble() -> None:
    drawn = Numbered(IBANS, True).draw(np.ones(5, np.int64), words((1, 2), 0, 10).reshape(-1, 2))
    assert all(text[:2] == "GB" and iban_valid(text) for text in map(str, drawn.to_pylist()))
    assert len(Numbered(IBANS, True).draw(np.empty(0, np.int64), np.empty((0, 2), np.uint64))) == 0
