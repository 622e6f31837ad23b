"""People and places: what is faked agrees within a row, has its check digits, and is nobody real."""

from __future__ import annotations

import pyarrow as pa
import pytest

from generators.invented.persona_fitting import fit_persona
from generators.invented.personas import Persona, groups_of
from generators.invented.surrogates import Surrogates
from generators.randomness import uniforms
from schemas import fakers
from schemas.check_digits import iban_valid
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
