"""Columns whose values go together in fixed ways, as one category of all their combinations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import InputError
from schemas.rule_forms import value_type
from schemas.table import Column, Kind
from schemas.values import as_values, decoded, mask_of

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Listing:
    """Some columns as one.

    Args:
        columns: the table's.
        name: what the one column is called.
    """

    columns: tuple[Column, ...]
    name: str

    def texts(self, arrays: Sequence[pa.Array[Any]]) -> Any:
        """Rows as the one column has them: a JSON list each, dictionary-encoded, shape (n,).

        Args:
            arrays: of the columns' Arrow types, shape (n,) each.
        """
        coded = [decoded(array).dictionary_encode() for array in arrays]
        numbers = np.zeros(len(arrays[0]), np.int64)
        for each in coded:
            own = each.indices.fill_null(len(each.dictionary)).to_numpy().astype(np.int64)
            numbers = np.unique(numbers * (len(each.dictionary) + 1) + own, return_inverse=True)[1]
        _, first, rows = np.unique(numbers, return_index=True, return_inverse=True)
        lists = zip(*(array.take(first).to_pylist() for array in arrays), strict=True)
        words = pa.array([json.dumps(list(row), default=str, ensure_ascii=False) for row in lists], pa.string())
        return pa.DictionaryArray.from_arrays(rows.astype(np.int32), words)


@dataclass(frozen=True, eq=False)
class Combined:
    """A listing and the combinations that are drawn.

    Args:
        listing: the columns.
        texts: the combinations, shape (k,).
        shares: how likely each is, shape (k,).
    """

    listing: Listing
    texts: tuple[str, ...]
    shares: npt.NDArray[np.float64]

    @cached_property
    def values(self) -> Mapping[str, pa.Array[Any]]:
        """By column its value in each combination, of its Arrow type, shape (k,)."""
        rows = [json.loads(text) for text in self.texts]
        return {c.name: _array(c, [row[i] for row in rows]) for i, c in enumerate(self.listing.columns)}

    @cached_property
    def _at(self) -> Mapping[str, int]:
        return {text: code for code, text in enumerate(self.texts)}

    def back(self, drawn: pa.Array[Any]) -> dict[str, pa.Array[Any]]:
        """The columns of rows.

        Args:
            drawn: the one column, shape (n,).
        """
        codes = self.codes(drawn)
        return {name: values.take(codes) for name, values in self.values.items()}

    def codes(self, drawn: Any) -> Codes:
        """Which combination each row has, -1 where it is none, shape (n,)."""
        known = np.array([self._at.get(text, -1) for text in drawn.dictionary.to_pylist()], np.int64)
        found: Codes = known[drawn.indices.to_numpy()]
        return found

    def column(self, codes: Codes) -> pa.Array[Any]:
        """The one column of rows with these combinations."""
        return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(self.texts, pa.string()))

    def held(self, asked: Mapping[str, pa.Array[Any]], u: npt.NDArray[np.float64]) -> Codes:
        """Draw combinations that have some columns' values, each as likely as it is among those, shape (n,).

        Args:
            asked: by column the values, shape (n,) each.
            u: in [0, 1), shape (n,).

        Raises:
            InputError: no combination has them.
        """
        members = Listing(tuple(c for c in self.listing.columns if c.name in asked), self.listing.name)
        rows = members.texts([asked[c.name] for c in members.columns])
        own = members.texts([self.values[c.name] for c in members.columns])
        mine = np.array(own.dictionary.to_pylist())[own.indices.to_numpy()]
        codes = np.empty(len(u), np.int64)
        which = rows.indices.to_numpy()
        for number, text in enumerate(rows.dictionary.to_pylist()):
            those = np.flatnonzero(which == number)
            fitting = np.flatnonzero(mine == text)
            if not len(fitting):
                said = ", ".join(f"{c.name}={v}" for c, v in zip(members.columns, json.loads(text), strict=True))
                together = " and ".join(c.name for c in self.listing.columns)
                raise InputError(f"given {said}: never drawn, since {together} go together in fixed ways; hold others")
            upto = np.cumsum(self.shares[fitting])
            drawn = np.searchsorted(upto, u[those] * upto[-1], side="right")
            codes[those] = fitting[np.minimum(drawn, len(fitting) - 1)]
        return codes


def agree(drawn: pa.Array[Any], asked: pa.Array[Any]) -> npt.NDArray[np.bool_]:
    """Where two arrays have the same value or none, shape (n,)."""
    first, second = decoded(drawn), decoded(asked)
    return mask_of(pc.equal(first, second)) | (mask_of(first.is_null()) & mask_of(second.is_null()))


def _array(column: Column, cells: list[Any]) -> pa.Array[Any]:
    kind = value_type(column)
    present = [cell is not None for cell in cells]
    values = as_values([cell for cell in cells if cell is not None], kind)
    places = np.cumsum(present) - 1
    found = values.take(pa.array(places, pa.int64(), mask=~np.array(present, bool)))
    return found.dictionary_encode().cast(column.arrow_type) if column.kind is Kind.CATEGORY else found
