"""What the library Faker knows, and the only place that names it: words of a language, and examples of what is faked.

Only training needs it; what it gives is stored in the artifact. Importing it takes a while, so its users import this
module when they come to need it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from faker import Faker
from faker.config import AVAILABLE_LOCALES
from faker.providers.credit_card import Provider as Cards
from faker.providers.date_time import Provider as DateTime
from faker.providers.phone_number import Provider as Phones

DEFAULT_LOCALE = "en_US"

USUAL = {"BE": "nl_BE", "CA": "en_CA", "CH": "de_CH", "IN": "en_IN", "GB": "en_GB", "IE": "en_IE", "UA": "uk_UA"}
"""The locale of countries that have several, where it is not the one called after the country (de_DE)."""

Example = tuple[str, ...]


def locale_faults(locales: tuple[str, ...]) -> list[str]:
    """A line for each locale that Faker has not."""
    known = sorted(AVAILABLE_LOCALES)
    faults = []
    for locale in locales:
        if locale not in known:
            near = get_close_matches(locale.replace("-", "_"), known, 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "write language and country, as in de_DE"
            faults.append(f"locale={locale}: unknown to Faker; {hint}")
    return faults


def locale_of(country: str) -> str | None:
    """The locale of a country, by its two letters; None where Faker has none.

    >>> locale_of("DE"), locale_of("CH"), locale_of("US"), locale_of("AQ")
    ('de_DE', 'de_CH', 'en_US', None)
    """
    fitting = sorted(locale for locale in AVAILABLE_LOCALES if locale.endswith(f"_{country}"))
    first = [USUAL.get(country, ""), f"{country.lower()}_{country}", f"en_{country}"]
    return next((locale for locale in (*first, *fitting) if locale in fitting), None)


@cache
def countries() -> Mapping[str, str]:
    """Countries by name and by code of two or three letters, in lower case, to their two letters."""
    found = {"usa": "US", "uk": "GB", "u.s.": "US", "u.k.": "GB", "great britain": "GB", "england": "GB"}
    for country in DateTime.countries:
        for text in (country.name, country.alpha_2_code, country.alpha_3_code):
            found[text.casefold()] = country.alpha_2_code
    found |= {"deutschland": "DE", "österreich": "AT", "schweiz": "CH", "españa": "ES", "polska": "PL"}
    return found


@cache
def words(what: str) -> frozenset[str]:
    """All that the locales list of something, in lower case.

    Args:
        what: "first_names", "last_names" or "states".
    """
    provider = "address" if what == "states" else "person"
    found: set[str] = set()
    for locale in sorted({*AVAILABLE_LOCALES} - {"fr_QC"}):  # which only warns of being out of use
        with suppress(ModuleNotFoundError):
            listing = import_module(f"faker.providers.{provider}.{locale}").Provider
            for attribute in dir(listing):
                if attribute.startswith((what, "provinces" if what == "states" else what)):
                    listed: Any = getattr(listing, attribute)
                    found.update(_flat(listed))
    return frozenset(found)


def _flat(listed: Any) -> Iterator[str]:
    """The texts of a list, of a list of tuples, or the keys of a mapping."""
    for entry in listed if isinstance(listed, tuple | list | dict) else ():
        texts = entry if isinstance(entry, tuple) else (entry,)
        yield from (text.casefold() for text in texts if isinstance(text, str) and not text.isdigit())


def calling_codes() -> frozenset[str]:
    """What telephone numbers begin with abroad, as far as countries and services are told by it."""
    return frozenset(code.removeprefix("+").split()[0] for code in Phones.country_calling_codes)


@cache
def card_networks() -> Mapping[str, tuple[tuple[str, ...], int]]:
    """Payment cards by network: what numbers begin with ("#" a digit, "%" one that is not 0), and how long they are.

    >>> card_networks()["amex"]
    (('34', '37'), 15)
    """
    found = {
        (tuple(p for p in kind.prefixes if p[0] != "0"), kind.length): name
        for name, kind in Cards.credit_card_types.items()
    }
    return {name: known for known, name in found.items()}


def slug(text: str) -> str:
    """Letters and digits of a text, in lower case and ASCII.

    >>> slug("Jürgen O'Neil"), slug("Weiß GmbH & Co."), slug("山田")
    ('juergenoneil', 'weissgmbhco', '')
    """
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "o"), ("ł", "l"), ("æ", "ae")):
        text = text.lower().replace(letter, written)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]", "", plain)


def _place(faker: Faker) -> Example:
    """Street, city, state, its code and postcode; they agree as far as the locale's provider knows them together."""
    provider: Any = getattr(faker.postcode, "__self__", None)
    street, city, postcode = faker.street_address().replace("\n", ", "), faker.city(), faker.postcode()
    if hasattr(provider, "postcode_city_province"):
        postcode, city, code = re.split(r", | \(", provider.postcode_city_province().rstrip(")"), maxsplit=2)
        return street, city, code, code, postcode
    names = getattr(provider, "states", None) or getattr(provider, "provinces", ())
    codes = getattr(provider, "states_abbr", None) or getattr(provider, "provinces_abbr", None) or ()
    codes = [code for code in codes if code != "DC"]  # which is in no list of names
    if not isinstance(names, tuple | list) or not names or not isinstance(names[0], str):
        return street, city, city, slug(city)[:2].upper(), postcode
    at = faker.random_int(0, len(names) - 1)
    code = codes[at] if len(codes) == len(names) else slug(names[at])[:2].upper()
    with suppress(AttributeError):
        within: Any = getattr(provider, "postcode_in_state", None) or provider.postcode_in_province
        postcode = within(code)
    return street, city, names[at], code, postcode


def _company(faker: Faker) -> Example:
    """A company, and where its mail goes: a name that nobody can register (RFC 2606)."""
    company = faker.company()
    label = slug(re.split("[ ,-]", company)[0]) or f"company{faker.random_int(100, 999)}"
    return company, f"{label}.example.{faker.random_element(('com', 'net', 'org'))}"


MAKERS: Mapping[str, Callable[[Faker], Example]] = {
    "given": lambda faker: (faker.first_name(),),
    "family": lambda faker: (faker.last_name(),),
    "place": _place,
    "country": lambda faker: (faker.current_country_code(),),
    "phone": lambda faker: (faker.phone_number(),),
    "company": _company,
    "account": lambda faker: (faker.iban(),),
    "ip": lambda faker: (faker.ipv4_public(),),
    "mac": lambda faker: (faker.mac_address(),),
}
"""How Faker makes an example of each axis of `schemas.semantics.AXES` but cards, all its parts together."""


def examples(locale: str, axis: str, count: int, seed: int) -> list[Example]:
    """Have Faker make examples of an axis, repeated as often as it likes.

    A locale that lacks something (a phone number in en_PH) takes it from `DEFAULT_LOCALE`.

    Args:
        locale: one of Faker's.
        axis: one of `MAKERS`.
        count: how many.
        seed: seeds an instance of Faker's of its own.
    """
    faker = Faker(locale)
    faker.seed_instance(seed)
    make = MAKERS[axis]
    try:
        return [tuple(map(str, make(faker))) for _ in range(count)]
    except (AttributeError, ValueError):
        return examples(DEFAULT_LOCALE, axis, count, seed) if locale != DEFAULT_LOCALE else []
