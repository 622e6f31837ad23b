"""Columns that speak of one person or place, faked together: every row, or every rank, is a persona of its own.

A persona is two random words. Each part of it (a first name, a place, a phone number) is an example of Faker's,
picked by a word that these two make; columns that use the same part therefore agree. Examples are drawn at training and
stored; drawing needs no Faker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generators.invented.curves import Curve
from generators.invented.persona_kernels import ACCOUNT, CARD, CHUNK, EXAMPLE, LITERAL, picked, written
from generators.invented.persona_kernels import NUMBER as NUMBER_PIECE
from generators.invented.pools import Arrays, restored, stored
from generators.invented.strings import Words
from schemas.recognition import stem
from schemas.semantics import AXES, AXIS_OF, SEMANTICS, Semantic
from schemas.table import Column, TableSchema

NUMBER = "number"
"""The part that is digits of no meaning."""

NUMBERED = {"iban": ACCOUNT, "card": CARD}
"""Parts whose examples are forms, with characters that are drawn afresh, and what they are."""

BY_RANK = frozenset({"place", "phone", "ip", "mac"})
"""Axes whose examples are dealt out in turn where personas come again, so that few share one."""

ORDER = tuple(AXES)
"""The axes in the order of their words."""

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Part:
    """The examples of one part.

    Args:
        axis: what it is drawn by; parts of one axis have as many examples, and go together.
        values: the examples, locale by locale.
        first: where each locale's begin, and where the last one's end, shape (locales + 1,); two entries where they are
            the same for all locales.
    """

    axis: str
    values: pa.Array[Any]
    first: Longs


@dataclass(frozen=True, eq=False)
class Persona:
    """The columns that speak of one person or place.

    Args:
        columns: by place in the table.
        parts: the examples, by part.
        shares: how frequent each locale is, summing to 1, shape (locales,).
        digits: how many digits a number has, by the column's place; chosen so that no real value has as many.
        separators: what stands between groups of four, by the column's place.
        ranks: knots of the popularity curve, as in `Surrogate`, where personas come again; None for fresh ones.
        reached: the share of the rows these hold.
    """

    columns: Mapping[int, Column]
    parts: Mapping[str, Part]
    shares: Floats
    digits: Mapping[int, int] = field(default_factory=dict)
    separators: Mapping[int, str] = field(default_factory=dict)
    ranks: Floats | None = None
    reached: Floats | None = None

    @property
    def width(self) -> int:
        """How many uniforms a persona takes."""
        return 2

    @property
    def size(self) -> int:
        """How many personas there are; 0 where there is no end to them."""
        return 0 if self._curve is None else self._curve.size

    @cached_property
    def _curve(self) -> Curve | None:
        """How popular they are."""
        return None if self.ranks is None or self.reached is None else Curve(self.ranks, self.reached)

    def draw(self, uniforms: Floats, held: Mapping[int, pa.Array[Any]]) -> dict[int, pa.Array[Any]]:
        """Fake every column.

        Where personas come again, a column that is held settles who it is: the first that is, in the table's order.

        Args:
            uniforms: in [0, 1), shape (n, 2).
            held: columns held at values, by place in the table.
        """
        if self._curve is None:
            return self._faked((uniforms * 2.0**53).astype(np.uint64), None)
        settled = next((i for i in self.columns if i in held and held[i].null_count < len(held[i])), None)
        ranks = self._curve.at(uniforms[:, 0])
        if settled is not None:
            ranks = self._holding(settled, held[settled], uniforms[:, 1], ranks)
        return self._faked(_seeds(ranks), ranks)

    @cached_property
    def rank_shares(self) -> Floats:
        """How likely each persona is, shape (size,)."""
        assert self.ranks is not None
        assert self.reached is not None
        shares: Floats = np.diff(np.interp(np.arange(self.size + 1), self.ranks, self.reached))
        shares /= shares.sum()
        return shares

    def domain(self, index: int) -> tuple[pa.Array[Any], Floats]:
        """The values of a column, the most likely first, with their shares; for personas that come again."""
        values, codes = self._by_value[index]
        shares = np.bincount(codes, self.rank_shares, len(values)).astype(np.float64)
        order = np.argsort(-shares.round(12), kind="stable")
        return values.take(order), shares[order]

    @cached_property
    def _by_value(self) -> dict[int, tuple[pa.Array[Any], Longs]]:
        """By column its distinct values, and which of them each persona has, shape (size,)."""
        ranks = np.arange(self.size)
        coded: dict[int, Any] = {i: a.dictionary_encode() for i, a in self._faked(_seeds(ranks), ranks).items()}
        return {i: (each.dictionary, each.indices.to_numpy().astype(np.int64)) for i, each in coded.items()}

    def _holding(self, index: int, values: pa.Array[Any], u: Floats, otherwise: Longs) -> Longs:
        """Personas that have the values a column is held at, in their shares; others where it is held at null."""
        known, codes = self._by_value[index]
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(len(known) + 1))
        upto = np.concatenate([[0.0], np.cumsum(self.rank_shares[order])])
        plain = values.cast(known.type)
        wanted = pc.index_in(plain, value_set=known).fill_null(-1).to_numpy().astype(np.int64)
        low, high = upto[ends[wanted]], upto[ends[wanted + 1]]
        at = np.searchsorted(upto, low + u * (high - low), side="right") - 1
        chosen = order[at.clip(ends[wanted], ends[wanted + 1] - 1).clip(0)]
        return np.where(wanted >= 0, chosen, otherwise)

    def _faked(self, seeds: Words, ranks: Longs | None) -> dict[int, pa.Array[Any]]:
        seeds, known = np.ascontiguousarray(seeds), np.empty(0, np.int64) if ranks is None else ranks
        chosen = picked(seeds, known, np.cumsum(self.shares), *self._choices)
        return {i: self._column(i, column, chosen, seeds) for i, column in self.columns.items()}

    def _column(self, index: int, column: Column, chosen: Longs, seeds: Words) -> pa.Array[Any]:
        text, ends, pieces, longest = self._pieces[index]
        out, offsets = np.empty(longest * len(seeds) + CHUNK, np.uint8), np.empty(len(seeds) + 1, np.int32)
        end = written(text, ends, pieces, chosen, seeds, out, offsets)
        begins, data = (pa.py_buffer(cast(Any, each)) for each in (offsets, out[:end]))
        found: pa.Array[Any] = pa.StringArray.from_buffers(len(seeds), begins, data)
        return found if column.arrow_type == found.type else found.cast(column.arrow_type)

    @cached_property
    def _axes(self) -> dict[str, Part]:
        """By axis one of its parts: all have as many examples, locale by locale."""
        return {part.axis: part for part in self.parts.values()}

    @cached_property
    def _choices(self) -> tuple[Longs, Longs, Longs]:
        """What `picked` takes of each axis: its word and whether its examples are dealt out; where they begin in each
        locale; how many there are.
        """
        alike = len(self.shares)
        axes = np.array([(ORDER.index(axis), axis in BY_RANK) for axis in self._axes], np.int64).reshape(-1, 2)
        first = [np.resize(part.first[:-1], alike) for part in self._axes.values()]
        count = [np.resize(np.diff(part.first), alike) for part in self._axes.values()]
        return axes, np.array(first, np.int64).reshape(-1, alike), np.array(count, np.int64).reshape(-1, alike)

    @cached_property
    def _pieces(self) -> dict[int, tuple[Bytes, Longs, Longs, int]]:
        """By column what `written` takes: text, ends, pieces; and how long a value is at most, in bytes."""
        return {i: self._piece_by_piece(i, column) for i, column in self.columns.items()}

    def _piece_by_piece(self, index: int, column: Column) -> tuple[Bytes, Longs, Longs, int]:
        axes, entries, pieces, longest = list(self._axes), list[bytes](), list[tuple[int, int, int, int]](), 1
        for at, name in enumerate(meaning(column).parts):
            if not name:
                continue
            if at % 2 == 1 and name == NUMBER:
                pieces.append((NUMBER_PIECE, self.digits[index], 0, 0))
                longest += self.digits[index]
                continue
            texts = [str(text).encode() for text in self.parts[name].values.to_pylist()] if at % 2 else [name.encode()]
            kind = NUMBERED.get(name, EXAMPLE) if at % 2 else LITERAL
            separator = ord(self.separators.get(index, "") or "\0") if name in NUMBERED else 0
            pieces.append((kind, len(entries), axes.index(axis_of(name)) if at % 2 else 0, separator))
            entries += texts
            longest += max(map(len, texts)) * (1 + (separator > 0))
        text = np.frombuffer(b"".join(entries) + bytes(CHUNK), np.uint8)
        return text, np.cumsum([0, *map(len, entries)]).astype(np.int64), np.array(pieces, np.int64), longest

    def weights(self) -> Arrays:
        """The arrays that, with the schema, this can be rebuilt from."""
        found: Arrays = {"shares": self.shares}
        if self.ranks is not None and self.reached is not None:
            found |= {"ranks": self.ranks, "reached": self.reached}
        spelled = [(i, self.digits.get(i, 0), ord(self.separators.get(i, "") or "\0")) for i in self.columns]
        found["spelled"] = np.array(spelled, np.int64)
        for name, part in self.parts.items():
            arrays = {**stored([str(text) for text in part.values.to_pylist()]), "first": part.first}
            found |= {f"{name}/{kind}": array for kind, array in arrays.items()}
        return found

    @classmethod
    def from_weights(cls, weights: Mapping[str, npt.NDArray[Any]], columns: Mapping[int, Column]) -> Persona:
        """Rebuild what `weights` came from."""
        parts = {}
        for name in parts_of(columns.values()):
            arrays = {kind: weights[f"{name}/{kind}"] for kind in ("pool", "ends", "first")}
            parts[name] = Part(axis_of(name), pa.array(restored(arrays), pa.string()), arrays["first"])
        spelled = weights["spelled"].tolist()
        digits = {i: width for i, width, _ in spelled}
        separators = {i: chr(code).strip("\0") for i, _, code in spelled}
        ranks, reached = weights.get("ranks"), weights.get("reached")
        return cls(columns, parts, weights["shares"], digits, separators, ranks, reached)


def meaning(column: Column) -> Semantic:
    """What a column that is faked means."""
    assert column.semantic is not None
    return SEMANTICS[column.semantic]


def parts_of(columns: Any) -> list[str]:
    """The parts with examples that columns are made of, in a fixed order."""
    return sorted({name for column in columns for name in meaning(column).parts[1::2]} - {NUMBER})


def axis_of(part: str) -> str:
    """The axis of a part, spelled for an address or not.

    >>> axis_of("last.slug")
    'family'
    """
    return AXIS_OF[part.removesuffix(".slug")]


def groups_of(schema: TableSchema) -> list[dict[int, Column]]:
    """The columns of each persona, by place in the table.

    Columns whose names begin alike (billing_city, billing_street) belong together, and with others as long as no two
    mean the same. What says nothing of a person or place stands by itself.

    >>> from schemas.table import Kind
    >>> named = [("sender_name", "full_name"), ("name", "full_name"), ("email", "email"), ("sender_email", "email")]
    >>> schema = TableSchema("t", tuple(Column(n, Kind.TEXT, semantic=s) for n, s in named))
    >>> [[c.name for c in group.values()] for group in groups_of(schema)]
    [['sender_name', 'sender_email'], ['name', 'email']]
    """
    alike: dict[str, dict[int, Column]] = {}
    for i, column in enumerate(schema):
        if column.is_surrogate and not column.mask and column.semantic is not None and meaning(column).made is not None:
            kind = meaning(column)
            begins = stem(column.name, (*kind.names, *kind.vague))
            named = column.name if kind.apart or begins is None else begins
            while any(c.semantic == column.semantic for c in alike.get(named, {}).values()):
                named += "'"
            alike.setdefault(named, {})[i] = column
    groups: list[dict[int, Column]] = []
    for members in alike.values():
        mine = {c.semantic for c in members.values()}
        apart = any(meaning(c).apart for c in members.values())
        joined = (g for g in groups if not apart and not mine & {c.semantic for c in g.values()})
        home = next((g for g in joined if not any(meaning(c).apart for c in g.values())), None)
        if home is None:
            groups.append(members)
        else:
            home.update(members)
    return [dict(sorted(group.items())) for group in groups]


def _seeds(ranks: Longs) -> Words:
    """The two words of personas that come again, shape (n, 2)."""
    return np.column_stack([ranks, ranks + 1]).astype(np.uint64)
