"""A generator whose rows meet rules."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.artifact import Artifact, identity_of, load_artifact, rules_form, save
from generators.blocks import BLOCK_ROWS, Source
from generators.constraints.rows import ruled
from generators.fitting import fit_artifact
from generators.randomness import uniforms
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.rows import Rows
from schemas.rule_forms import rules_of
from schemas.table import Column, Kind, Role, TableSchema
from tests.generators.ruled import RULES, drawn, keeper, keeping, read_back, shop, small
from tests.generators.tables import AWKWARD, ignore

N = 400


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(2))


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return keeping("tabular.copula")


def law(columns: list[tuple[Column, list[Any]]], form: dict[str, Any]) -> None:
    """What is drawn under one rule, encoded and read back, meets it."""
    made = small(columns, [form])
    (rule,) = rules_of([form])
    assert not rule.violations(read_back(drawn(keeper(made), 1_000), made.schema)).any()


INTEGERS = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9)), min_size=12, max_size=40)
QUICK = settings(max_examples=12, deadline=None)


@QUICK
@given(INTEGERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.sampled_from(list(Kind)))
def test_comparisons_hold_over_columns_of_any_kind(pairs: list[tuple[int, int]], op: str, kind: Kind) -> None:
    low, apart = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    right = low if op == "==" else low + apart + 1 if op in ("<", "<=", "!=") else low - apart - 1

    def cells(values: Any) -> list[Any]:
        match kind:
            case Kind.DATE:
                return [date(2024, 1, 1) + timedelta(int(v)) for v in values]
            case Kind.NUMBER:
                return [round(int(v) / 10, 1) for v in values]
            case _:
                return [int(v) for v in values]

    kind = kind if kind in (Kind.DATE, Kind.NUMBER) else Kind.INTEGER
    decimals = 1 if kind is Kind.NUMBER else None
    columns = [(Column("a", kind, decimals=decimals), cells(low)), (Column("b", kind, decimals=decimals), cells(right))]
    law(columns, {"rule": "compare", "left": "a", "op": op, "right": "b"})


@QUICK
@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=12, max_size=40), st.integers(0, 3))
def test_sums_hold_to_the_last_digit(pairs: list[tuple[int, int]], decimals: int) -> None:
    scale = 10**decimals
    cells = [[a / scale for a, _ in pairs], [b / scale for _, b in pairs], [(a + b) / scale for a, b in pairs]]
    columns = [(Column(n, Kind.NUMBER, decimals=decimals), values) for n, values in zip("abt", cells, strict=True)]
    law(columns, {"rule": "formula", "column": "t", "expression": "a + b"})


@QUICK
@given(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans(), st.integers(0, 2)), min_size=12, max_size=40))
def test_only_combinations_that_are_listed_come_out(rows: list[tuple[str, bool, int]]) -> None:
    rows = rows * 5  # as shared as values have to be
    kinds = (("c", Kind.CATEGORY), ("b", Kind.BOOLEAN), ("n", Kind.INTEGER))
    columns = [(Column(n, kind), [row[i] for row in rows]) for i, (n, kind) in enumerate(kinds)]
    law(columns, {"rule": "combinations", "columns": ["c", "b", "n"], "rows": [list(row) for row in set(rows)]})


@QUICK
@given(st.lists(st.integers(-50, 50), min_size=12, max_size=60), st.integers(0, 5), st.booleans())
def test_bounds_and_lists_hold_over_values_that_no_row_has(values: list[int], at: int, bounds: bool) -> None:
    known = sorted(set(values))
    kept = known[at : at + 3] if len(known) > at + 3 else known
    cells = values + kept * 5  # as shared as values have to be for any to come out
    form = {"low": kept[0], "high": kept[-1]} if bounds else {"values": kept}
    law([(Column("n", Kind.INTEGER), cells)], {"rule": "range" if bounds else "allowed", "column": "n", **form})


@QUICK
@given(INTEGERS, st.integers(-9, 9), st.integers(0, 9), st.sampled_from(["implies", "predicate"]))
def test_conditions_hold_whatever_the_generator_makes_of_them(
    pairs: list[tuple[int, int]], low: int, most: int, kind: str
) -> None:
    rows = [(a, min(b, most) if a >= low else b) for a, b in pairs]
    parts: dict[str, Any] = {
        "if": {"rule": "range", "column": "a", "low": low},
        "then": {"rule": "range", "column": "b", "high": most},
    }
    form = parts if kind == "implies" else {"expression": f"a < {low} or b <= {most}"}
    columns = [(Column(name, Kind.INTEGER), [row[i] for row in rows]) for i, name in enumerate("ab")]
    law(columns, {"rule": kind, **form})


@QUICK
@given(st.lists(st.text("AB", min_size=2, max_size=4), min_size=20, max_size=60))
def test_invented_text_matches_its_pattern(values: list[str]) -> None:
    columns = [(Column("t", Kind.TEXT), [f"{text}{i:04d}" for i, text in enumerate(values)])]
    law(columns, {"rule": "matches", "column": "t", "pattern": "[A-Z]{2,4}[0-9]{4}"})


def test_a_rule_that_is_met_by_chance_leaves_the_law_of_those_that_meet_it() -> None:
    """Drawing again is conditioning: pairs of dice that differ are as likely as each other."""
    dice = rng().integers(1, 5, (8_000, 2))
    dice = dice[dice[:, 0] != dice[:, 1]]
    columns = [(Column(name, Kind.INTEGER), dice[:, i].tolist()) for i, name in enumerate("ab")]
    made = small(columns, [{"rule": "compare", "left": "a", "op": "!=", "right": "b"}], "tabular.marginals")
    rows = drawn(keeper(made), 24_000)
    pairs = np.bincount(rows.column("a").to_numpy() * 8 + rows.column("b").to_numpy())
    assert sorted(pairs[pairs > 0] / 24_000) == pytest.approx([1 / 12] * 12, abs=0.01)


def test_a_row_depends_on_its_own_uniforms_and_on_no_other_row(artifact: Artifact) -> None:
    model = keeper(artifact)
    u = uniforms((1, 2), 0, 2_000, model.width)
    whole = model.sample(2_000, u)
    some = np.arange(0, 2_000, 7)
    apart = model.sample(len(some), u[some])
    for name in artifact.schema.names:
        if name not in ("id", "code"):  # placeholders: a stream writes them from the record's number
            assert apart.column(name).to_pylist() == whole.column(name).take(some).to_pylist(), name


def test_slices_of_a_stream_are_parts_of_it(artifact: Artifact) -> None:
    source = Source(artifact, seed=1, epoch=0, shard=1, shards=3)
    whole = pa.Table.from_batches(source.rows(0, 2 * BLOCK_ROWS)).unify_dictionaries()
    part = pa.Table.from_batches(source.rows(4_000, 4_200)).unify_dictionaries()
    assert part.to_pylist() == whole.slice(4_000, 200).to_pylist()


def test_values_that_never_repeat_do_not_over_shards_and_missing_ones_stay() -> None:
    names = [None if i % 10 == 0 else f"K{i:04d}" for i in range(N)]
    columns: list[tuple[Column, list[Any]]] = [
        (Column("code", Kind.TEXT, nullable=True), names),
        (Column("n", Kind.INTEGER), list(range(N))),
    ]
    forms = [{"rule": "unique", "columns": ["code"]}, {"rule": "unique", "columns": ["n"]}]
    made = small(columns, forms)
    rows = pa.Table.from_batches([Source(made, 0, 0, shard, 4).block(i) for shard in range(4) for i in range(2)])
    codes = rows.column("code").drop_null()
    assert len(codes.unique()) == len(codes)
    assert rows.column("code").null_count / rows.num_rows == pytest.approx(0.1, abs=0.01)
    assert len(rows.column("n").unique()) == rows.num_rows
    assert rows.column("n").to_numpy().min() >= N
    assert not set(codes.to_pylist()) & set(names)
    with pytest.raises(InputError, match="code: has a value of its own in every row"):
        keeper(made).domain("code")


def test_domains_are_those_of_the_table(artifact: Artifact) -> None:
    model, (rows, _) = keeper(artifact), shop()
    country = model.domain("country")
    real = rows.column("country").to_pylist()
    shares = {name: real.count(name) / len(real) for name in set(real)}
    assert dict(zip(country.values.to_pylist(), country.shares, strict=True)) == pytest.approx(shares, abs=0.02)
    carrier = model.domain("carrier")
    assert set(carrier.values.to_pylist()) == {"DHL", "UPS"}
    assert carrier.null_share == pytest.approx(0.1, abs=0.02)
    with pytest.raises(InputError, match="total: is told from other columns by a rule"):
        model.domain("total")
    assert set(model.domain("rate").values.to_pylist()) == {0, 7, 19}
    with pytest.raises(InputError, match="nosuch"):
        model.domain("nosuch")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("extremes", {"rule": "compare", "left": "wide", "op": ">=", "right": "huge"}),
        ("extremes", {"rule": "compare", "left": "float", "op": "<=", "right": "cents"}),
        ("extremes", {"rule": "unique", "columns": ["digit"]}),
        ("almost_null", {"rule": "is_null", "column": "d"}),
        ("almost_null", {"rule": "not_null", "column": "n"}),
        ("constants", {"rule": "formula", "column": "n", "expression": "7"}),
        ("constants", {"rule": "allowed", "column": "t", "values": ["same text"]}),
        ("constants", {"rule": "combinations", "columns": ["t", "b"], "rows": [["same text", True]]}),
        ("orders", {"rule": "compare", "left": "pieces", "op": ">=", "right": "size"}),
        ("orders", {"rule": "compare", "left": "size", "op": "<=", "right": "exact"}),
    ],
)
def test_rules_hold_over_awkward_tables(name: str, form: dict[str, Any]) -> None:
    rows, schema = AWKWARD[name]()
    (rule,) = rules_of([form])
    made = fit_artifact(ruled(Rows.of(rows), schema, [rule]), schema, "tabular.copula", {}, 0, ignore, reference_rows=1)
    batch = read_back(Source(made, 0, 0, 0, 1).block(0), schema)
    assert not rule.violations(batch).any()


def test_each_rule_says_how_it_is_kept(artifact: Artifact) -> None:
    kept = {rule.name.split(":")[0] + ":" + rule.columns[0]: keeper(artifact).kept(rule) for rule in RULES}
    assert kept["range:pieces"] == kept["combinations:country"] == kept["allowed:rate"] == "nothing else is drawn"
    assert kept["formula:total"] == kept["ordered:placed"] == kept["compare:came"] == "drawn as a distance"
    assert kept["unique:code"] == "written from the record's number"
    assert kept["matches:plate"] == kept["implies:country"] == "drawn again where broken"


def test_the_target_stays_the_target() -> None:
    columns = [
        (Column("a", Kind.INTEGER), rng().integers(0, 9, N).tolist()),
        (Column("b", Kind.INTEGER, role=Role.TARGET), rng().integers(9, 19, N).tolist()),
    ]
    made = small(columns, [{"rule": "compare", "left": "a", "op": "<", "right": "b"}])
    roles = {column.name: column.role for column in keeper(made).inner.schema}
    assert roles == {"a": Role.ATTRIBUTE, "b - (a)": Role.TARGET}


def test_rules_are_a_part_of_the_artifact_and_of_its_identity(artifact: Artifact, tmp_path: Path) -> None:
    save(artifact, tmp_path / "a")
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["left_out"] == {"formula:total": 30}
    assert 0.9 < manifest["met"] <= 1
    fewer = rules_form(artifact.generator)
    assert fewer is not None
    assert identity_of(*_told(artifact), {**fewer, "rules": fewer["rules"][1:]}) != artifact.identity
    assert identity_of(*_told(artifact), fewer) == artifact.identity
    without = {**manifest, "files": {name: h for name, h in manifest["files"].items() if name != "rules.json"}}
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(without))
    with pytest.raises(InputError, match="the identity is not that of the files"):
        load_artifact(tmp_path / "a")
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "a" / "rules.json").write_text("{}")
    with pytest.raises(InputError, match=r"rules\.json is not what was written"):
        load_artifact(tmp_path / "a")


def _told(artifact: Artifact) -> tuple[str, TableSchema, Profile, dict[str, Any]]:
    return artifact.model, artifact.schema, artifact.profile, artifact.generator.weights()
