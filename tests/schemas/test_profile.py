import json

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.profile import LOWEST_KEY, OTHER, ColumnProfile, Profile, profile_table
from schemas.table import Column, Kind, Role
from tests.generators.tables import AWKWARD, orders, table


@pytest.mark.parametrize("name", AWKWARD)
def test_json_reads_back(name: str) -> None:
    profile = profile_table(*AWKWARD[name]())
    assert Profile.from_json(json.loads(json.dumps(profile.to_json(), allow_nan=False))) == profile


def test_a_newer_format_is_refused() -> None:
    form = profile_table(*AWKWARD["two_rows"]()).to_json()
    with pytest.raises(InputError, match="profile format=2: this program reads up to 1"):
        Profile.from_json({**form, "format": 2})


def test_what_each_kind_keeps() -> None:
    profile = profile_table(*orders())
    assert profile["id"].key_base == 10_000
    assert profile["id"].text is None
    assert profile["plate"].text is not None
    assert (profile["plate"].values, profile["plate"].knots) == ((), ())
    assert profile["plate"].nulls == profile["pieces"].nulls > 0
    assert profile["paid"].values in (("true", "false"), ("false", "true"))
    assert profile["at"].step == 60_000
    assert profile["size"].step == 0.01
    assert profile["exact"].step == 0
    with pytest.raises(InputError, match="column='colr': not in the profile"):
        _ = profile["colr"]


def test_rare_categories_are_pooled() -> None:
    column = Column("c", Kind.CATEGORY)
    made = table([(column, ["a"] * 6 + ["b"] * 5 + ["c"] * 4)])
    (known,) = profile_table(*made)
    assert known.values == ("a", "b")
    assert known.shares == pytest.approx((6 / 11, 5 / 11))
    assert known.rest == pytest.approx(4 / 15)
    assert known.distinct == 3


def test_a_public_category_keeps_all_and_a_rare_one_nothing() -> None:
    (public,) = profile_table(*table([(Column("c", Kind.CATEGORY, public=True), ["a", "b", "b"])]))
    assert public.values == ("b", "a")
    (secret,) = profile_table(*table([(Column("c", Kind.CATEGORY), ["a", "b", "b"])]))
    assert (secret.values, secret.rest) == ((OTHER,), 1.0)


@pytest.mark.parametrize(
    ("column", "cells", "base"),
    [
        (Column("k", Kind.INTEGER, role=Role.KEY), [1, 999], 1_000),
        (Column("k", Kind.INTEGER, role=Role.KEY), [-1_000], 10_000),
        (Column("k", Kind.INTEGER, role=Role.KEY), [5 * 10**18], LOWEST_KEY),
        (Column("k", Kind.TEXT, role=Role.KEY), ["A7", "0042"], 100),
    ],
)
def test_keys_start_above_the_real_ones(column: Column, cells: list[object], base: int) -> None:
    (known,) = profile_table(*table([(column, cells)]))
    assert known.key_base == base


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"k\.role=key: must be on an integer or string column"):
        profile_table(*table([(Column("k", Kind.NUMBER, role=Role.KEY), [1.5])]))


@pytest.mark.parametrize("step", [0.0, 1.0])
def test_mass_below_is_a_distribution_function(step: float) -> None:
    known = ColumnProfile("x", 9, 0, 9, (0.0, 4.0, 5.0), (0.1, 0.2, 0.3), (0.4, 0.0), step=step)
    below = known.mass_below(np.array([-1.0, 0.0, 0.5, 1.5, 4.0, 4.5, 9.0]))
    inner = [0.1 + 0.4 * 0.5 / 4, 0.1 + 0.4 * 1.5 / 4] if step == 0 else [0.1, 0.1 + 0.4 / 3]
    assert below.tolist() == pytest.approx([0, 0, *inner, 0.5, 0.7, 1.0])


def test_chunks_and_slices_do_not_matter() -> None:
    made, schema = orders(500)
    pieces = pa.concat_tables([made.slice(0, 123), made.slice(123)])
    assert profile_table(pieces, schema) == profile_table(made, schema)
