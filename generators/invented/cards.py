"""What numbers of payment cards look like: their network's prefix and length, and a beginning that no real one has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from generators.invented.persona_kernels import FREE_DIGIT
from generators.randomness import Key, words
from schemas.table import MIN_SHARED_ROWS

ISSUER = 6
"""So many digits say who issued a card; numbers keep as many, or more where real ones begin with the same."""

TRIES = 8
"""So many beginnings of a length are tried before they get longer."""

Networks = Mapping[str, tuple[tuple[str, ...], int]]
"""By name the prefixes of a network's numbers, "#" for a digit and "%" for one that is not 0; and their length."""


def forms(rows: Mapping[str, int], networks: Networks, count: int, key: Key) -> list[str]:
    """What numbers look like that are drawn: digits that are kept, then those that are free, the check digit the last.

    Networks are as frequent as in the table, where five rows or more have their cards. No real number begins with the
    digits that are kept, so none is ever drawn.

    Args:
        rows: how many rows hold each real number.
        networks: those there are.
        count: how many.
        key: of the words that digits are drawn from.

    >>> visa = {"visa": (("4",), 16)}
    >>> [form[0] + form[6:] for form in forms({"4111 1111 1111 1111": 5}, visa, 2, (1, 2))]
    ['4xxxxxxxxxx', '4xxxxxxxxxx']
    """
    real = {re.sub("[ -]", "", number): n for number, n in rows.items()}
    seen = Counter[str]()
    for number, n in real.items():
        seen.update({name: n for name, known in networks.items() if _is_of(number, *known)})
    shares = {name: n for name, n in seen.items() if n >= MIN_SHARED_ROWS} or dict.fromkeys(networks, 1)
    upto = np.cumsum(list(shares.values()))
    names = [
        list(shares)[i] for i in np.searchsorted(upto, (np.arange(count) + 0.5) * (upto[-1] / count), side="right")
    ]
    taken: dict[int, set[str]] = {}
    drawn = _words(key)
    return [_form(*networks[name], real, taken, drawn) for name in names]


def _form(
    prefixes: tuple[str, ...], length: int, real: Mapping[str, int], taken: dict[int, set[str]], drawn: Iterator[int]
) -> str:
    """One form of a network's.

    Args:
        prefixes: the network's.
        length: of its numbers.
        real: the real numbers.
        taken: by length what these begin with; noted where it was not yet.
        drawn: random words.
    """
    kept = ""
    for tried in range(TRIES * (length - 1 - ISSUER)):
        size = ISSUER + tried // TRIES
        if size not in taken:
            taken[size] = {number[:size] for number in real}
        pattern = prefixes[next(drawn) % len(prefixes)].ljust(size, "#")
        kept = "".join(_digit(sign, drawn) for sign in pattern)
        if kept not in taken[size]:
            break
    return kept.ljust(length, chr(FREE_DIGIT))


def _digit(sign: str, drawn: Iterator[int]) -> str:
    if sign == "#":
        return str(next(drawn) % 10)
    return str(1 + next(drawn) % 9) if sign == "%" else sign


def _is_of(number: str, prefixes: tuple[str, ...], length: int) -> bool:
    signs = ("".join({"#": "[0-9]", "%": "[1-9]"}.get(sign, sign) for sign in prefix) for prefix in prefixes)
    return len(number) == length and re.match("|".join(signs), number) is not None


def _words(key: Key) -> Iterator[int]:
    block = 0
    while True:
        yield from words(key, block, 4_096).tolist()
        block += 1
