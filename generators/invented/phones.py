"""Phone numbers in the format that a table's have, each with the code of its own locale's country."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from schemas.calling_codes import CODES, SIGNS, called
from schemas.formats import Template, TextFormat, format_of
from schemas.table import MIN_SHARED_ROWS

INTERNATIONAL = 0.95
"""Numbers are for calls from abroad where so many rows have a country's code."""

PLAIN = TextFormat((Template(1.0, (" ", "nonzero", *["digit"] * 8)),))
"""How numbers go on behind the code where the table's have no format."""


def formats(rows: Mapping[str, int], locales: tuple[str, ...]) -> dict[str, TextFormat]:
    """How numbers of each locale look: begun by its country's code, and going on as the country's do in the table.

    A country of which the table has fewer than five rows has numbers that go on as the others do.

    Args:
        rows: how many rows hold each real number.
        locales: as in "de_DE".

    Returns:
        By locale, where its country has a code; nothing where the table's numbers are not for calls from abroad.

    >>> found = formats({f"+49 30 {n}": 1 for n in range(1_000, 1_090)}, ("de_DE", "fr_FR"))
    >>> ["".join(text.templates[0].places[:7]) for text in found.values()]
    ['+49 30 ', '+33 30 ']
    """
    coded = {number: code for number in rows if (code := called(number)) is not None}
    if not coded or sum(rows[number] for number in coded) < INTERNATIONAL * sum(rows.values()):
        return {}
    signs = Counter({sign: sum(rows[n] for n in coded if n.startswith(sign)) for sign in SIGNS})
    sign = signs.most_common(1)[0][0]
    behind: dict[str, Counter[str]] = {}
    everywhere: Counter[str] = Counter()
    for number, code in coded.items():
        rest = next(number.removeprefix(each) for each in SIGNS if number.startswith(each)).removeprefix(code)
        for some in (behind.setdefault(code, Counter()), everywhere):
            some[rest] += rows[number]
    found = {}
    for locale in locales:
        code = CODES.get(locale.rpartition("_")[2], "")
        mine = behind.get(code, Counter())
        text = _format(mine if mine.total() >= MIN_SHARED_ROWS else everywhere)
        if code:
            found[locale] = TextFormat(tuple(Template(t.share, (*sign, *code, *t.places)) for t in text.templates))
    return found


def _format(rests: Counter[str]) -> TextFormat:
    text = format_of(list(rests), list(rests.values()))
    return text if text.templates else PLAIN
