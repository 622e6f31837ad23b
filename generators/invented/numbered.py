"""Account and card numbers like examples: their digits drawn afresh, their check digits right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generators.invented.cards import FREE
from generators.invented.strings import Words, mixed
from schemas.check_digits import iban_digits, luhn_digits

KEPT = 4
"""So many characters of an account stay as in the example: its country, and its check digits at first."""

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
        examples: what they look like, cards as `generators.invented.cards.forms` has them; those of one length and, for
            accounts, country are drawn together.
        accounts: whether they are IBANs.
        separator: what stands between groups of four, "" for nothing.
    """

    examples: Sequence[str]
    accounts: bool
    separator: str = ""

    @cached_property
    def _families(self) -> list[tuple[npt.NDArray[np.int64], Digits, int]]:
        """The examples of each length and country: which they are, characters as numbers, how many of them stay."""
        told = [(len(text), text[:2] if self.accounts else str(text.index(FREE))) for text in self.examples]
        found = []
        for family in sorted(set(told)):
            members = np.array([i for i, each in enumerate(told) if each == family], np.int64)
            texts = [self.examples[i].replace(FREE, "0") for i in members]
            kept = KEPT if self.accounts else int(family[1])
            found.append((members, np.array([[int(c, 36) for c in text] for text in texts], np.int64), kept))
        return found

    def draw(self, which: npt.NDArray[np.int64], seeds: Words) -> pa.Array[Any]:
        """Draw a number a row.

        Args:
            which: the example each is like, shape (n,).
            seeds: random words, shape (n, 2).
        """
        pieces, rows = [], []
        for members, characters, kept in self._families:
            at = np.flatnonzero(np.isin(which, members))
            base = characters[np.searchsorted(members, which[at])]
            drawn = _redrawn(base, seeds[at], ACCOUNT_WORDS if self.accounts else CARD_WORDS, kept)
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


def _redrawn(base: Digits, seeds: Words, first: int, kept: int) -> Digits:
    """All characters but those kept drawn afresh, digits as digits and letters as letters."""
    drawn, length = base.copy(), base.shape[1]
    for at in range(kept, length, A_WORD):
        word, count = mixed(seeds, first + at), min(A_WORD, length - at)
        drawn[:, at : at + count] = word[:, None] // _TENS[:count] % np.uint64(10)
    rows, places = np.nonzero(base[:, kept:] > 9)
    for at in np.unique(places) + kept:
        letters = rows[places == at - kept]
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
