"""People and places: what is faked agrees within a row, has its check digits, and is nobody real."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from generators.invented.persona_fitting import fit_persona
from generators.invented.personas import Persona, groups_of
from generators.invented.surrogates import Surrogates
from generators.randomness import uniforms
from schemas import fakers
from schemas.check_digits import card_valid, iban_valid, luhn_digits
from schemas.profile import profile_table
from tests.generators.people import PEOPLE, customers, known

ROWS = 3_000


def fitted(table: pa.Table, locales: tuple[str, ...] = (), seed: int = 0) -> tuple[Surrogates, list[str]]:
    made, schema = known(table, locales=locales)
    return Surrogates.fit(made, schema, profile_table(made, schema), seed), list(schema.names)


def drawn(found: tuple[Surrogates, list[str]], rows: int = ROWS) -> dict[str, list[str]]:
    surrogates, names = found
    arrays = surrogates.draw(uniforms((1, 2), 0, rows, surrogates.width), {})
    return {names[i]: [str(cell) for cell in array.to_pylist()] for i, array in arrays.items()}


def test_columns_of_a_person_agree_in_every_row() -> None:
    rows = drawn(fitted(customers()))
    assert set(PEOPLE) <= rows.keys()
    for k in range(ROWS):
        first, last = rows["first_name"][k], rows["last_name"][k]
        begins = f"{fakers.slug(first)}.{fakers.slug(last)}"
        assert rows["full_name"][k] == f"{first} {last}"
        assert rows["email"][k].startswith(begins)
        assert rows["user_name"][k] == rows["email"][k].partition("@")[0]
        assert rows["iban"][k][:2] == {"Germany": "DE", "France": "FR"}[rows["country"][k]]
        assert iban_valid(rows["iban"][k])
        assert rows["phone"][k].startswith({"Germany": "+49 30 ", "France": "+33 30 "}[rows["country"][k]])
    assert rows["country"].count("France") / ROWS == pytest.approx(1 / 3, abs=0.04)
    places = {(rows["street"][k], rows["city"][k], rows["postcode"][k], rows["country"][k]) for k in range(ROWS)}
    assert len(places) <= len(set(rows["street"])) + 5 < ROWS / 2


def test_unique_values_are_fresh_in_every_row() -> None:
    rows = drawn(fitted(customers()), 20_000)
    for name in ("email", "user_name", "iban"):
        assert len(set(rows[name])) == 20_000, name


def test_people_who_come_again_stay_who_they_are() -> None:
    found = fitted(customers(2_000, 60))
    rows = drawn(found)
    told = {tuple(rows[name][k] for name in PEOPLE if name in rows) for k in range(ROWS)}
    assert len({row[3] for row in told}) == len(told) <= 60
    (persona,) = found[0].personas
    assert persona.size == len(set(customers(2_000, 60)["email"].to_pylist()))


def test_a_held_column_settles_who_a_row_is_about() -> None:
    surrogates, names = fitted(customers(2_000, 60))
    mails, shares = surrogates.personas[0].domain(names.index("email"))
    assert shares.sum() == pytest.approx(1)
    wanted = pa.array([mails[i % len(mails)].as_py() if i % 4 else None for i in range(400)], pa.string())
    u = uniforms((1, 2), 0, 400, surrogates.width)
    arrays = surrogates.draw(u, {names.index("email"): wanted})
    for k, mail in enumerate(wanted.to_pylist()):
        if mail is not None:
            assert arrays[names.index("email")][k].as_py() == mail
    free = surrogates.draw(u, {})[names.index("first_name")]
    held = arrays[names.index("first_name")]
    assert [held[k] for k in range(0, 400, 4)] == [free[k] for k in range(0, 400, 4)]


def test_a_persona_is_a_function_of_uniforms_and_weights() -> None:
    table = customers()
    first, again, other = fitted(table), fitted(table), fitted(table, seed=1)
    assert drawn(first) == drawn(again) != drawn(other)
    made, schema = known(table)
    profile = profile_table(made, schema)
    (columns,) = groups_of(schema)
    persona = fit_persona(made, schema, profile, columns, 0)
    read = Persona.from_weights(persona.weights(), columns)
    u = uniforms((1, 2), 0, 50, 2)
    assert {i: a.to_pylist() for i, a in read.draw(u, {}).items()} == {
        i: a.to_pylist() for i, a in persona.draw(u, {}).items()
    }
    head = persona.draw(u[:7], {})
    assert {i: a.to_pylist() for i, a in head.items()} == {i: a[:7].to_pylist() for i, a in persona.draw(u, {}).items()}


@pytest.mark.parametrize("as_integers", [False, True])
def test_cards_are_of_the_networks_of_the_real_ones_and_none_of_them(as_integers: bool) -> None:
    real = [f"{begin}{k:0{width}d}" for begin, width in (("4111", 11), ("34", 12)) for k in range(300)]
    cells = [f"{text}{luhn_digits(np.array([list(map(int, text))]))[0]}" for text in real]
    made = pa.table({"card": pa.array(list(map(int, cells)) if as_integers else cells)})
    rows = drawn(fitted(made))["card"]
    assert all(card_valid(number) for number in rows)
    assert {(number[:1], len(number)) for number in rows} == {("4", 16), ("3", 15)}
    assert len(set(rows)) == ROWS
    assert not {number[:6] for number in rows} & {number[:6] for number in cells}


def test_phones_say_where_people_are_from_where_nothing_else_does() -> None:
    phones = pa.table({"phone": [f"+48 601 {k:06d}" for k in range(200)] + [f"+353 85 {k:07d}" for k in range(600)]})
    _, schema = known(phones)
    assert schema.locales == ("en_IE", "pl_PL")
    rows = drawn(fitted(phones))["phone"]
    assert {number[:8] for number in rows if number.startswith("+48")} == {"+48 601 "}
    assert sum(number.startswith("+353 85 ") for number in rows) / ROWS == pytest.approx(0.75, abs=0.03)
    assert not set(rows) & set(phones.column(0).to_pylist())


@pytest.mark.parametrize("locale", ["ja_JP", "en_US", "it_IT"])
def test_every_script_has_addresses_for_mail(locale: str) -> None:
    rows = drawn(fitted(customers(), (locale,)), 200)
    assert all(mail.isascii() and not mail.startswith(".") for mail in rows["email"])


def test_a_masked_column_is_stars() -> None:
    made, schema = known(customers(), ["phone=mask", "note=mask"])
    surrogates = Surrogates.fit(made, schema, profile_table(made, schema), 0)
    arrays = surrogates.draw(uniforms((1, 2), 0, 100, surrogates.width), {})
    assert set(arrays[schema.names.index("phone")].to_pylist()) == {"+** ** *******"}
    notes = "".join(map(str, arrays[schema.names.index("note")].to_pylist()))
    assert set(notes) <= {"*", " "}
    assert notes.count("*") > 100
