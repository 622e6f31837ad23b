"""From a real table's columns of people and places to personas: Faker's examples, less what is real."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generators.invented.cards import forms
from generators.invented.persona_kernels import FREE_DIGIT, FREE_LETTER
from generators.invented.personas import NUMBER, NUMBERED, Floats, Longs, Part, Persona, axis_of, meaning, parts_of
from generators.invented.phones import formats
from generators.invented.pools import ALMOST_UNIQUE, MAX_POOL, invented, popularity
from generators.randomness import Purpose, stream_key
from schemas.profile import Profile, value_counts
from schemas.recognition import SPEAKING, country_of
from schemas.semantics import AXES
from schemas.table import Column, TableSchema

EXAMPLES: Mapping[str, int] = {
    "given": 1_000,
    "family": 1_000,
    "company": 1_000,
    "account": 20,
    "card": 1_000,
    "country": 1,
}
"""How many examples of an axis are drawn, over all locales; of others as many as there are personas."""

FEWEST, MOST = 500, 4_000
"""Examples of the other axes: at least, and at most."""

ROUNDS = 8
"""So often more examples are drawn where real ones had to be left out."""

FRESH_DIGITS, FEW_DIGITS = 6, 3
"""How many digits a number has at least, for personas without end and for those that come again."""


@dataclass(frozen=True, eq=False)
class _Real:
    """The real values of a persona's columns, and whatever else examples are drawn by.

    Args:
        columns: the columns, by place in the table.
        values: their distinct values, the most frequent first, and how many rows hold each.
        profile: the table's.
        locales: Faker's locales.
        seed: seeds the examples.
        count: how many personas there seem to be.
    """

    columns: Mapping[int, Column]
    values: Mapping[int, Mapping[str, int]]
    profile: Profile
    locales: tuple[str, ...]
    seed: int
    count: int

    def telling(self, part: str) -> set[str]:
        """Real values that no example of a part may be."""
        found: set[str] = set()
        for i, column in self.columns.items():
            kind = meaning(column)
            if kind.telling and part in kind.parts:
                found.update(self.values[i])
            elif part == "street" and part in kind.parts:
                found.update(value.split(",")[0] for value in self.values[i])
            elif part == "domain" and part in kind.parts:
                found.update(re.sub(r"^\w+://|^.*@", "", value).split("/")[0].lower() for value in self.values[i])
        return found

    def seeded(self, what: str) -> int:
        """A seed for one use."""
        names = ",".join(column.name for column in self.columns.values())
        return stream_key(f"faker {names} {what}", self.seed, 0, 0, Purpose.TRAINING)[0]


def fit_persona(
    table: pa.Table, schema: TableSchema, profile: Profile, columns: Mapping[int, Column], seed: int
) -> Persona:
    """Draw what personas are made of.

    Args:
        table: the real rows.
        schema: the table's columns and locales.
        profile: their marginals.
        columns: those of the persona, by place in the table.
        seed: seeds the examples.
    """
    counted = [value_counts(table.column(column.name)) for column in columns.values()]
    values = {
        i: dict(zip(texts, counts.tolist(), strict=True)) for i, (texts, counts) in zip(columns, counted, strict=True)
    }
    rows = _rows_a_persona(table, columns)
    unique = len(rows) >= ALMOST_UNIQUE * max(int(rows.sum()), 1)
    real = _Real(columns, values, profile, schema.locales, seed, max(1, min(len(rows), MAX_POOL)))
    parts: dict[str, Part] = {}
    needed = parts_of(columns.values())
    for axis in dict.fromkeys(axis_of(name) for name in needed):
        parts |= _parts(axis, [name for name in needed if axis_of(name) == axis], real)
    numbered = [i for i in columns if _has(columns[i], NUMBER)]
    width = _digits([text for i in numbered for text in values[i]], FRESH_DIGITS if unique else FEW_DIGITS)
    digits = dict.fromkeys(numbered, width)
    separators = {i: _separator(list(values[i])) for i in columns if any(_has(columns[i], name) for name in NUMBERED)}
    ranks, reached = (None, None) if unique else popularity(rows, real.count)
    return Persona(columns, parts, _locale_shares(real), digits, separators, ranks, reached)


def _has(column: Column, part: str) -> bool:
    return part in meaning(column).parts[1::2]


def _rows_a_persona(table: pa.Table, columns: Mapping[int, Column]) -> Longs:
    """How many rows say the same in all columns, the most frequent first; rows that say nothing left out."""
    names = [str(i) for i in columns]
    said = pa.table([table.column(column.name).cast(pa.string()) for column in columns.values()], names=names)
    present = np.zeros(table.num_rows, bool)
    for name in names:
        present |= said.column(name).is_valid().to_numpy()
    counted = said.filter(pa.array(present)).group_by(names).aggregate([([], "count_all")])
    return np.sort(counted.column("count_all").to_numpy().astype(np.int64))[::-1]


def _locale_shares(real: _Real) -> Floats:
    """How frequent each locale is among the real rows, by their countries; all alike where these do not say."""
    from schemas import fakers  # noqa: PLC0415  # only training needs it

    for name in SPEAKING:
        rows: Counter[str | None] = Counter()
        for i, column in real.columns.items():
            if column.semantic == name:
                for text, count in real.values[i].items():
                    rows[fakers.locale_of(country_of(name, text))] += count
        found = np.array([rows[locale] for locale in real.locales], np.float64)
        if found.sum() > 0:
            shares: Floats = found / found.sum()
            return shares
    return np.full(len(real.locales), 1 / len(real.locales))


def _parts(axis: str, names: list[str], real: _Real) -> dict[str, Part]:
    """The examples of an axis, by part."""
    if axis == "phone":
        phones = _phones(real)
        if phones:
            return {"phone": _part(axis, [text for some in phones for text in some], map(len, phones))}
    if axis == "card":
        cards = _cards(real)
        return {"card": _part(axis, cards, [len(cards)])}
    size = EXAMPLES.get(axis, min(max(real.count, FEWEST), MOST))
    size = -(-size // len(real.locales))
    drawn = [_examples(axis, locale, size, real) for locale in real.locales]
    parts = {}
    for name in names:
        at = AXES[axis].index(name.removesuffix(".slug"))
        texts = [example[at] for some in drawn for example in some]
        if name.endswith(".slug"):
            texts = _slugs(texts, axis, real)
        if name == "iban":
            texts = [_account(text) for text in texts]
        if name == "country":
            texts = [_spelled_country(text, real) for text in texts]
        parts[name] = _part(axis, texts, map(len, drawn))
    return parts


def _part(axis: str, texts: list[str], counts: Iterable[int]) -> Part:
    """A part, by its examples and how many each locale has of them, or all locales together."""
    return Part(axis, pa.array(texts, pa.string()), np.cumsum([0, *counts]).astype(np.int64))


def _examples(axis: str, locale: str, size: int, real: _Real) -> list[tuple[str, ...]]:
    """Examples none of whose parts is real and telling."""
    from schemas import fakers  # noqa: PLC0415  # only training needs it

    barred = [real.telling(part) for part in AXES[axis]]

    def kept(example: tuple[str, ...]) -> bool:
        return not any(text in some for text, some in zip(example, barred, strict=True))

    found: list[tuple[str, ...]] = []
    for attempt in range(ROUNDS):
        drawn = fakers.examples(locale, axis, size, real.seeded(f"{axis} {locale} {attempt}"))
        found += filter(kept, drawn)
        if len(found) >= size:
            return found[:size]
    # Whatever the locale has is real: what is made of it is not.
    return found or [tuple(f"{text} {k}" for text in drawn[0]) for k in range(10**6, 10**6 + size)]


def _phones(real: _Real) -> list[list[str]]:
    """Phone numbers in the column's own format, which their readers know: locale by locale where they have the codes of
    their countries, else the same for all of them; none where the column has no format.
    """
    i = next(i for i, column in real.columns.items() if _has(column, "phone"))
    column, known = real.columns[i], set(real.values[i])
    text, coded = real.profile.columns[i].text, formats(real.values[i], real.locales)
    if len(coded) == len(real.locales):
        sizes = np.minimum(real.count, np.ceil(MAX_POOL * _locale_shares(real)).astype(np.int64).clip(1)).tolist()
        each = zip(real.locales, sizes, strict=True)
        return [invented(coded[locale], column, known, n, real.seeded(f"phone {locale}")) for locale, n in each]
    if text is None or not text.templates:
        return []
    return [invented(text, column, known, real.count, real.seed)]


def _account(text: str) -> str:
    """The form of an IBAN: its country, and whether digits or letters follow.

    >>> _account("GB82WEST12345698765432")
    'GB00XXXXxxxxxxxxxxxxxx'
    """
    return f"{text[:2]}00{re.sub('[A-Z]', chr(FREE_LETTER), re.sub('[0-9]', chr(FREE_DIGIT), text[4:]))}"


def _cards(real: _Real) -> list[str]:
    """What numbers of payment cards look like."""
    from schemas import fakers  # noqa: PLC0415  # only training needs it

    i = next(i for i, column in real.columns.items() if _has(column, "card"))
    key = stream_key(f"cards {real.columns[i].name}", real.seed, 0, 0, Purpose.TRAINING)
    return forms(real.values[i], fakers.card_networks(), EXAMPLES["card"], key)


def _slugs(texts: list[str], axis: str, real: _Real) -> list[str]:
    """Names as addresses have them; those in another script have one of the default locale's."""
    from schemas import fakers  # noqa: PLC0415  # only training needs it

    plain = [fakers.slug(text) for text in texts]
    if all(plain):
        return plain
    others = fakers.examples(fakers.DEFAULT_LOCALE, axis, len(plain), real.seeded(f"{axis} slugs"))
    return [own or fakers.slug(other[0]) for own, other in zip(plain, others, strict=True)]


def _spelled_country(code: str, real: _Real) -> str:
    """A country as the table spells it most often, else by its code."""
    for i, column in real.columns.items():
        if column.semantic == "country":
            return next((text for text in real.values[i] if country_of("country", text) == code), code)
    return code


def _digits(values: list[str], least: int) -> int:
    """How many digits numbers at the end of names get: as many as no real one has, so that none is met by chance."""
    taken = {len(re.search(r"\d*$", value.partition("@")[0]).group()) for value in values}  # type: ignore[union-attr]
    return next(width for width in range(least, least + len(taken) + 1) if width not in taken)


def _separator(values: list[str]) -> str:
    """What most real numbers have between groups of four."""
    signs = Counter("".join(re.findall("[ -]", value))[:1] for value in values)
    return signs.most_common(1)[0][0] if signs else ""
