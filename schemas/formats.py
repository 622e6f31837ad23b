"""What strings look like, without what they say: the format of a text, identifier or key column."""

from __future__ import annotations

import string
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from schemas.table import MIN_SHARED_ROWS

ALPHABETS: Mapping[str, str] = {
    "nonzero": "123456789",
    "digit": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "letter": string.ascii_letters,
    "lower+digit": string.ascii_lowercase + string.digits,
    "upper+digit": string.ascii_uppercase + string.digits,
    "letter+digit": string.ascii_letters + string.digits,
}
"""The classes a place of a template can draw from, narrowest first."""

T = TypeVar("T")

MAX_TEMPLATES = 64
MAX_LENGTH = 80
MIN_COVERED = 0.8

ALMOST_ALL = 0.99
"""A character that so many of a template's values share at a place is fixed there."""

LOOKED_AT = 20_000


@dataclass(frozen=True)
class Template:
    """Strings of one length: at each place a fixed character or a class of `ALPHABETS`.

    Args:
        share: the part of the column's values that look like this, in (0, 1].
        places: one entry a character: the character itself, or the name of its class.
    """

    share: float
    places: tuple[str, ...]


@dataclass(frozen=True)
class TextFormat:
    """How the strings of a column look: templates, or the sizes of free text.

    Args:
        templates: shares summing to 1; empty for free text.
        words: quantiles of the number of words in a value, rising; empty with templates.
        letters: quantiles of the length of a word, rising; empty with templates.
    """

    templates: tuple[Template, ...] = ()
    words: tuple[int, ...] = ()
    letters: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> TextFormat:
        """Read the JSON form of `dataclasses.asdict`."""
        templates = tuple(Template(t["share"], tuple(t["places"])) for t in form["templates"])
        return cls(templates, tuple(form["words"]), tuple(form["letters"]))


class _Classes(dict[int, str]):
    """A translation table to digit, letter and capital, made as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character.isdigit():
            self[code] = "9"
        elif character.isalpha():
            self[code] = "A" if character.isupper() else "a"
        else:
            self[code] = character
        return self[code]


def format_of(values: Sequence[str], counts: Sequence[int]) -> TextFormat:
    """Describe strings by their format.

    Nothing is taken from fewer than five rows: a template needs five rows, a fixed character five distinct values.

    Args:
        values: the distinct values.
        counts: how many rows hold each, same length.

    >>> planes = [f"N{n}UA" for n in range(100, 120)]
    >>> format_of(planes, [3] * 20).templates[0].places
    ('N', '1', 'digit', 'digit', 'U', 'A')
    """
    rows = sum(counts)
    if rows < MIN_SHARED_ROWS:
        return TextFormat(words=(1,), letters=(6,))
    classes = _Classes()
    fine = [value.translate(classes) for value in values]
    coarse = str.maketrans({"9": "x", "a": "x", "A": "x"})
    for shapes in (fine, [shape.translate(coarse) for shape in fine]):
        templates = _templates(values, counts, shapes)
        if sum(t.share for t in templates) >= MIN_COVERED:
            return TextFormat(_renormalised(templates))
    return _free_text(values, counts)


def _templates(values: Sequence[str], counts: Sequence[int], shapes: Sequence[str]) -> list[Template]:
    rows: defaultdict[str, int] = defaultdict(int)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for value, count, shape in zip(values, counts, shapes, strict=True):
        rows[shape] += count
        members[shape].append(value)
    common = sorted((-n, shape) for shape, n in rows.items() if n >= MIN_SHARED_ROWS and 0 < len(shape) <= MAX_LENGTH)
    total = sum(counts)
    return [Template(-n / total, _places(_spread(members[shape]), shape)) for n, shape in islice(common, MAX_TEMPLATES)]


def _renormalised(templates: list[Template]) -> tuple[Template, ...]:
    covered = sum(t.share for t in templates)
    return tuple(Template(t.share / covered, t.places) for t in templates)


def _spread(listed: Sequence[T]) -> Sequence[T]:
    """At most `LOOKED_AT` of a list, evenly spread: values come sorted, and the first ones are alike."""
    return listed[:: len(listed) // LOOKED_AT + 1]


def _places(values: Sequence[str], shape: str) -> tuple[str, ...]:
    places: list[str] = []
    for sign, characters in zip(shape, zip(*values, strict=True), strict=True):
        seen = Counter(characters)
        common, held = seen.most_common(1)[0]
        if not sign.isalnum() or held >= max(MIN_SHARED_ROWS, ALMOST_ALL * len(values)):
            places.append(common)
        else:
            places.append(_class_of(set(seen), first=not places))
    return tuple(places)


def _class_of(seen: set[str], first: bool) -> str:
    plain = {c if c.isascii() else "0" if c.isdigit() else "A" if c.isupper() else "a" for c in seen}
    for name, alphabet in ALPHABETS.items():
        if name == "nonzero" and not first:
            continue
        if plain <= set(alphabet) and not (name in ("hex", "HEX") and len(plain) < 12):
            return name
    return "letter+digit"


def _free_text(values: Sequence[str], counts: Sequence[int]) -> TextFormat:
    split = [value.split() for value in _spread(values)]
    words = np.repeat([len(s) for s in split], np.minimum(_spread(counts), MIN_SHARED_ROWS))
    letters = np.array([len(word) for s in split for word in s] or [1])
    at = np.linspace(0.02, 0.98, 25)

    def quantiles(sizes: Any) -> tuple[int, ...]:
        return tuple(int(q) for q in np.maximum(np.quantile(sizes, at, method="nearest"), 1))

    return TextFormat(words=quantiles(words), letters=quantiles(letters))
