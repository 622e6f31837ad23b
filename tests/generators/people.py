"""A made-up table of customers: what people's columns hold, and what is faked of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import pyarrow as pa

from schemas import fakers
from schemas.inference import Choices, conform, infer
from schemas.policies import read_wishes
from schemas.table import TableSchema

PEOPLE = (
    "first_name",
    "last_name",
    "full_name",
    "email",
    "user_name",
    "phone",
    "street",
    "city",
    "postcode",
    "country",
    "company",
    "iban",
)


@cache
def customers(rows: int = 300, people: int = 300) -> pa.Table:
    """So many rows about so many customers of two countries, as a CSV file has them: strings."""
    rng = np.random.Generator(np.random.PCG64(3))
    columns: dict[str, list[str]] = {}
    for locale, count in (("de_DE", people * 2 // 3), ("fr_FR", people - people * 2 // 3)):
        drawn = {axis: fakers.examples(locale, axis, count, 99) for axis in ("given", "family", "place", "company")}
        country = {"de_DE": "Germany", "fr_FR": "France"}[locale]
        for k in range(count):
            (first,), (last,) = drawn["given"][k], drawn["family"][k]
            street, city, _, _, postcode = drawn["place"][k]
            account = rng.integers(0, 10, (1, 18))
            code = country[:2].upper() if country == "France" else "DE"
            digits = "".join(map(str, account[0].tolist()))
            check = 98 - int(digits + "".join(str(int(c, 36)) for c in code) + "00") % 97
            cells = {
                "first_name": first,
                "last_name": last,
                "full_name": f"{first} {last}",
                "email": f"{fakers.slug(first)}.{fakers.slug(last)}{k}@mail{k % 7}.com",
                "user_name": f"{fakers.slug(last)}{k:06d}",
                "phone": f"+49 30 {rng.integers(10**6, 10**7)}",
                "street": street,
                "city": city,
                "postcode": postcode,
                "country": country,
                "company": drawn["company"][k][0],
                "iban": f"{code}{check:02d}{digits}",
                "note": f"called on day {k} about order {k * 7} again",
                "plan": ("basic", "plus", "pro")[k % 3],
            }
            for name, cell in cells.items():
                columns.setdefault(name, []).append(cell)
    which = np.arange(rows) if rows == people else np.minimum(rng.geometric(0.02, rows) - 1, people - 1)
    return pa.table({name: [cells[i] for i in which] for name, cells in columns.items()})


def known(
    table: pa.Table, policies: Iterable[str] = (), locales: Iterable[str] = (), meanings: Iterable[str] = ()
) -> tuple[pa.Table, TableSchema]:
    """A table under the schema inferred from it."""
    wishes, public = read_wishes(policies, meanings, locales, ())
    schema = infer(table, "customers", choices=Choices(public=public, wishes=wishes))
    return conform(table, schema), schema
