"""The rows of entities: any version alone, what a life keeps, what the generator's distribution is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from generators.artifact import Artifact
from generators.blocks import BLOCK_ROWS, Source
from generators.changes.entities import Events
from generators.changes.history import History, previous
from generators.population import population_of
from generators.randomness import uniforms
from generators.steered import UNSTEERED, Steered
from schemas.errors import InputError
from schemas.keying import KeyForm
from tests.generators.tables import orders, quick

COLOURS, FEW = KeyForm(column="colour"), KeyForm(entities=300, skew=1.1)
CHANGING = ("size", "pieces")


@pytest.fixture(scope="module", params=["tabular.marginals", "tabular.copula"])
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return quick(request.param, "orders", orders())


def history(
    artifact: Artifact, key: KeyForm = FEW, columns: tuple[str, ...] | None = None, deletes: float = 0.2
) -> History:
    population = population_of(artifact.generator, key, 1)
    return History(Source(artifact, 1, 0, 0, 1, population=population), deletes, columns)


def images(made: History, events: Events) -> pa.RecordBatch:
    artifact = made.source.artifact
    return made.images(artifact, events, UNSTEERED, made.kept(artifact, events, UNSTEERED))


@pytest.mark.parametrize("columns", [None, CHANGING])
@pytest.mark.parametrize("key", [FEW, COLOURS])
def test_a_row_before_is_the_row_after_the_event_before(
    artifact: Artifact, key: KeyForm, columns: tuple[str, ...] | None
) -> None:
    made = history(artifact, key, columns)
    last: dict[int, dict[str, object]] = {}
    for index in range(3):
        events = made.block(index)
        before, after = (images(made, each).to_pylist() for each in (previous(events), events))
        for row, entity in enumerate(events.entities.tolist()):
            if not events.created[row]:
                assert before[row] == last[entity]
            if not events.deleted[row]:
                last[entity] = after[row]
    assert len(last) > 2


def test_only_what_changes_changes_over_a_life_and_the_next_is_another(artifact: Artifact) -> None:
    made = history(artifact, columns=CHANGING)
    events = made.block(4)
    rows = images(made, events).to_pylist()
    lives: dict[tuple[int, int], dict[str, object]] = {}
    for entity, life, row in zip(events.entities.tolist(), events.lives.tolist(), rows, strict=True):
        kept = {name: value for name, value in row.items() if name not in CHANGING}
        assert lives.setdefault((entity, life), kept) == kept
    pairs = [(one, lives[entity, life + 1]) for (entity, life), one in lives.items() if (entity, life + 1) in lives]
    assert len(pairs) > 20
    assert all(one["id"] == other["id"] for one, other in pairs)
    assert sum(one["plate"] != other["plate"] for one, other in pairs) > len(pairs) / 2
    assert sum(one["uuid"] != other["uuid"] for one, other in pairs) == len(pairs)
    assert len({row["size"] for row in rows}) > 100


def test_every_column_changes_when_none_is_named_but_the_key_does_not(artifact: Artifact) -> None:
    made = history(artifact)
    events = made.block(0)
    batch = images(made, events)
    keys = made.messages(events.entities)
    assert [str(value).encode() for value in batch.column("id").to_pylist()] == keys
    hottest = events.entities == np.bincount(events.entities).argmax()
    seen = batch.filter(pa.array(hottest))
    assert len(set(seen.column("uuid").to_pylist())) == hottest.sum() > 100


def test_a_table_keyed_by_a_column_has_one_number_an_entity(artifact: Artifact) -> None:
    made = history(artifact, COLOURS)
    events = made.block(0)
    batch = images(made, events)
    assert batch.column("colour").to_pylist() == [str(key, "utf-8") for key in made.messages(events.entities) if key]
    numbers = set(zip(events.entities.tolist(), batch.column("id").to_pylist(), strict=True))
    assert len(numbers) == len(set(events.entities.tolist())) == len({number for _, number in numbers})


@pytest.mark.parametrize("columns", [None, CHANGING])
def test_rows_are_the_generators(artifact: Artifact, columns: tuple[str, ...] | None) -> None:
    made = history(artifact, KeyForm(entities=100_000), columns)
    drawn = images(made, made.block(0))
    plain = Source(artifact, 1, 0, 0, 1).block(0)
    assert drawn.schema == plain.schema
    for name in ("size", "pieces"):
        first, second = (np.array(batch.column(name).drop_null(), np.float64) for batch in (drawn, plain))
        assert ks_2samp(first, second).pvalue > 1e-4, name
    red, expected = (sum(value == "red" for value in batch.column("colour").to_pylist()) for batch in (drawn, plain))
    assert abs(red - expected) < 6 * (0.25 * 2 * BLOCK_ROWS) ** 0.5


def test_a_version_is_the_same_wherever_in_a_block_it_is_drawn(artifact: Artifact) -> None:
    made = history(artifact, columns=CHANGING)
    events = made.block(2)
    order = np.argsort(uniforms((1, 2), 0, BLOCK_ROWS, 1)[:, 0])
    turned = Events(*(each[order] for each in vars(events).values()))
    assert images(made, turned).equals(images(made, events).take(order))


def test_what_has_no_changes_is_refused(artifact: Artifact) -> None:
    with pytest.raises(InputError, match=r"key\.column=pieces: is missing in 1\d % of the rows") as refused:
        history(artifact, KeyForm(column="pieces"), ("colour", "pieces", "nonsense", "id"))
    assert len(refused.value.faults) == 4
    assert "changes.columns=nonsense: not in table" in str(refused.value)
    assert "changes.columns=id: is the key, which stays; leave it out" in str(refused.value)
    assert "changes.columns=pieces: is the key" in str(refused.value)


def test_the_key_can_not_be_held_and_other_columns_can(artifact: Artifact) -> None:
    made = history(artifact, COLOURS, CHANGING)
    events = made.block(0)
    given = {"paid": True, "size": 1.0} if artifact.model.endswith("marginals") else {"paid": True}
    how = Steered(given)
    held = made.images(artifact, events, how, made.kept(artifact, events, how))
    assert set(held.column("paid").to_pylist()) == {True}
    with pytest.raises(InputError, match="colour: records are keyed by it, so it can not be held at one value"):
        made.kept(artifact, events, Steered({"colour": "red"}))
