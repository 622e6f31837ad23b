"""Cells of text by their distinct values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.cells import (
    NULL_TOKENS,
    Cells,
    common_blanks,
    means_null,
    parse,
    parse_integers,
    parse_numbers,
    time_format,
)
from schemas.table import Column, Kind, Spelling


def cells(*texts: str | None) -> Cells:
    return Cells.of(pa.chunked_array([pa.array(texts, pa.string())]))


def test_distinct_values_counts_and_rows() -> None:
    seen = cells("b", "a", None, "b")
    assert seen.values.to_pylist() == ["b", "a"]
    assert seen.codes.to_pylist() == [0, 1, None, 0]
    assert seen.counts.tolist() == [2, 1]
    assert seen.first(seen.counts == 1) == (2, "a")
    assert seen.spread(pa.array([10, None])).to_pylist() == [10, None, None, 10]


def test_chunks_slices_and_dictionaries_are_one_column() -> None:
    column = pa.chunked_array([pa.array(["x", "a"])[1:], pa.array(["b", None, "a"])])
    assert Cells.of(column).codes.to_pylist() == [0, 1, None, 0]
    encoded = pa.chunked_array([pa.array(["a"]).dictionary_encode(), pa.array(["b", None, "a"]).dictionary_encode()])
    assert Cells.of(encoded).codes.to_pylist() == [0, 1, None, 0]
    assert len(Cells.of(pa.chunked_array([], pa.string())).values) == 0


@pytest.mark.parametrize(
    ("texts", "blanks"),
    [
        ([" a", " b"], " "),
        ([" a", "b"], ""),
        ([" a", ""], ""),
        ([" a", " "], " "),
        (["\ta", " b"], ""),
        ([], ""),
        (["  a", "  b c"], "  "),
    ],
)
def test_blanks_before_every_cell(texts: list[str], blanks: str) -> None:
    assert common_blanks(pa.array(texts, pa.string())) == blanks


def test_blanks_come_off_where_they_are() -> None:
    assert cells(" a", "b").shortened(" ").values.to_pylist() == ["a", "b"]


def test_every_token_means_null_in_a_number_but_only_its_own_in_a_string() -> None:
    texts = pa.array([*NULL_TOKENS, " NA ", "x"])
    number, word = Column("n", Kind.NUMBER), Column("s", Kind.CATEGORY, spelling=Spelling(null="?"))
    assert means_null(texts, number).to_pylist() == [*(True for _ in NULL_TOKENS), True, False]
    assert [t for t, null in zip(texts.to_pylist(), means_null(texts, word).to_pylist(), strict=True) if null] == [
        "",
        "?",
    ]


def test_integers() -> None:
    texts = [
        "0",
        "-7",
        "007",
        "1.0",
        "x",
        "",
        None,
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
    ]
    wanted = [0, -7, 7, None, None, None, None, 2**63 - 1, None, -(2**63)]
    assert parse_integers(pa.array(texts)).to_pylist() == wanted


def test_numbers() -> None:
    texts = ["1.5", ".5", "5.", "+2", "-1e3", "1e999", "nan", "inf", "1,5", "x", None]
    assert parse_numbers(pa.array(texts)).to_pylist() == [1.5, 0.5, 5.0, 2.0, -1000.0, *[None] * 6]


def test_booleans_in_any_case() -> None:
    column = Column("b", Kind.BOOLEAN, spelling=Spelling(true="True", false="False"))
    assert parse(pa.array(["True", "FALSE", " true ", "yes", None]), column).to_pylist() == [
        True,
        False,
        True,
        None,
        None,
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_parsed_values_have_the_column_s_type(kind: Kind) -> None:
    parsed = parse(pa.array([None], pa.string()), Column("c", kind))
    assert parsed.type == (pa.string() if kind is Kind.CATEGORY else Column("c", kind).arrow_type)


def test_iso_where_no_format_is_named() -> None:
    assert time_format(Column("d", Kind.DATE)) == "%Y-%m-%d"
    assert time_format(Column("t", Kind.TIMESTAMP)) == "%Y-%m-%dT%H:%M:%S.%f"
    assert time_format(Column("t", Kind.TIMESTAMP, timezone="UTC")).endswith("Z")
