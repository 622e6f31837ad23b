"""What one column is, seen from its cells: its kind, precision and spelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells import (
    LOOKS_INTEGER,
    LOOKS_NUMBER,
    NULL_TOKENS,
    Cells,
    common_blanks,
    means_null,
    parse_integers,
    parse_numbers,
)
from schemas.errors import InputError
from schemas.table import MAX_CATEGORIES, MIN_SHARED_ROWS, Column, Kind, Role, Spelling
from schemas.times import ISO_DATE, almost_format, guess_format, has_clock, has_zone, parse_times

EXACT_INTEGER = "^-?(0|[1-9][0-9]*)$"
EXACT_NUMBER = r"^-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""Numbers that can be written back as they were: no plus sign, no leading zeros."""

TRUTHS = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))
UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

ALMOST_ALL = 0.9
"""From this share on, of rows and of distinct values, a column means to be of a kind and the others are faults."""

MAX_PUBLIC = 100_000
"""The most distinct strings a column may keep as they are."""

MAX_DECIMALS = 15


@dataclass(frozen=True)
class Wish:
    """What the user says about a column.

    Args:
        public: its values may be copied.
        text: its cells are strings, whatever they look like.
    """

    public: bool = False
    text: bool = False


@dataclass(frozen=True)
class Seen:
    """A column, and what is known of its values besides.

    Args:
        column: what it is.
        unique: no value is missing and none repeats.
    """

    column: Column
    unique: bool


def column_of_cells(name: str, cells: Cells, wish: Wish, raw: bool) -> Seen:
    """What a column of text is.

    Args:
        name: the column's name.
        cells: the cells.
        wish: what the user says.
        raw: the cells come from a file without types, so that "12" is a number and "NA" is missing.

    Raises:
        InputError: every cell is missing, types are mixed, or too many strings are public.
    """
    blanks = common_blanks(cells.values) if raw else ""
    cells = cells.shortened(blanks)
    tokens = pc.is_in(pc.utf8_trim_whitespace(_any(cells.values)), value_set=pa.array(NULL_TOKENS))
    is_token = np.asarray(tokens.to_numpy(zero_copy_only=False)) & raw
    present = cells.values.filter(pa.array(~is_token))
    if not len(present) and not wish.text:
        raise InputError(all_missing(name))
    spelling = Spelling(null=_null_token(cells, is_token), blanks=blanks)
    column = _typed(name, present, spelling) if raw and not wish.text else None
    if column is None:
        column = Column(name, Kind.TEXT, spelling=spelling)
        null = np.asarray(means_null(cells.values, column).to_numpy(zero_copy_only=False)) & raw
        counts = cells.counts[~null]
        if not len(counts):
            raise InputError(all_missing(name))
        column = _string(column, cells.values.filter(pa.array(~null)), counts, wish)
        if raw and not wish.text:
            _refuse_mixed(name, cells, is_token)
    else:
        null, counts = is_token, cells.counts[~is_token]
    missing = cells.codes.null_count + int(cells.counts[null].sum())
    column = replace(column, nullable=missing > 0, public=wish.public)
    return Seen(column, missing == 0 and bool((counts == 1).all()))


def all_missing(name: str) -> str:
    """The fault of a column without any value."""
    return f"column {name!r}: every cell is missing; fill it or leave the column out"


def _any(values: Any) -> Any:
    return values


def _null_token(cells: Cells, is_token: npt.NDArray[np.bool_]) -> str:
    """How the column writes a missing value: empty where it does so anywhere, else its most frequent token."""
    tokens = [str(text).strip() for text in cells.values.filter(pa.array(is_token)).to_pylist()]
    if not tokens or "" in tokens:
        return ""
    return str(tokens[int(np.argmax(cells.counts[is_token]))])


def _typed(name: str, values: pa.Array[Any], spelling: Spelling) -> Column | None:
    """What texts are, other than strings; None when they are strings."""
    plain = pc.utf8_trim_whitespace(_any(values))
    texts = set(plain[:3].to_pylist())
    for true, false in TRUTHS:
        if len(values) <= 2 and texts <= {true, false}:
            return Column(name, Kind.BOOLEAN, spelling=replace(spelling, true=true, false=false))
    if _all_match(plain, EXACT_INTEGER):
        whole = parse_integers(plain).null_count == 0
        return Column(name, Kind.INTEGER, spelling=spelling) if whole else None
    if _all_match(plain, EXACT_NUMBER) and parse_numbers(plain).null_count == 0:
        return _number(name, plain, spelling)
    time_format = guess_format(plain)
    if time_format is None:
        return None
    spelling = replace(spelling, time_format=None if time_format == ISO_DATE else time_format)
    if not has_clock(time_format):
        return Column(name, Kind.DATE, spelling=spelling)
    zone = "UTC" if has_zone(time_format) else None
    unit = "us" if _all_match(plain, r"[.][0-9]{4,9}[^.]*$", some=True) else "ms"
    return Column(name, Kind.TIMESTAMP, spelling=spelling, timezone=zone, time_unit=unit)


def _all_match(values: pa.Array[Any], pattern: str, some: bool = False) -> bool:
    matches = pc.match_substring_regex(_any(values), pattern)
    return bool((pc.any if some else pc.all)(matches).as_py())


def _number(name: str, texts: pa.Array[Any], spelling: Spelling) -> Column:
    """A number's decimals, and how they are written."""
    if _all_match(texts, "[eE]", some=True):
        return Column(
            name, Kind.NUMBER, spelling=replace(spelling, point=not _all_match(texts, "^-?[0-9]+$", some=True))
        )
    after = pc.extract_regex(_any(texts), r"(?:[.](?P<digits>[0-9]*))?$")
    lengths = pc.fill_null(pc.binary_length(pc.struct_field(after, "digits")), 0)
    fewest, most = (int(np.asarray(lengths).min()), int(np.asarray(lengths).max()))
    digits = pc.utf8_length(pc.replace_substring_regex(_any(texts), "[-.]", ""))
    # Doubles hold 15 digits for sure; with more, rounding to decimals would change the value.
    decimals = most if int(np.asarray(digits).max()) <= MAX_DECIMALS else None
    fixed = decimals is not None and fewest == most and most > 0
    return Column(
        name,
        Kind.NUMBER,
        decimals=decimals,
        spelling=replace(spelling, fixed_decimals=fixed, point=fewest > 0 and not fixed),
    )


def _string(column: Column, values: pa.Array[Any], counts: npt.NDArray[np.int64], wish: Wish) -> Column:
    """Whether strings are categories, text or identifiers."""
    if wish.public:
        if len(counts) > MAX_PUBLIC:
            raise InputError(
                f"public={column.name}: has {len(counts):,} distinct strings; at most {MAX_PUBLIC:,} can be kept, "
                "so leave it to be replaced by fresh ones"
            )
        return replace(column, kind=Kind.CATEGORY)
    if _all_match(values, UUID) or (len(counts) > 1 and (counts == 1).all()):
        return replace(column, role=Role.IDENTIFIER)
    shared = counts[counts >= MIN_SHARED_ROWS].sum()
    common = len(counts) <= MAX_CATEGORIES and 2 * shared >= counts.sum()
    return replace(column, kind=Kind.CATEGORY) if common else column


def _refuse_mixed(name: str, cells: Cells, is_token: npt.NDArray[np.bool_]) -> None:
    """Refuse strings that are numbers or times but for a few."""
    plain = pc.utf8_trim_whitespace(_any(cells.values))
    meant, kind = _meant(plain, ~is_token)
    odd = ~meant & ~is_token
    if not odd.any() or _share(meant, odd) < ALMOST_ALL or _share(meant, odd, cells.counts) < ALMOST_ALL:
        return
    row, text = cells.first(odd)
    raise InputError(
        f"column {name!r}: mixed types: {kind}, but row {row} holds {text!r}"
        f"{_more(int(cells.counts[odd].sum()) - 1)}; mend such cells, leave them empty if they are missing, "
        f"or declare the column text (--text {name!r})"
    )


def _meant(texts: Any, present: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], str]:
    """Which texts are of the kind that most are, and that kind."""
    numbers = np.asarray(pc.match_substring_regex(texts, LOOKS_NUMBER).to_numpy(zero_copy_only=False)) & present
    if numbers.any():
        whole = _all_match(texts.filter(pa.array(numbers)), LOOKS_INTEGER)
        return numbers, "integers" if whole else "numbers"
    time_format = almost_format(texts.filter(pa.array(present)), ALMOST_ALL)
    if time_format is None:
        return numbers, ""
    times = parse_times(texts, time_format).is_valid().to_numpy(zero_copy_only=False)
    return np.asarray(times) & present, f"times like {time_format}"


def _share(these: Any, those: Any, weights: Any = 1) -> float:
    a, b = (these * weights).sum(), (those * weights).sum()
    return float(a / (a + b))


def _more(others: int) -> str:
    return f" ({others:,} more like it)" if others else ""
