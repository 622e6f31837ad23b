"""What telephone numbers begin with abroad."""

from __future__ import annotations

import pytest

from schemas.calling_codes import CODES, COUNTRIES, called
from schemas.fakers import calling_codes


def test_no_code_is_how_another_begins_and_faker_knows_them_all() -> None:
    assert [(a, b) for a in COUNTRIES for b in COUNTRIES if a != b and b.startswith(a)] == []
    assert COUNTRIES.keys() <= calling_codes()
    assert (CODES["US"], CODES["CA"], CODES["DE"], CODES["IE"]) == ("1", "1", "49", "353")
    assert COUNTRIES["1"][0] == "US"


@pytest.mark.parametrize(
    ("number", "code"),
    [("+1-212", "1"), ("+7", "7"), ("0049301", "49"), ("+999 1", None), ("", None), ("+", None), ("49 30", None)],
)
def test_numbers_are_told_by_sign_and_code(number: str, code: str | None) -> None:
    assert called(number) == code
