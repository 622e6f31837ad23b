"""Phone numbers have the code of their own country, where the table's have one."""

from __future__ import annotations

from generators.invented.phones import PLAIN, formats

LOCALES = ("de_DE", "fr_FR", "de")
GERMAN = {f"+49 30 {n}": 1 for n in range(1_000, 1_050)}
FRENCH = {f"+33 1 {n}-{n}": 1 for n in range(10, 60)}


def spelled(rows: dict[str, int]) -> dict[str, list[str]]:
    return {
        locale: ["".join(p if len(p) == 1 else "9" for p in each.places) for each in text.templates]
        for locale, text in formats(rows, LOCALES).items()
    }


def test_each_country_goes_on_as_its_own_numbers_do() -> None:
    assert spelled(GERMAN | FRENCH) == {"de_DE": ["+49 30 1099"], "fr_FR": ["+33 1 99-99"]}


def test_a_country_of_few_rows_goes_on_as_the_others_do() -> None:
    assert spelled(GERMAN | {"+33 1": 4}) == {"de_DE": ["+49 30 1099"], "fr_FR": ["+33 30 1099"]}


def test_numbers_for_calls_at_home_have_no_code() -> None:
    assert spelled(GERMAN | {f"030 {n}": 1 for n in range(100, 105)}) == {}
    assert list(spelled(GERMAN | {"030 1": 1, "+999": 1})) == ["de_DE", "fr_FR"]
    assert spelled({}) == {}


def test_the_usual_sign_stands_before_the_code() -> None:
    found = spelled({number.replace("+", "00"): 3 for number in GERMAN} | FRENCH)
    assert found["fr_FR"] == ["0033 1 99-99"]


def test_numbers_of_no_format_have_a_plain_one() -> None:
    (text,) = formats(dict.fromkeys(["+49 1", "+49 2"], 2), ("de_DE",)).values()
    assert text.templates[0].places == (*"+49", *PLAIN.templates[0].places)
