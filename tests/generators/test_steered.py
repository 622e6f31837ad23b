"""Values in other shares and boosted ones: what changes, what must not, and that weights undo a boost."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import chisquare

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.population import population_of
from generators.steered import UNSTEERED, Steered, steered
from schemas.errors import InputError
from schemas.keying import KeyForm
from schemas.steering import Steering, steering_of
from schemas.table import Column, Kind
from tests.generators.tables import orders, quick, table

BLOCKS = 12
CASES = [
    ("colour", {"blue": 0.5}),
    ("colour", {"blue": 0.5, "grün": 0.5}),
    ("colour", {"red": 0}),
    ("pieces", {"3": 0.25, "null": 0.4}),
    ("paid", {"true": 1}),
    ("paid", {"null": 0}),
    ("day", {"2024-01-08": 0.3}),
    ("plate", {}),
]


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return quick("tabular.copula", "orders", orders())


def drawn(artifact: Artifact, how: Steered = UNSTEERED, blocks: int = BLOCKS) -> pa.Table:
    source = Source(artifact, 1, 0, 0, 1)
    return pa.Table.from_batches([source.block(index, how) for index in range(blocks)])


def words(values: Any) -> list[str]:
    return ["null" if value is None else value for value in values.cast(pa.string()).to_pylist()]


@pytest.mark.parametrize(("column", "shares"), CASES, ids=str)
def test_named_values_get_their_shares_and_the_others_keep_their_proportions(
    artifact: Artifact, column: str, shares: dict[str, float]
) -> None:
    domain = artifact.generator.domain(column)
    shares = shares or {domain.values[0].as_py(): 0.7}
    own = dict(zip(words(domain.values), (domain.shares * (1 - domain.null_share)).tolist(), strict=True))
    own |= {"null": domain.null_share} if domain.null_share else {}
    others = sum(share for word, share in own.items() if word not in shares)
    left = 1 - sum(shares.values())
    expected = {word: shares.get(word, share * left / others if others else 0.0) for word, share in own.items()}
    found = pc.value_counts(pa.array(words(drawn(artifact, steered_by(artifact, {column: shares})).column(column))))
    counts = dict(zip(*(found.field(i).to_pylist() for i in (0, 1)), strict=True))
    assert counts.keys() <= {word for word, share in expected.items() if share > 0}
    common = [word for word, share in expected.items() if share * BLOCKS * BLOCK_ROWS > 20]
    observed = np.array([counts.get(word, 0) for word in common] + [0.0])
    ideal = np.array([expected[word] for word in common] + [0.0]) * BLOCKS * BLOCK_ROWS
    observed[-1], ideal[-1] = (BLOCKS * BLOCK_ROWS - each.sum() for each in (observed, ideal))
    kept = ideal > 1e-6
    assert (
        kept.sum() < 2
        or chisquare(observed[kept], ideal[kept] * observed[kept].sum() / ideal[kept].sum()).pvalue > 1e-4
    )


def steered_by(artifact: Artifact, shares: dict[str, dict[str, float]]) -> Steered:
    return steered(artifact.generator, steering_of({"shares": shares}))


def test_the_rest_of_a_row_is_as_it_is_given_the_value(artifact: Artifact) -> None:
    free, held = drawn(artifact, blocks=24), drawn(artifact, steered_by(artifact, {"colour": {"blue": 0.6}}))
    for colour in ("blue", "red"):
        sizes = [
            each.filter(pc.is_in(each.column("colour").cast(pa.string()), value_set=pa.array([colour])))
            .column("size")
            .to_numpy()
            for each in (free, held)
        ]
        error = np.sqrt(sum(each.var() / len(each) for each in sizes))
        assert abs(sizes[0].mean() - sizes[1].mean()) < 4 * error
    assert held.column("id") == drawn(artifact).column("id")


def test_without_shares_every_byte_stays_and_with_them_the_same_come_again(artifact: Artifact) -> None:
    source = Source(artifact, 1, 0, 0, 2)
    assert steered(artifact.generator, Steering()) is UNSTEERED
    assert source.block(5, steered(artifact.generator, Steering())).equals(source.block(5))
    how = steered_by(artifact, {"colour": {"blue": 0.6}, "paid": {"true": 0.5}})
    assert list(how.shares) == ["colour", "paid"]
    assert source.block(5, how).equals(Source(artifact, 1, 0, 0, 2).block(5, how))
    assert pa.Table.from_batches(source.rows(5_000, 9_000, how)).equals(
        pa.Table.from_batches([source.block(1, how), source.block(2, how)]).slice(5_000 - BLOCK_ROWS, 4_000)
    )
    turned = steered_by(artifact, {"paid": {"true": 0.5}, "colour": {"blue": 0.6}})
    assert source.block(5, turned).equals(source.block(5, how))
    assert not source.block(5, how).column("colour").equals(source.block(6, how).column("colour"))


@pytest.mark.parametrize(
    "boost",
    [
        {"column": "colour", "value": "blue", "factor": 3},
        {"column": "pieces", "value": 9, "factor": 40},
        {"column": "pieces", "value": None, "share": 0.5},
        {"column": "paid", "value": True, "share": 0.9},
        {"column": "colour", "value": "red", "factor": 0.25},
    ],
    ids=str,
)
def test_statistics_weighted_for_a_boost_are_the_generators_own(artifact: Artifact, boost: dict[str, Any]) -> None:
    """The weighted share of the value and of others, and a weighted mean, each within five of its standard errors."""
    how = steered(artifact.generator, steering_of({"boost": boost}))
    assert how.weights is not None
    free, boosted = drawn(artifact, blocks=40), drawn(artifact, how, blocks=20)
    weights = np.concatenate([np.array([float(w or b"") for w in how.weights.of(b)]) for b in boosted.to_batches()])
    assert len(set(weights.tolist())) == 2
    word = "null" if boost["value"] is None else str(boost["value"]).lower()
    hit, own = (np.array(words(each.column(boost["column"]))) == word for each in (boosted, free))
    wanted = boost.get("share", boost.get("factor", 0) * own.mean())
    assert hit.mean() == pytest.approx(wanted, rel=0.1)
    assert len(set(weights[hit].tolist())) == len(set(weights[~hit].tolist())) == 1
    statistics = [(hit, own)]
    statistics += [(column(boosted, name), column(free, name)) for name in ("size", "exact")]
    statistics += [
        (np.array(words(boosted.column("colour"))) == c, np.array(words(free.column("colour"))) == c)
        for c in ("green", "red")
    ]
    statistics += [(hit * column(boosted, "size"), own * column(free, "size"))]
    for values, plain in statistics:
        worth = weights * values
        error = np.sqrt(worth.var() / len(worth) + plain.var() / len(plain))
        assert abs(worth.mean() - plain.mean()) < 5 * error
    assert abs(weights.mean() - 1) < 5 * weights.std() / np.sqrt(len(weights))


def column(rows: pa.Table, name: str) -> npt.NDArray[np.float64]:
    return rows.column(name).to_numpy().astype(np.float64)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"shares": {"colour": {"pink": 0.5}}}, "shares.colour=pink: is no value that is drawn; choose among"),
        ({"shares": {"colour": {"null": 0.5}}}, "shares.colour=null: is no value that is drawn"),
        ({"shares": {"pieces": {"many": 0.5}}}, "shares.pieces=many: is no value that is drawn; choose among"),
        ({"shares": {"pieces": {"10000": 0.5}}}, "shares.pieces=10000: is no value that is drawn"),
        (
            {"shares": {"size": {"0.5": 0.5}}},
            "shares: size: is a number with decimals, whose values have no end; expected",
        ),
        ({"shares": {"uuid": {"a": 0.5}}}, "shares: uuid: has a value of its own in every row"),
        ({"shares": {"nonsense": {"a": 0.5}}}, "shares: column='nonsense': not in table"),
        (
            {"shares": {"paid": {"true": 0.2, "false": 0.2, "null": 0.1}}},
            "shares.paid: every value is named, .* sum to 0.5",
        ),
        ({"boost": {"column": "colour", "value": "pink", "factor": 2}}, "boost.value=pink: is no value that is drawn"),
        ({"boost": {"column": "nonsense", "value": 1, "factor": 2}}, "boost: column='nonsense'"),
        (
            {"boost": {"column": "colour", "value": "red", "factor": 90}},
            "boost.factor=90: colour=red is 0.[0-9]* of the",
        ),
        ({"given": {"colour": "pink"}}, "colour=pink: is not a known value"),
    ],
    ids=str,
)
def test_what_can_not_be_steered_is_one_line(artifact: Artifact, form: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        steered(artifact.generator, steering_of(form))
    assert len(refused.value.faults) == 1


def test_every_fault_is_told_at_once(artifact: Artifact) -> None:
    form = {"given": {"colour": "pink"}, "shares": {"size": {"1": 0.5}, "paid": {"maybe": 0.5}}}
    with pytest.raises(InputError) as refused:
        steered(artifact.generator, steering_of(form))
    assert len(refused.value.faults) == 3


def test_a_yes_that_yaml_reads_as_true_is_meant_as_the_table_has_it() -> None:
    made = table(
        [(Column("n", Kind.INTEGER), [1, 2] * 50), (Column("fraud", Kind.CATEGORY), ["no"] * 90 + ["yes"] * 10)]
    )
    generator = quick("tabular.marginals", "fraud", made).generator
    how = steered(generator, steering_of({"boost": {"column": "fraud", "value": True, "factor": 5}}))
    assert how.weights is not None
    assert [bytes(text or b"") for text in how.weights.texts] == [b"1.8", b"0.2"]
    assert steered(generator, steering_of({"given": {"fraud": False}})).given == {"fraud": "no"}
    only = steered(generator, steering_of({"shares": {"fraud": {True: 1.0}}}))
    assert set(only.shares["fraud"].drawn(np.linspace(0, 0.999, 50)).to_pylist()) == {"yes"}


def test_a_value_that_is_all_there_is_can_not_be_boosted() -> None:
    made = table([(Column("c", Kind.CATEGORY), ["only"] * 30)])
    generator = quick("tabular.marginals", "only", made).generator
    with pytest.raises(InputError, match=r"boost\.value=only: is the only value of c, so it can not be boosted"):
        steered(generator, steering_of({"boost": {"column": "c", "value": "only", "share": 0.5}}))


def test_a_block_refuses_to_steer_its_key(artifact: Artifact) -> None:
    keys = population_of(artifact.generator, KeyForm(column="colour"), 1)
    source = Source(artifact, 1, 0, 0, 1, population=keys)
    for form in ({"given": {"colour": "red"}}, {"shares": {"colour": {"red": 0.5}}}):
        with pytest.raises(InputError, match="colour: records are keyed by it"):
            source.block(0, steered(artifact.generator, steering_of(form)))
    with pytest.raises(InputError, match="boost: records are keyed by colour"):
        source.block(
            0, steered(artifact.generator, steering_of({"boost": {"column": "paid", "value": True, "share": 0.9}}))
        )
    assert (
        source.block(0, steered_by(artifact, {"paid": {"true": 1}}))
        .column("colour")
        .equals(source.block(0).column("colour"))
    )
