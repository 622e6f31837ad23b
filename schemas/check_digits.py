"""Check digits of bank accounts and payment cards: whether a text has them right, and what they have to be."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
CARD = re.compile(r"[1-6][0-9]{11,18}")

Digits = npt.NDArray[np.int64]


def iban_valid(text: str) -> bool:
    """Whether a text is an IBAN, blanks left out, with its check digits right.

    Source: ISO 13616 and ISO 7064, MOD 97-10.

    >>> iban_valid("GB82 WEST 1234 5698 7654 32"), iban_valid("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    plain = text.replace(" ", "")
    if IBAN.fullmatch(plain) is None:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def card_valid(text: str) -> bool:
    """Whether a text is the number of a payment card, blanks and dashes left out, with its check digit right.

    Source: ISO/IEC 7812-1, the Luhn formula.

    >>> card_valid("4111 1111 1111 1111"), card_valid("4111 1111 1111 1112")
    (True, False)
    """
    plain = text.replace(" ", "").replace("-", "")
    if CARD.fullmatch(plain) is None:
        return False
    digits = np.array([[int(c) for c in plain]])
    return bool(luhn_digits(digits[:, :-1])[0] == digits[0, -1])


def luhn_digits(digits: Digits) -> Digits:
    """The check digit of each number.

    Args:
        digits: the digits before it, shape (n, k).

    >>> luhn_digits(np.array([[7, 9, 9, 2, 7, 3, 9, 8, 7, 1]])).tolist()
    [3]
    """
    doubled = digits[:, ::-1].copy()
    doubled[:, ::2] *= 2
    doubled[doubled > 9] -= 9
    found: Digits = -doubled.sum(axis=1) % 10
    return found


def iban_digits(country: str, account: npt.NDArray[Any]) -> Digits:
    """The two check digits of each IBAN of a country, as a number.

    Args:
        country: two letters.
        account: what follows the check digits, a number from 0 to 35 a place, letters from 10, shape (n, k).

    >>> iban_digits("GB", np.array([[int(c, 36) for c in "WEST12345698765432"]])).tolist()
    [82]
    """
    wide = (account > 9).astype(np.int64)  # a letter counts for two digits
    tail = np.array([[int(c, 36) for c in country]])
    values = np.concatenate([account, np.repeat(tail, len(account), axis=0)], axis=1)
    places = np.concatenate([wide, np.ones((len(account), 2), np.int64)], axis=1) + 1
    behind = np.cumsum(places[:, ::-1], axis=1)[:, ::-1] - places + 2  # digits behind each, the "00" included
    powers = np.array([pow(10, k, 97) for k in range(int(behind.max(initial=0)) + 1)])
    found: Digits = 98 - (values * powers[behind]).sum(axis=1) % 97
    return found
