"""What columns mean, what is never taken for it, and what the user can ask that makes no sense."""

import numpy as np
import pyarrow as pa
import pytest

from schemas import check_digits, fakers, semantics
from schemas.errors import InputError
from schemas.inference import Choices, infer
from schemas.policies import read_wishes
from schemas.recognition import Texts, recognised
from schemas.table import Kind, Role, TableSchema
from tests.generators.people import PEOPLE, customers, known


def test_every_axis_has_a_maker_that_gives_its_parts() -> None:
    assert fakers.MAKERS.keys() == semantics.AXES.keys() - {"card"}
    for axis in fakers.MAKERS:
        parts = semantics.AXES[axis]
        assert [len(example) for example in fakers.examples("de_DE", axis, 2, 0)] == [len(parts)] * 2


def test_a_customers_columns_are_recognised() -> None:
    _, schema = known(customers())
    meant = {column.name: column.semantic for column in schema}
    wanted = {name: name for name in PEOPLE} | {"street": "street_address", "note": "free_text", "plan": None}
    assert meant == wanted
    assert schema.locales == ("de_DE", "fr_FR")
    assert TableSchema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize(
    ("name", "values", "meant"),
    [
        ("x", ["a@b.com"] * 96 + ["none"] * 4, "email"),
        ("x", ["a@b.com"] * 90 + ["none"] * 10, None),
        ("colour", ["Amber", "Rose", "Violet"], None),
        ("city", ["Bonn", "Köln"], "city"),
        ("last_name", ["Smith", "Jones", "King"], "last_name"),
        ("name", ["Ann Smith", "Bob Jones"], "full_name"),
        ("name", ["Ann", "Bob"], "first_name"),
        ("name", ["Blue Chair", "Red Table"], None),
        ("state", ["new", "paid"], None),
        ("phone", ["5551234567"], "phone"),
        ("serial", ["5551234567"], None),
        ("x", ["+49 30 123456"], "phone"),
        ("x", ["GB82 WEST 1234 5698 7654 32"], "iban"),
        ("x", ["GB83WEST12345698765432"], None),
    ],
)
def test_values_prove_it(name: str, values: list[str], meant: str | None) -> None:
    texts, counts = np.unique(values, return_counts=True)
    assert recognised(name, Texts(texts.tolist(), counts)) == meant


def test_a_numeric_column_is_no_phone_number_but_may_hold_cards() -> None:
    numbers = [5_551_234_567 + 13 * k for k in range(50)]
    cards = [
        4_000_000_000_000_000
        + 10 * k
        + int(check_digits.luhn_digits(np.array([[*map(int, f"{400_000_000_000_000 + k}")]]))[0])
        for k in range(50)
    ]
    schema = infer(pa.table({"phone": numbers, "paid_with": cards}), "t")
    assert (schema["phone"].kind, schema["phone"].semantic, schema["phone"].is_surrogate) == (Kind.INTEGER, None, False)
    assert (schema["paid_with"].semantic, schema["paid_with"].role) == ("card_number", Role.IDENTIFIER)


def test_policies_stand_in_the_schema() -> None:
    policies = ["note=drop", "phone=mask", "plan=fake", "city=public"]
    _, schema = known(customers(), policies, ["pl_PL"], ["company=none"])
    assert schema.dropped == ("note",)
    assert [schema[name].policy for name in ("phone", "plan", "city", "email")] == ["mask", "fake", "public", "fake"]
    assert (schema["company"].semantic, schema.locales) == (None, ("pl_PL",))


@pytest.mark.parametrize(
    ("policies", "meanings", "locales", "public", "says"),
    [
        (["a=fakee"], [], [], [], "did you mean fake"),
        (["a"], [], [], [], "expected COLUMN=POLICY"),
        (["a=mask", "a=drop"], [], [], [], "contradict each other"),
        (["a=mask"], [], [], ["a"], "declared public too"),
        ([], ["a=emial"], [], [], "did you mean email"),
        ([], [], ["de_DX"], [], "locale=de_DX: unknown to Faker; did you mean"),
    ],
)
def test_what_makes_no_sense_is_refused(
    policies: list[str], meanings: list[str], locales: list[str], public: list[str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read_wishes(policies, meanings, locales, public)


def test_policies_are_for_columns_of_text_that_are_there() -> None:
    wishes, _ = read_wishes(["age=mask", "nme=drop", "id=fake"], [], [], [])
    with pytest.raises(InputError) as caught:
        infer(
            pa.table({"id": [1, 2], "age": [3, 4], "name": ["x", "y"]}), "t", choices=Choices(key="id", wishes=wishes)
        )
    assert any("policy age=mask: holds integer" in fault for fault in caught.value.faults)
    assert any("policy=nme: the table has no such column" in fault for fault in caught.value.faults)
    assert any("policy id=fake: the column is the key" in fault for fault in caught.value.faults)
