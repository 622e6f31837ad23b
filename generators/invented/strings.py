"""Fresh strings of a given format, from raw words."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.formats import ALPHABETS, Template, TextFormat

Words = npt.NDArray[np.uint64]

_CONSONANTS = np.array([ord(c) for c in "bcdfghjklmnprstvwz"], np.uint32)
_VOWELS = np.array([ord(c) for c in "aeiou"], np.uint32)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def alphabet(place: str) -> str:
    """The characters a place of a template draws from.

    >>> alphabet("N"), alphabet("digit")
    ('N', '0123456789')
    """
    return place if len(place) == 1 else ALPHABETS[place]


def variety(text: TextFormat) -> float:
    """How many strings the least various template can spell; 0 for free text."""
    sizes = [np.prod([float(len(alphabet(p))) for p in t.places]) for t in text.templates]
    return float(min(sizes, default=0.0))


def strings(text: TextFormat, seeds: Words) -> npt.NDArray[np.str_]:
    """Spell one string a row.

    Args:
        text: what the strings look like.
        seeds: random words; each string is a function of its two, shape (n, 2).

    Returns:
        The strings, shape (n,).
    """
    if text.templates:
        return _from_templates(text.templates, seeds)
    return _free_text(text, seeds)


def mixed(seeds: Words, place: int) -> Words:
    """The place-th word of the sequence that two seeds start (splitmix64, the second seed folded in half way).

    Args:
        seeds: random words, shape (n, 2).
        place: from 0.
    """
    with np.errstate(over="ignore"):
        z = seeds[:, 0] + _GOLDEN * np.uint64(place + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ seeds[:, 1] ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        word: Words = z ^ (z >> np.uint64(31))
        return word


def _from_templates(templates: tuple[Template, ...], seeds: Words) -> npt.NDArray[np.str_]:
    length = max(len(t.places) for t in templates)
    shares = np.cumsum([t.share for t in templates])
    which = np.searchsorted(shares, unit(mixed(seeds, 0)) * shares[-1], side="right").clip(0, len(templates) - 1)
    letters = np.zeros((len(seeds), length), np.uint32)
    for index, template in enumerate(templates):
        rows = np.flatnonzero(which == index)
        for at, place in enumerate(template.places):
            known = np.array([ord(c) for c in alphabet(place)], np.uint32)
            drawn = mixed(seeds[rows], at + 1) % np.uint64(len(known))
            letters[rows, at] = known[drawn.astype(np.int64)]
    spelled: npt.NDArray[np.str_] = letters.view(f"<U{length}").ravel()
    return spelled


def unit(raw: Words) -> npt.NDArray[np.float64]:
    """Words as uniforms in [0, 1), of the same shape."""
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _free_text(text: TextFormat, seeds: Words) -> npt.NDArray[np.str_]:
    place = 0

    def pick(choices: npt.NDArray[Any]) -> npt.NDArray[Any]:
        nonlocal place
        place += 1
        chosen: npt.NDArray[Any] = choices[(mixed(seeds, place) % np.uint64(len(choices))).astype(np.int64)]
        return chosen

    count = pick(np.array(text.words))
    said = []
    for nth in range(max(text.words)):
        size = np.where(nth < count, pick(np.array(text.letters)), 0)
        letters = np.zeros((len(seeds), max(text.letters)), np.uint32)
        for at in range(letters.shape[1]):
            letters[:, at] = np.where(at < size, pick(_VOWELS if at % 2 else _CONSONANTS), 0)
        said.append(letters.view(f"<U{letters.shape[1]}").ravel().tolist())
    return np.array([" ".join(filter(None, row)) for row in zip(*said, strict=True)], dtype=np.str_)
