"""What columns of text mean: recognised by their values above all, with their names as a hint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.calling_codes import COUNTRIES, called
from schemas.semantics import DECLARED, SEMANTICS, Proof, Semantic
from schemas.table import MIN_SHARED_ROWS

LOOKED_AT = 5_000
"""So many distinct values are looked at, evenly spread."""

FIRST_LOOK = 50
"""So many are looked at before the others are."""

ENOUGH = 20
"""Lists prove something by themselves from so many distinct values on: a few are in some list by chance."""

VAGUE_SHARE = 0.5
"""The part of the rows that has to be listed where the column's name is vague."""

MIN_LOCALE_SHARE = 0.01
MAX_LOCALES = 8

MIN_KNOWN_SHARE = 0.3
"""The part of the rows that has to speak of a country for any to be believed: most mail goes to .com."""

DEFAULT_LOCALES = ("en_US",)

SPEAKING = ("country", "iban", "phone", "email")
"""Meanings whose values speak of a country, the best first."""


@dataclass(frozen=True, eq=False)
class Texts:
    """The values of a column.

    Args:
        values: the distinct ones, none missing.
        counts: how many rows hold each, shape (values,).
    """

    values: Sequence[str]
    counts: npt.NDArray[np.int64]

    def spread(self, most: int) -> Texts:
        """At most so many of them, evenly spread."""
        step = -(-len(self.values) // most) if self.values else 1
        return Texts(self.values[::step], self.counts[::step])

    def share(self, fits: Sequence[bool]) -> float:
        """The part of the rows whose values fit."""
        return float(self.counts[np.array(fits, bool)].sum() / max(self.counts.sum(), 1))


def plain_name(name: str) -> str:
    """A column's name as words in lower case.

    >>> [plain_name(name) for name in ("customerEmail", "ZIP-Code", "Phone 2", "IPAddress")]
    ['customer_email', 'zip_code', 'phone', 'ip_address']
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    words = re.sub(r"[^\w]+|_+", "_", split).strip("_").lower()
    return re.sub(r"_?\d+$", "", words) or words


def stem(name: str, known: Sequence[str]) -> str | None:
    """What stands before one of some known names at a name's end, "" for nothing; None where none of them is there.

    >>> stem("billing_city", ("city",)), stem("city", ("city",)), stem("velocity", ("city",))
    ('billing', '', None)
    """
    plain = plain_name(name)
    for each in sorted(known, key=len, reverse=True):
        if plain == each:
            return ""
        if plain.endswith(f"_{each}"):
            return plain.removesuffix(f"_{each}")
    return None


def recognised(name: str, texts: Texts) -> str | None:
    """What a column means; None where its values and its name do not say.

    Args:
        name: the column's name.
        texts: its values.

    >>> found = Texts(["ann@example.com", "bo@example.org"], np.array([1, 1]))
    >>> recognised("contact", found)
    'email'
    """
    texts = texts.spread(LOOKED_AT)
    if not len(texts.values):
        return None
    found = [kind for kind in DECLARED if _looks(kind, texts) and _proved(kind, name, texts)]
    # Surnames are first names too: what the column is called outright goes before what it is called vaguely.
    outright = (k for k in found if (k.proof is Proof.VALUES and k.made is not None) or stem(name, k.names) is not None)
    return next((kind.name for kind in (*outright, *found)), None)


def is_card(texts: Texts) -> bool:
    """Whether integers are numbers of payment cards, by their check digits."""
    card = SEMANTICS["card_number"]
    return len(texts.values) >= ENOUGH and _looks(card, texts.spread(LOOKED_AT))


def _looks(kind: Semantic, texts: Texts) -> bool:
    first = texts.spread(FIRST_LOOK)
    if sum(map(kind.fits, first.values)) < kind.share * len(first.values) / 2:
        return False
    return texts.share(list(map(kind.fits, texts.values))) >= kind.share


def _proved(kind: Semantic, name: str, texts: Texts) -> bool:
    named = stem(name, kind.names) is not None
    if kind.proof is Proof.VALUES:
        return True
    if kind.evident is not None:
        evident = [re.fullmatch(kind.evident, text) is not None for text in texts.values]
        named = named or texts.share(evident) >= kind.share
    if kind.proof is Proof.NAME or (kind.proof is Proof.NAME_OR_LIST and named):
        return named
    if kind.proof is Proof.NAME_AND_LIST:
        return named and _listed(kind, texts) >= kind.share
    if stem(name, kind.vague) is not None:
        return _listed(kind, texts) >= VAGUE_SHARE
    return len(texts.values) >= ENOUGH and _listed(kind, texts) >= kind.share


def _listed(kind: Semantic, texts: Texts) -> float:
    """The part of the rows whose first word, or whole value, is in one list and whose last word is in the other."""
    from schemas import fakers  # noqa: PLC0415  # takes a while, and few columns come so far

    lists = [fakers.countries() if each == "countries" else fakers.words(each) for each in kind.listed]

    def listed(text: str) -> bool:
        folded = text.casefold()
        if len(lists) == 1:
            return folded in lists[0]
        split = folded.split(", ") if "," in folded else folded.split()
        return split[0] in lists[0] and split[-1] in lists[1]

    return texts.share(list(map(listed, texts.values)))


def locales_of(meanings: Mapping[str, tuple[str, Texts]]) -> tuple[str, ...]:
    """The locales that a table's people and places are of, the most frequent first.

    Countries say it best, then bank accounts, phone numbers with their country's code, and where mail goes to.

    Args:
        meanings: by column what it means, and its values.
    """
    for name in SPEAKING:
        rows: Counter[str] = Counter()
        for meaning, texts in meanings.values():
            if meaning == name:
                for text, count in zip(texts.values, texts.counts.tolist(), strict=True):
                    rows[country_of(meaning, text)] += count
        total = rows.total()
        rows.pop("", None)
        found = _locales(rows, total)
        if found:
            return found
    return DEFAULT_LOCALES


def country_of(meaning: str, text: str) -> str:
    """The two letters of the country that a value speaks of, "" where it does not.

    Args:
        meaning: one of `SPEAKING`.
        text: the value.

    >>> country_of("country", "Poland"), country_of("iban", "FR14 2004"), country_of("email", "a@b.de")
    ('PL', 'FR', 'DE')
    >>> country_of("phone", "+1 212 555 0100"), country_of("phone", "212 555 0100")
    ('US', '')
    """
    from schemas import fakers  # noqa: PLC0415

    if meaning == "phone":
        calling = called(text)
        return "" if calling is None else COUNTRIES[calling][0]
    if meaning == "country":
        return fakers.countries().get(text.casefold(), "")
    code = text[:2] if meaning == "iban" else text.rpartition(".")[2].upper()
    code = {"UK": "GB"}.get(code, code)
    return code if len(code) == 2 and code.casefold() in fakers.countries() else ""


def _locales(rows: Counter[str], total: int) -> tuple[str, ...]:
    from schemas import fakers  # noqa: PLC0415

    if rows.total() < MIN_KNOWN_SHARE * total:
        return ()
    least = max(MIN_SHARED_ROWS, MIN_LOCALE_SHARE * total)
    common = [country for country, count in rows.most_common(MAX_LOCALES) if count >= least]
    return tuple(dict.fromkeys(filter(None, map(fakers.locale_of, common))))
