"""What a column of cells is."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from schemas.cells import Cells
from schemas.errors import InputError
from schemas.kinds import MAX_PUBLIC, Seen, Wish, column_of_cells
from schemas.table import Column, Kind, Role, Spelling

NO_WISH = Wish()
ISO_SECONDS = Spelling(time_format="%Y-%m-%dT%H:%M:%SZ")


def seen(texts: Sequence[str | None], wish: Wish = NO_WISH, raw: bool = True) -> Seen:
    return column_of_cells("c", Cells.of(pa.chunked_array([pa.array(texts, pa.string())])), wish, raw)


def column(texts: Sequence[str | None], wish: Wish = NO_WISH, raw: bool = True) -> Column:
    return seen(texts, wish, raw).column


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["1", "-2", "0"], Column("c", Kind.INTEGER)),
        (["1", "NA"], Column("c", Kind.INTEGER, nullable=True, spelling=Spelling(null="NA"))),
        (["1", None], Column("c", Kind.INTEGER, nullable=True)),
        ([" 1", " ?"], Column("c", Kind.INTEGER, nullable=True, spelling=Spelling(null="?", blanks=" "))),
        (["1.50", "2.25"], Column("c", Kind.NUMBER, decimals=2, spelling=Spelling(fixed_decimals=True))),
        (["1.5", "2", "2.25"], Column("c", Kind.NUMBER, decimals=2)),
        (["1.0", "2.25"], Column("c", Kind.NUMBER, decimals=2, spelling=Spelling(point=True))),
        (["1e-3", "2"], Column("c", Kind.NUMBER)),
        (["0.12345678901234567", "1.5"], Column("c", Kind.NUMBER, spelling=Spelling(point=True))),
        (["-80.61958330000001", "1"], Column("c", Kind.NUMBER)),
        (["true", "false"], Column("c", Kind.BOOLEAN)),
        (["False", "False"], Column("c", Kind.BOOLEAN, spelling=Spelling(true="True", false="False"))),
        (["2020-01-31", ""], Column("c", Kind.DATE, nullable=True)),
        (["31/01/2020"] * 2, Column("c", Kind.DATE, spelling=Spelling(time_format="%d/%m/%Y"))),
        (
            ["2020-01-31T10:00:00Z"] * 2,
            Column("c", Kind.TIMESTAMP, False, Role.ATTRIBUTE, None, "ms", "UTC", False, ISO_SECONDS),
        ),
        (
            ["2020-01-31 10:00:00.123456"] * 2,
            Column("c", Kind.TIMESTAMP, time_unit="us", spelling=Spelling(time_format="%Y-%m-%d %H:%M:%S.%f")),
        ),
        (["yes", "no"] * 5, Column("c", Kind.CATEGORY)),
        (["true", "True"] * 5, Column("c", Kind.CATEGORY)),
        (["00123", "12345"] * 5, Column("c", Kind.CATEGORY)),
        (["+5", "-5"] * 5, Column("c", Kind.CATEGORY)),
        (["9223372036854775808"] * 5, Column("c", Kind.CATEGORY)),
        ([" a", "b"] * 5, Column("c", Kind.CATEGORY)),
        ([" a", " b"] * 5, Column("c", Kind.CATEGORY, spelling=Spelling(blanks=" "))),
    ],
)
def test_kind_precision_and_spelling(texts: list[str | None], wanted: Column) -> None:
    assert column(texts) == wanted


def test_strings_keep_tokens_that_are_not_their_null() -> None:
    assert column(["a", "", "None"] * 5).spelling.null == ""
    assert column([*["a", "NA"] * 5, "None"]).spelling.null == "NA"
    assert column(["a", "b"] * 5).spelling.null == ""
    assert not column(["a", "b"] * 5).nullable


def test_strings_on_purpose_stay_strings() -> None:
    assert column(["1", "2"] * 5, raw=False).kind is Kind.CATEGORY
    assert not column(["NA", "2"] * 5, raw=False).nullable
    assert column(["2020-01-01"] * 5, raw=False).kind is Kind.CATEGORY


def test_wishes() -> None:
    assert column(["1", "2"] * 5, Wish(text=True)).kind is Kind.CATEGORY
    assert column([f"v{i}" for i in range(20)], Wish(public=True)) == Column("c", Kind.CATEGORY, public=True)
    assert column(["1", "2"], Wish(public=True)).public


def test_categories_are_values_that_rows_share() -> None:
    assert column(["a"] * 5).kind is Kind.CATEGORY
    assert column(["a"] * 4).kind is Kind.TEXT
    assert column([f"v{i // 5}" for i in range(5_000)]).kind is Kind.CATEGORY
    assert column([f"v{i // 5}" for i in range(5_005)]).kind is Kind.TEXT
    assert column(["a"] * 5 + [f"v{i // 4}" for i in range(5)]).kind is Kind.CATEGORY
    assert column(["a"] * 5 + [f"v{i // 4}" for i in range(6)]).kind is Kind.TEXT


def test_identifiers() -> None:
    assert column(["x", "y"]).role is Role.IDENTIFIER
    assert seen(["x", "y"]).unique
    assert not seen(["x", "y", None]).unique
    uuids = ["8c1f7f0e-0000-4000-8000-000000000001", "8c1f7f0e-0000-4000-8000-000000000002"]
    shared = column([*uuids, *uuids * 5])
    assert (shared.kind, shared.role) == (Kind.TEXT, Role.IDENTIFIER)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([*map(str, range(30)), "abc"], "integers, but row 31 holds 'abc'; mend"),
        ([*[f"{i}.5" for i in range(30)], "x", "x"], r"numbers, but row 31 holds 'x' \(1 more like it\)"),
        (["soon", *(f"2020-01-{i:02d}" for i in range(1, 30))], "times like %Y-%m-%d, but row 1 holds 'soon'"),
    ],
)
def test_mixed_types_are_refused(texts: list[str | None], says: str) -> None:
    with pytest.raises(InputError, match=says):
        column(texts)
    assert column(texts, Wish(text=True)).kind is Kind.TEXT


def test_codes_that_are_partly_numbers_are_no_mixture() -> None:
    assert column(["0", "1", "2", "3", "4+"] * 9).kind is Kind.CATEGORY
    assert column([*map(str, range(100)), *(f"C{i}" for i in range(20))]).kind is Kind.TEXT


@pytest.mark.parametrize("texts", [["", "NA"], [None, None], [" ", " "]])
def test_nothing_but_missing_cells_is_refused(texts: list[str | None]) -> None:
    for wish in (Wish(), Wish(text=True)):
        if texts == ["", "NA"] and wish.text:
            continue  # "NA" is a string then
        with pytest.raises(InputError, match="every cell is missing"):
            column(texts, wish)


def test_too_many_public_strings_are_refused() -> None:
    with pytest.raises(InputError, match="public=c: has 100,001 distinct strings"):
        column([f"v{i}" for i in range(MAX_PUBLIC + 1)], Wish(public=True))
