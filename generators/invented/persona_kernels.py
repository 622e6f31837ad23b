"""Personas in compiled code: which examples a row has, and its texts put together from them, byte by byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.kernel import inlined, kernel

LITERAL, EXAMPLE, NUMBER, ACCOUNT, CARD = range(5)
"""What a piece of a text is: always the same; an example; digits; a bank account's number; a payment card's."""

NUMBER_WORD, LOCALE_WORD = 100, 101
"""The words of a persona's that its digits and its locale are drawn by; those before are its axes'."""

FORM_WORDS = 1_000
"""The words from here on are for free characters of accounts and cards."""

A_WORD = 12
"""So many characters come out of a word, by its `EVEN` highest bits; what more it would give is less even."""

EVEN = 59
"""So many bits, times an alphabet's size, are still 64."""

GROUP = 4
"""Numbers of accounts and cards are written in groups of so many characters, where they are in groups."""

FREE_DIGIT, FREE_LETTER = ord("x"), ord("X")
"""What stands in the form of a number for a digit, and for a letter, that is drawn afresh."""

CHUNK = 16
"""So many bytes are copied at once, wanted or not, since the next text is written over those that are not."""

U64 = np.uint64
"""Positions are made unsigned where they index bytes; see `schemas.encode_kernels`."""

_ZERO, _A = ord("0"), ord("A")
_DIGITS, _LETTERS, _SPARE, _MASK = U64(10), U64(26), U64(64 - EVEN), U64(2**EVEN - 1)
_GOLDEN = U64(0x9E3779B97F4A7C15)
_FIRST, _SECOND, _THIRD = U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB), U64(0xD6E8FEB86659FD93)

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]


@inlined
def word(first: Any, second: Any, place: int) -> Any:
    """The place-th word of the sequence that two seeds start, as `generators.invented.strings.mixed` has it."""
    z = first + _GOLDEN * U64(place + 1)
    z = (z ^ (z >> U64(30))) * _FIRST
    z = (z ^ second ^ (z >> U64(27))) * _SECOND
    z = (z ^ (z >> U64(32))) * _THIRD
    return z ^ (z >> U64(31))


@kernel
def picked(seeds: Words, ranks: Longs, upto: Floats, axes: Longs, first: Longs, count: Longs) -> Longs:
    """The example that each row has of each axis, shape (axes, rows).

    Args:
        seeds: two random words a row, shape (rows, 2).
        ranks: which personas come again, shape (rows,); or (0,) for fresh ones.
        upto: how likely a locale is or one before it, shape (locales,).
        axes: by axis the place of its word, and whether examples are dealt out by rank, shape (axes, 2).
        first: by axis and locale where its examples begin, shape (axes, locales).
        count: and how many there are.
    """
    rows, locales = len(seeds), len(upto)
    found = np.empty((len(axes), rows), np.int64)
    for row in range(rows):
        one, two = seeds[row, 0], seeds[row, 1]
        at = np.float64(word(one, two, LOCALE_WORD) >> U64(11)) * 2.0**-53 * upto[locales - 1]
        locale = 0
        while locale < locales - 1 and at >= upto[locale]:
            locale += 1
        for axis in range(len(axes)):
            size = count[axis, locale]
            if len(ranks) > 0 and axes[axis, 1]:
                found[axis, row] = first[axis, locale] + ranks[row] % size
            else:
                high = word(one, two, axes[axis, 0]) >> U64(32)
                found[axis, row] = first[axis, locale] + np.int64((high * U64(size)) >> U64(32))
    return found


@kernel
def written(text: Bytes, ends: Longs, pieces: Longs, chosen: Longs, seeds: Words, out: Bytes, offsets: Any) -> int:
    """Write the texts of a column side by side; returns where the last one ends.

    Args:
        text: all that pieces are copied from, and `CHUNK` bytes more.
        ends: where each entry of it begins, and the last one ends, shape (entries + 1,).
        pieces: what a text is put together from, shape (pieces, 4): what it is; its first entry, or how many digits;
            its axis; the byte between groups, or 0.
        chosen: as `picked` has it, shape (axes, rows).
        seeds: two random words a row, shape (rows, 2).
        out: takes the texts, and has room for as many of the longest and `CHUNK` bytes more.
        offsets: takes where each text begins and ends, shape (rows + 1,).
    """
    at = 0
    offsets[0] = 0
    for row in range(len(seeds)):
        for piece in range(len(pieces)):
            kind, entry = pieces[piece, 0], pieces[piece, 1]
            if kind == NUMBER:
                rest = word(seeds[row, 0], seeds[row, 1], NUMBER_WORD) >> _SPARE
                for _ in range(entry):
                    rest *= _DIGITS
                    out[U64(at)] = _ZERO + np.int64(rest >> U64(EVEN))
                    rest &= _MASK
                    at += 1
                continue
            if kind != LITERAL:
                entry += chosen[pieces[piece, 2], row]
            begin, end = ends[entry], ends[entry + 1]
            if kind <= EXAMPLE:
                for i in range(U64(0), U64(end - begin), U64(CHUNK)):
                    for k in range(U64(CHUNK)):
                        out[U64(at) + i + k] = text[U64(begin) + i + k]
                at += end - begin
            else:
                start = at
                at = _drawn(text[begin:end], seeds[row, 0], seeds[row, 1], pieces[piece, 3], out, at)
                if kind == ACCOUNT:
                    _check_account(out, start, at, pieces[piece, 3])
                else:
                    _check_card(out, start, at, pieces[piece, 3])
        offsets[row + 1] = at
    return at


@inlined
def _drawn(form: Bytes, first: Any, second: Any, separator: int, out: Bytes, at: int) -> int:
    """Write a number like a form, its free characters drawn afresh; returns where it ends."""
    rest, left = U64(0), 0
    for k in range(len(form)):
        if separator and k and k % GROUP == 0:
            out[at] = separator
            at += 1
        sign = np.int64(form[k])
        if sign in (FREE_DIGIT, FREE_LETTER):
            if left == 0:
                rest, left = word(first, second, FORM_WORDS + k) >> _SPARE, A_WORD
            left -= 1
            rest *= _DIGITS if sign == FREE_DIGIT else _LETTERS
            sign = (_ZERO if sign == FREE_DIGIT else _A) + np.int64(rest >> U64(EVEN))
            rest &= _MASK
        out[at] = sign
        at += 1
    return at


@inlined
def _check_card(out: Bytes, start: int, end: int, separator: int) -> None:
    """Put the check digit of a payment card at its end (ISO/IEC 7812-1, the Luhn formula)."""
    total, doubled = np.int64(0), True
    for at in range(end - 2, start - 1, -1):
        if separator and out[at] == separator:
            continue
        digit = np.int64(out[at]) - _ZERO
        total += digit
        if doubled:
            total += digit - (9 if digit > 4 else 0)
        doubled = not doubled
    out[end - 1] = _ZERO + (10 - total % 10) % 10


@inlined
def _check_account(out: Bytes, start: int, end: int, separator: int) -> None:
    """Put the check digits of an IBAN behind its country (ISO 13616 and ISO 7064, MOD 97-10)."""
    rest = np.int64(0)
    for i in range(start + 4, end + 2):
        sign = np.int64(out[i] if i < end else out[start + i - end])
        if sign >= _A:
            rest = (100 * rest + sign - _A + 10) % 97
        elif sign >= _ZERO:
            rest = (10 * rest + sign - _ZERO) % 97
    check = 98 - 100 * rest % 97
    out[start + 2], out[start + 3] = _ZERO + check // 10, _ZERO + check % 10
