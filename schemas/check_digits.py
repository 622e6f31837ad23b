"""Check digits of bank accounts and payment cards: whether a text has them right."""

from __future__ import annotations

import re

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
