from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generators.scan import FILES, scan, scan_files
from schemas.errors import InputError
from schemas.profile import ColumnProfile, Profile, profile_table
from schemas.table import Column, Kind, TableSchema
from tests.generators.tables import AWKWARD, table

NUMBER = Column("n", Kind.INTEGER)
WORD = Column("c", Kind.CATEGORY)
TEXT = Column("t", Kind.TEXT)


@pytest.mark.parametrize("name", AWKWARD)
def test_what_profiling_makes_passes(name: str) -> None:
    made, schema = AWKWARD[name]()
    scan(schema, profile_table(made, schema), {"correlation": np.eye(2)})


@pytest.mark.parametrize(
    ("column", "changed", "says"),
    [
        (
            NUMBER,
            {"knots": tuple(map(float, range(1_001))), "atoms": (1 / 1_001,) * 1_001, "inside": (0.0,) * 1_000},
            "1001 knots",
        ),
        (NUMBER, {"knots": (1.0, 1.0), "atoms": (0.5, 0.5), "inside": (0.0,)}, "its knots do not rise"),
        (NUMBER, {"atoms": (0.5,)}, "do not sum to 1"),
        (NUMBER, {"values": ("1",), "shares": (1.0,)}, "both knots and values"),
        (WORD, {"values": ("a", "b"), "shares": (0.9, 0.1)}, "values held by fewer than 5 rows"),
        (WORD, {"values": ("a", "b"), "shares": (1.0,)}, "values held by fewer than 5 rows"),
        (TEXT, {"values": ("Ann",), "shares": (1.0,)}, "values of a text, key or identifier column"),
        (TEXT, {"knots": (1.0,), "atoms": (1.0,)}, "values of a text, key or identifier column"),
    ],
)
def test_what_could_be_real_is_refused(column: Column, changed: dict[str, Any], says: str) -> None:
    cells: list[Any] = [7] * 20 if column is NUMBER else ["a"] * 20
    made, schema = table([(column, cells)])
    (known,) = profile_table(made, schema)
    scan(schema, Profile(20, (known,)), {})
    with pytest.raises(InputError, match=says):
        scan(schema, Profile(20, (replace(known, **changed),)), {})


def test_a_public_column_may_keep_its_values() -> None:
    column = Column("c", Kind.CATEGORY, public=True)
    made, schema = table([(column, ["a", "b"])])
    scan(schema, profile_table(made, schema), {})


def test_strangers_are_refused() -> None:
    with pytest.raises(InputError, match="its columns are not the schema's"):
        scan(TableSchema("t", (WORD,)), Profile(9, (ColumnProfile("x", 9, 0, 0),)), {})
    with pytest.raises(InputError, match="weights 'w': holds objects"):
        scan(TableSchema("t", (WORD,)), Profile(9, (ColumnProfile("c", 9, 0, 0),)), {"w": np.array(["secret"])})
    scan_files(FILES)
    with pytest.raises(InputError, match=r"files model.pkl, rows.csv: do not belong"):
        scan_files([*FILES, "rows.csv", "model.pkl"])
