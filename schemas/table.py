"""What a table is: its columns, their types, roles and the way their cells are spelled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa

from schemas.errors import InputError

SCHEMA_FORMAT = 1
"""Version of the JSON form written by `TableSchema.to_json`."""

MAX_CATEGORIES = 1_000
"""A string column with more distinct values than this is text, and is never copied unless public."""

MIN_SHARED_ROWS = 5
"""A value is kept only when at least this many rows share it."""


class Kind(StrEnum):
    """The physical type of a column."""

    INTEGER = "integer"
    NUMBER = "number"
    CATEGORY = "category"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class Policy(StrEnum):
    """What becomes of the values of a column of text."""

    FAKE = "fake"
    MASK = "mask"
    DROP = "drop"
    PUBLIC = "public"


class Role(StrEnum):
    """What a column is for. Keys and identifiers are replaced by fresh surrogates, never copied."""

    ATTRIBUTE = "attribute"
    KEY = "key"
    IDENTIFIER = "identifier"
    TARGET = "target"
    EVENT_TIME = "event_time"


def timestamp_type(unit: str, timezone: str | None) -> pa.DataType:
    """The Arrow type of timestamps.

    Args:
        unit: "s", "ms" or "us".
        timezone: "UTC" for instants, None for wall-clock times.
    """
    if timezone is None:
        walls: dict[str, pa.DataType] = {"s": pa.timestamp("s"), "ms": pa.timestamp("ms"), "us": pa.timestamp("us")}
        return walls[unit]
    instants: dict[str, pa.DataType] = {
        "s": pa.timestamp("s", tz="UTC"),
        "ms": pa.timestamp("ms", tz="UTC"),
        "us": pa.timestamp("us", tz="UTC"),
    }
    return instants[unit]


@dataclass(frozen=True)
class Spelling:
    """How the cells of a column are written in a CSV file.

    Args:
        null: the token of a missing value ("" or "NA", "?", …), without blanks around it.
        blanks: white space written before every cell (" " in Adult), the null token included.
        true: how True is written; false: how False is written.
        fixed_decimals: numbers keep trailing zeros ("1.50") up to the column's decimals.
        point: whole numbers keep a point and a zero ("2.0"), as Python writes floats.
        time_format: strftime format of dates and timestamps (see `schemas.times`); None for ISO 8601.
    """

    null: str = ""
    blanks: str = ""
    true: str = "true"
    false: str = "false"
    fixed_decimals: bool = False
    point: bool = False
    time_format: str | None = None


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: the name in the table, any non-empty text.
        kind: the physical type.
        nullable: whether a value may be missing.
        role: what the column is for.
        decimals: digits after the point of a NUMBER; None when every digit counts.
        time_unit: resolution of a TIMESTAMP: "ms" or "us".
        timezone: "UTC" for instants, None for local (wall-clock) timestamps.
        public: the user declared that values may be copied as they are.
        spelling: how cells are written in CSV.
        mask: every letter and digit is replaced by a star.
        semantic: what the values mean, a name of `schemas.semantics.SEMANTICS`; None where nothing is known.

    Raises:
        InputError: the parts contradict each other.
    """

    name: str
    kind: Kind
    nullable: bool = False
    role: Role = Role.ATTRIBUTE
    decimals: int | None = None
    time_unit: str = "us"
    timezone: str | None = None
    public: bool = False
    spelling: Spelling = field(default_factory=Spelling)
    mask: bool = False
    semantic: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("column name='': must not be empty; name every column of the table")
        if self.time_unit not in ("ms", "us"):
            raise InputError(f"{self.name}.time_unit={self.time_unit!r}: must be 'ms' or 'us'")
        if self.timezone not in (None, "UTC"):
            raise InputError(f"{self.name}.timezone={self.timezone!r}: must be 'UTC' or absent")
        if self.decimals is not None and not 0 <= self.decimals <= 15:
            raise InputError(f"{self.name}.decimals={self.decimals}: must be between 0 and 15")
        if self.public and self.mask:
            raise InputError(f"{self.name}: can not be public and masked; choose one")

    @property
    def is_surrogate(self) -> bool:
        """Whether values are invented afresh instead of modelled."""
        return not self.public and (self.kind is Kind.TEXT or self.role in (Role.KEY, Role.IDENTIFIER))

    @property
    def policy(self) -> Policy | None:
        """What becomes of the column's values; None where they are modelled."""
        if self.public:
            return Policy.PUBLIC
        if self.mask:
            return Policy.MASK
        return Policy.FAKE if self.is_surrogate else None

    @property
    def arrow_type(self) -> pa.DataType:
        """The one Arrow type this column has in every RecordBatch."""
        if self.kind is Kind.TIMESTAMP:
            return timestamp_type(self.time_unit, self.timezone)
        types: dict[Kind, pa.DataType] = {
            Kind.INTEGER: pa.int64(),
            Kind.NUMBER: pa.float64(),
            Kind.CATEGORY: pa.dictionary(pa.int32(), pa.string()),
            Kind.TEXT: pa.string(),
            Kind.BOOLEAN: pa.bool_(),
            Kind.DATE: pa.date32(),
        }
        return types[self.kind]


@dataclass(frozen=True)
class TableSchema:
    """A named, ordered set of columns; what generators, codec and monitors agree on.

    Args:
        name: the table's name.
        columns: at least one, with distinct names.
        wire: the JSON text of an Avro schema people already have, to be published under as it is;
            None when the Avro schema is derived from the columns.
        locales: the languages and countries that faked people and places are of, as in "de_DE".
        dropped: columns of the real table that the user left out.

    Raises:
        InputError: no columns, or names that repeat.
    """

    name: str
    columns: tuple[Column, ...]
    wire: str | None = None
    locales: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            raise InputError(f"table {self.name!r}: has no columns; expected at least one")
        repeated = sorted({n for n in self.names if self.names.count(n) > 1})
        if repeated:
            raise InputError(f"columns {', '.join(map(repr, repeated))}: appear more than once; rename them")

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(f"column={name!r}: not in table {self.name!r}; it has {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def surrogates(self) -> tuple[str, ...]:
        """The names of the columns whose values are invented."""
        return tuple(column.name for column in self.columns if column.is_surrogate)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema of every RecordBatch of this table."""
        return pa.schema([pa.field(c.name, c.arrow_type, c.nullable) for c in self.columns])

    def to_json(self) -> dict[str, Any]:
        """A JSON form that `from_json` reads back to an equal value."""
        return {"format": SCHEMA_FORMAT, **json.loads(json.dumps(asdict(self)))}

    @classmethod
    def from_json(cls, form: dict[str, Any]) -> TableSchema:
        """Read what `to_json` wrote.

        Raises:
            InputError: a newer format than this program knows.
        """
        if form["format"] > SCHEMA_FORMAT:
            raise InputError(f"schema format={form['format']}: this program reads up to {SCHEMA_FORMAT}; upgrade it")
        columns = [
            Column(**{**c, "kind": Kind(c["kind"]), "role": Role(c["role"]), "spelling": Spelling(**c["spelling"])})
            for c in form["columns"]
        ]
        return cls(form["name"], tuple(columns), form["wire"], tuple(form["locales"]), tuple(form["dropped"]))
