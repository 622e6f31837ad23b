"""What is learned of people and places is how they are written, never who or where they are."""

from tests.generators.invented.test_personas import drawn, fitted
from tests.generators.people import customers


def test_nobody_real_is_met() -> None:
    real = customers()
    rows = drawn(fitted(real), 20_000)
    for name in ("email", "user_name", "phone", "street", "company", "iban"):
        assert not set(rows[name]) & set(real[name].to_pylist()), name
    assert all(mail.rpartition(".example.")[2] in ("com", "net", "org") for mail in rows["email"])


def test_numbers_end_in_as_many_digits_as_no_real_one() -> None:
    rows = drawn(fitted(customers()), 50)  # real user names have six digits
    assert all(len(name) - len(name.rstrip("0123456789")) == 7 for name in rows["user_name"])
