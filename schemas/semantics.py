"""What columns of text can mean, a declaration each: how values look, what proves them, and what they are faked from.

A column is faked from the parts its declaration names (`AXES` has them). Columns that share parts, or
parts of one axis, agree with each other in every row; nothing else has to be said for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from schemas.check_digits import card_valid, iban_valid

WORD = r"[^\W\d_][\w'\u2019.`-]*"
"""A word as names have it: it begins with a letter."""

AXES: Mapping[str, tuple[str, ...]] = {
    "given": ("first",),
    "family": ("last",),
    "place": ("street", "city", "state", "state_code", "postcode"),
    "country": ("country",),
    "phone": ("phone",),
    "company": ("company", "domain"),
    "account": ("iban",),
    "card": ("card",),
    "ip": ("ip",),
    "mac": ("mac",),
}
"""What is drawn by itself, and the parts of values that it gives: those agree with each other."""

AXIS_OF: Mapping[str, str] = {part: axis for axis, parts in AXES.items() for part in parts}
"""The axis of each part."""

PART = re.compile(r"\{([a-z_.]+)\}")


class Proof(StrEnum):
    """What it takes, beside values that look right, to take a column for something."""

    VALUES = "values"
    """Nothing more: nothing else looks so."""
    NAME = "name"
    """The column's name says so."""
    NAME_OR_LIST = "name or list"
    """The column's name says so, or the values stand in Faker's lists."""
    NAME_AND_LIST = "name and list"
    """Both."""


@dataclass(frozen=True)
class Semantic:
    """One meaning a column may have.

    Args:
        name: what it is called.
        looks: a regular expression that whole values match.
        proof: what else it takes.
        names: how such columns are called, words joined by "_"; others may stand before ("billing_city").
        made: how a value is faked: text, with parts in braces; None where it is invented in the column's own format.
        valid: a check beyond the looks, such as check digits.
        listed: which list of Faker's has the values ("states", "countries"), or their first and their last word.
        evident: a narrower regular expression; values that match it need no name.
        vague: names that say it only where half of the rows are listed too.
        personal: values are never learned, however many rows share one; else a category may be.
        telling: real values are kept out of the faked ones; the others are too common to tell anything.
        apart: it says nothing of the person or place that the row is about, so nothing else agrees with it.
        grouped: values may be written in groups of four.
        share: the part of the rows that has to fit.
    """

    name: str
    looks: str
    proof: Proof
    names: tuple[str, ...] = ()
    made: str | None = None
    valid: Callable[[str], bool] | None = None
    listed: tuple[str, ...] = ()
    evident: str | None = None
    vague: tuple[str, ...] = ()
    personal: bool = True
    telling: bool = False
    apart: bool = False
    grouped: bool = False
    share: float = 0.95

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled `looks`."""
        return re.compile(self.looks)

    def fits(self, text: str) -> bool:
        """Whether a value looks right."""
        return self.pattern.fullmatch(text) is not None and (self.valid is None or self.valid(text))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts it is made of, and the text between them, in order: every other one is a part.

        >>> SEMANTICS["address"].parts
        ('', 'street', ', ', 'postcode', ' ', 'city', '')
        """
        return () if self.made is None else tuple(PART.split(self.made))


_ROAD = r"(?i:\b(?:rue|avenue|boulevard|chemin|impasse|place|via|viale|calle|ulica|street|road|lane|drive)\b)"
_FULL = ("full_name", "fullname", "person_name", "customer_name", "employee_name", "patient_name", "contact_name")
_PERSON = ("name", "customer", "contact", "person", "employee", "patient", "owner", "author", "holder", "recipient")

DECLARED = (
    Semantic(
        "iban", r"[A-Z]{2}[0-9]{2} ?[A-Z0-9 ]{11,38}", Proof.VALUES, ("iban",), "{iban}", iban_valid, grouped=True
    ),
    Semantic(
        "card_number",
        r"[1-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}|3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}|[1-6][0-9]{11,18}",
        Proof.VALUES,
        ("card_number", "credit_card", "credit_card_number", "card"),
        "{card}",
        card_valid,
        grouped=True,
    ),
    Semantic(
        "email",
        r"[A-Za-z0-9._%+'-]+@(?:[\w-]+\.)+[A-Za-z]{2,24}",
        Proof.VALUES,
        ("email", "e_mail", "mail", "email_address", "mail_address"),
        "{first.slug}.{last.slug}{number}@{domain}",
    ),
    Semantic(
        "url",
        r"(?:https?|ftp)://[^\s/]+\.[^\s/]+(?:/\S*)?",
        Proof.VALUES,
        ("url", "website", "homepage", "link"),
        "https://{domain}/{last.slug}/{number}",
        personal=False,
        apart=True,
    ),
    Semantic(
        "ip_address",
        r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!$)|$)){4}",
        Proof.VALUES,
        ("ip", "ip_address", "client_ip", "remote_addr"),
        "{ip}",
        telling=True,
        apart=True,
    ),
    Semantic(
        "mac_address",
        r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}",
        Proof.VALUES,
        ("mac", "mac_address"),
        "{mac}",
        telling=True,
        apart=True,
    ),
    Semantic(
        "phone",
        r"(?=(?:\D*\d){7,15}\D*$|.*x)(?:\+|00)?[0-9 ()./-]{7,22}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?",
        Proof.NAME,
        ("phone", "phone_number", "telephone", "tel", "mobile", "mobile_phone", "cell", "cell_phone", "fax", "telefon"),
        "{phone}",
        evident=r"\+[1-9][0-9 ()./-]{7,20}.*",
        telling=True,
    ),
    Semantic(
        "user_name",
        r"[A-Za-z0-9][\w.-]{2,31}",
        Proof.NAME,
        ("user_name", "username", "login", "user_login", "screen_name", "nickname", "handle"),
        "{first.slug}.{last.slug}{number}",
    ),
    Semantic(
        "full_name",
        rf"{WORD}(?: {WORD}){{1,4}}",
        Proof.NAME_OR_LIST,
        _FULL,
        "{first} {last}",
        listed=("first_names", "last_names"),
        vague=_PERSON,
    ),
    Semantic(
        "name_last_first",
        rf"{WORD}(?: {WORD}){{0,2}}, {WORD}(?: {WORD}){{0,2}}",
        Proof.NAME_OR_LIST,
        _FULL,
        "{last}, {first}",
        listed=("last_names", "first_names"),
        vague=_PERSON,
    ),
    Semantic(
        "first_name",
        rf"{WORD}(?: {WORD}){{0,2}}",
        Proof.NAME_OR_LIST,
        ("first_name", "firstname", "fname", "given_name", "forename", "vorname", "prenom"),
        "{first}",
        listed=("first_names",),
        vague=("name",),
    ),
    Semantic(
        "last_name",
        rf"{WORD}(?: {WORD}){{0,3}}",
        Proof.NAME_OR_LIST,
        ("last_name", "lastname", "lname", "surname", "family_name", "nachname", "nom_de_famille"),
        "{last}",
        listed=("last_names",),
    ),
    Semantic(
        "address",
        r"(?=.*\d)[\w'\u2019.#/ -]+(?:,\s?[\w'\u2019.#/ -]+){1,5}",
        Proof.NAME,
        ("address", "full_address", "postal_address", "mailing_address", "addr", "adresse"),
        "{street}, {postcode} {city}",
    ),
    Semantic(
        "street_address",
        rf"(?=.*\d|.*{_ROAD})(?=.*[^\W\d_])[\w'\u2019.,#/°º() -]{{4,80}}",
        Proof.NAME,
        ("street", "street_address", "address", "address_line", "addr", "strasse", "rue"),
        "{street}",
        telling=True,
    ),
    Semantic(
        "postcode",
        r"(?=.*\d)[A-Z0-9][A-Z0-9 -]{2,9}",
        Proof.NAME,
        ("postcode", "post_code", "postal_code", "zip", "zip_code", "zipcode", "plz", "code_postal"),
        "{postcode}",
        personal=False,
    ),
    Semantic(
        "city",
        rf"{WORD}(?:[ /(),-]+{WORD}\)?)*",
        Proof.NAME,
        ("city", "town", "stadt", "ville"),
        "{city}",
        personal=False,
    ),
    Semantic(
        "state_code",
        r"[A-Z]{2,3}",
        Proof.NAME_AND_LIST,
        ("state", "state_code", "province", "region"),
        "{state_code}",
        listed=("states",),
        personal=False,
    ),
    Semantic(
        "state",
        rf"{WORD}(?:[ -]{WORD})*",
        Proof.NAME_AND_LIST,
        ("state", "province", "region", "bundesland"),
        "{state}",
        listed=("states",),
        personal=False,
    ),
    Semantic(
        "country",
        r"[^\W\d_][\w .,'()&-]*",
        Proof.NAME_AND_LIST,
        ("country", "country_code", "country_name", "nation", "land", "pays"),
        "{country}",
        listed=("countries",),
        personal=False,
    ),
    Semantic(
        "company",
        r"(?=.*[^\W\d_])[\w&'\u2019.,+/() -]{2,60}",
        Proof.NAME,
        ("company", "company_name", "employer", "organisation", "organization", "firm", "firma"),
        "{company}",
        personal=False,
        telling=True,
    ),
    Semantic("free_text", r"(?s)\s*\S+(?:\s+\S+){2,}\s*", Proof.VALUES, personal=False, apart=True, share=0.5),
)

"""Every declaration, in the order in which they are tried."""

SEMANTICS: Mapping[str, Semantic] = {kind.name: kind for kind in DECLARED}
"""What a column may mean, by name."""

PLACES = frozenset(
    kind.name for kind in DECLARED if {AXIS_OF.get(part) for part in kind.parts[1::2]} & {"place", "country"}
)
"""What says where something is: such columns agree with each other."""
