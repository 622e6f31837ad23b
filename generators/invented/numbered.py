"""Account and card numbers like examples: their digits drawn afresh, their check digits right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.invented.strings import Words, mixed
from schemas.check_digits import iban_digits, luhn_digits

KEPT = 4
"""So many characters stay as in the example: who issued a card; an account's country, and its check digits at first."""

GROUP = 4

ACCOUNT_WORDS, CARD_WORDS = 1_000, 2_000
"""The words from here on are for digits; those before for letters."""

A_WORD = 12
"""So many digits come out of a word; what more it would give is less even."""

_TENS = np.array([10**k for k in range(A_WORD)], np.uint64)

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)

Digits = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Numbered:
    """Numbers of accounts, or of cards.

    Args:
        examples: what they look like; those of one length and, for accounts, country are drawn together.
        accounts: whether they are IBANs.
        separator: what stands between groups of four, "" for nothing.
    """

    examples: Sequence[str]
    accounts: bool
    separator: str = ""

    @cached_property
    def _families(self) -> list[tuple[npt.NDArray[np.int64], Digits]]:
        """The examples of each length and country: which they are, and their characters as numbers below 36."""
        told = [(len(text), text[:2] if self.accounts else "") for text in self.examples]
        found = []
        for family in sorted(set(told)):
            members = np.array([i for i, each in enumerate(told) if each == family], np.int64)
            found.append((members, np.array([[int(c, 36) for c in self.examples[i]] for i in members], np.int64)))
        return found

    def draw(self, which: npt.NDArray[np.int64], seeds: Words) -> pa.Array[Any]:
        """Draw a number a row.

        Args:
            which: the example each is like, shape (n,).
            seeds: random words, shape (n, 2).
        """
        pieces, rows = [], []
        for members, characters in self._families:
            at = np.flatnonzero(np.isin(which, members))
            base = characters[np.searchsorted(members, which[at])]
            drawn = _redrawn(base, seeds[at], ACCOUNT_WORDS if self.accounts else CARD_WORDS)
            if self.accounts:
                country = self.examples[int(members[0])][:2]
                check = iban_digits(country, drawn[:, 4:])
                drawn[:, 2], drawn[:, 3] = check // 10, check % 10
            else:
                drawn[:, -1] = luhn_digits(drawn[:, :-1])
            pieces.append(_strings(drawn, self.separator))
            rows.append(at)
        order = np.argsort(np.concatenate(rows), kind="stable")
        return pa.concat_arrays(pieces).take(order)


def _redrawn(base: Digits, seeds: Words, first: int) -> Digits:
    """Characters from place `KEPT` on drawn afresh, digits as digits and letters as letters."""
    drawn, length = base.copy(), base.shape[1]
    for at in range(KEPT, length, A_WORD):
        word, count = mixed(seeds, first + at), min(A_WORD, length - at)
        drawn[:, at : at + count] = word[:, None] // _TENS[:count] % np.uint64(10)
    rows, places = np.nonzero(base[:, KEPT:] > 9)
    for at in np.unique(places) + KEPT:
        letters = rows[places == at - KEPT]
        drawn[letters, at] = 10 + (mixed(seeds[letters], first - at) % np.uint64(26)).astype(np.int64)
    return drawn


def _strings(characters: Digits, separator: str) -> pa.Array[Any]:
    """Rows of numbers below 36 as strings, in groups if there is a separator."""
    spelled = _ALPHABET[characters]
    if separator:
        at = np.arange(GROUP, spelled.shape[1], GROUP)
        spelled = np.insert(spelled, at, ord(separator), axis=1)
    n, length = spelled.shape
    offsets = np.arange(0, (n + 1) * length, max(length, 1), dtype=np.int32)[: n + 1]
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets.tobytes()), pa.py_buffer(spelled.tobytes()))
