"""Rules that an artifact keeps, from the table to the topic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generators import fitting
from generators.artifact import load_artifact
from generators.blocks import Source
from generators.population import population_of
from schemas import changes as forms
from schemas.errors import InputError
from schemas.joint_rules import Combinations
from schemas.keying import KeyForm
from schemas.stream import from_mapping, load
from stream_app.changes import Changes, happened
from stream_app.contents import Contents
from stream_app.kept_rules import check_kept, with_rows
from stream_app.monitoring import judges
from stream_app.steering import asked_steering
from tests.stream_app.shop import cli, lines

RULES = """
rules:
- {rule: range, column: pieces, low: 1}
- {rule: compare, left: day, op: <=, right: due}
- {rule: unique, columns: [code]}
- {rule: unique, columns: [id]}
- {rule: implies, if: {rule: allowed, column: colour, values: [red]}, then: {rule: range, column: pieces, high: 5}}
- {rule: matches, column: plate, pattern: "B.*", hard: true}
"""

TAKEN = """
stream: s
topic: t
artifact: a
quarantine: {}
rules:
- {rule: combinations, columns: [colour, pieces], hard: true}
"""


def write(path: Path, text: str) -> Path:
    """A file with a text."""
    path.write_text(text)
    return path


def orders(rows: int = 1_200) -> pa.Table:
    """Orders, a hundred of which have no pieces."""
    rng = np.random.Generator(np.random.PCG64(8))
    colour = rng.choice(["red", "blue"], rows)
    pieces = np.where(colour == "red", rng.integers(1, 6, rows), rng.integers(1, 9, rows))
    pieces[:100] = 0
    day = rng.integers(19_000, 19_300, rows)
    day_of, due_of = (
        pa.array(days.astype(np.int32)).view(pa.date32()) for days in (day, day + rng.integers(0, 9, rows))
    )
    at = pa.array(day * 86_400_000).view(pa.timestamp("ms", tz="UTC"))
    columns = {
        "id": pa.array(np.arange(rows)),
        "code": pa.array([f"K{i:05d}" for i in range(rows)]),
        "colour": pa.array(colour.tolist()),
        "pieces": pa.array(pieces),
        "day": day_of,
        "due": due_of,
        "at": at,
        "plate": pa.array([f"B{n:03d}" for n in rng.integers(0, 500, rows)]),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, its rules, and the artifact trained on both."""
    path = tmp_path_factory.mktemp("ruled")
    pq.write_table(orders(), path / "orders.parquet")
    (path / "rules.yaml").write_text(RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MOST_REFERENCE_ROWS", 100_000)
        result = cli(
            "train",
            path / "orders.parquet",
            "--rules",
            path / "rules.yaml",
            "--key",
            "id",
            "--out",
            path / "a",
            "--json",
        )
    assert result.exit_code == 0, result.stderr
    (path / "said.json").write_text(result.stdout)
    return path


def test_training_says_what_is_kept_and_what_was_left_out(parts: Path) -> None:
    report = json.loads((parts / "said.json").read_text())
    assert report["trained_rows"] == 1_100
    assert [(rule["name"].split(":")[0], rule["rows_left_out"]) for rule in report["rules"]] == [
        ("range", 100),
        ("compare", 0),
        ("unique", 0),
        ("unique", 0),
        ("implies", 0),
        ("matches", 0),
    ]
    shown = cli("inspect", parts / "a").stdout
    assert "day is at most due" in " ".join(shown.split())
    assert "rows left out" in shown


def test_combinations_of_the_table_are_concrete_in_the_artifact_and_downstream(parts: Path, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(TAKEN)
    table = orders()
    rare = pa.array(["green"] * 4 + table.column("colour").to_pylist()[4:])
    pq.write_table(table.set_column(2, "colour", rare), tmp_path / "orders.parquet")
    flags = ("--rules", tmp_path / "s.yaml", "--out", tmp_path / "a", "--model", "tabular.marginals", "--json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MOST_REFERENCE_ROWS", 100_000)
        result = cli("train", tmp_path / "orders.parquet", *flags)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rules"][0]["rows_left_out"] == 4
    artifact = load_artifact(tmp_path / "a")
    (kept,) = artifact.rules
    assert isinstance(kept, Combinations)
    assert kept.listed == (
        ("blue", 0),
        *(("blue", n) for n in range(1, 9)),
        ("red", 0),
        *(("red", n) for n in range(1, 6)),
    )
    spec = load(tmp_path / "s.yaml")
    assert with_rows(spec.parsed_rules, artifact) == with_rows(spec.hard_rules, artifact) == (kept,)
    assert judges(spec, artifact).layout.rules == (kept,)
    assert cli("validate", tmp_path / "s.yaml").exit_code == 0
    other = cli("validate", write(tmp_path / "t.yaml", TAKEN.replace("artifact: a", f"artifact: {parts / 'a'}")))
    assert (other.exit_code, len(lines(other))) == (2, 1)
    assert "rule combinations:colour,pieces: has no rows, and the artifact keeps no such rule" in other.stderr


def test_a_dry_run_counts_the_rows_that_break_rules(parts: Path, tmp_path: Path) -> None:
    result = cli(
        "train",
        parts / "orders.parquet",
        "--rules",
        parts / "rules.yaml",
        "--out",
        tmp_path / "a",
        "--dry-run",
        "--json",
    )
    report = json.loads(result.stdout)
    assert (report["rules"], report["rows_breaking"]) == (6, {"range:pieces": 100})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- {rule: range, column: pieces, low: 1}\n- {rule: allowed, column: pieces, values: [0]}",
            "no value meets both",
        ),
        ("- {rule: range, column: piece, low: 1}", "column 'piece': not known, did you mean 'pieces'?"),
        ("- {rule: range, column: pieces, low: 50}", "rule range:pieces: all 1200 rows break it"),
        ("- {rule: rang}", "did you mean 'range'?"),
        ("a: 1", "lists no rules"),
        (None, "can not be read"),
    ],
)
def test_bad_rules_are_one_line(parts: Path, tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "r.yaml").write_text(text)
    result = cli("train", parts / "orders.parquet", "--rules", tmp_path / "r.yaml", "--out", tmp_path / "a")
    assert (result.exit_code, result.stdout, len(lines(result))) == (2, "", 1), result.stderr
    assert said in result.stderr
    assert not (tmp_path / "a").exists()


def test_an_artifact_without_rules_is_what_it_was(folder: Path) -> None:
    assert "rules" not in json.loads(cli("inspect", folder, "--json").stdout)
    assert not (folder / "rules.json").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"event_time": "at"}, None),
        ({"key": {"entities": 50}}, "key: comes again, and the artifact keeps rule unique:id"),
        ({"key": {"entities": 50}, "changes": {"form": "upserts"}}, None),
        ({"key": {"column": "colour"}}, None),
    ],
)
def test_a_stream_that_would_break_what_is_kept_is_refused(
    parts: Path, text: dict[str, object], said: str | None
) -> None:
    artifact = load_artifact(parts / "a")
    spec = from_mapping({"stream": "s", "topic": "t", **text}, parts)
    keys = population_of(artifact.generator, spec.key, spec.shards)
    if said is None:
        check_kept(spec, artifact, keys)
    else:
        with pytest.raises(InputError, match=said):
            check_kept(spec, artifact, keys)


@pytest.mark.parametrize(("columns", "fine"), [(["day", "due"], True), (["due"], True), (["day"], False)])
def test_changes_do_not_part_what_rules_tell_from_each_other(parts: Path, columns: list[str], fine: bool) -> None:
    artifact = load_artifact(parts / "a")
    form = {"stream": "s", "topic": "t", "key": {"entities": 50}, "changes": {"form": "upserts", "columns": columns}}
    spec = from_mapping(form, parts)
    keys = population_of(artifact.generator, spec.key, spec.shards)
    if fine:
        check_kept(spec, artifact, keys)
    else:
        with pytest.raises(InputError, match=r"changes.columns: due stays and day changes.*; name both"):
            check_kept(spec, artifact, keys)


def test_an_event_time_under_a_rule_is_refused(parts: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("- {rule: range, column: at, low: 2000-01-01}")
    flags = ("--rules", tmp_path / "r.yaml", "--model", "tabular.marginals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MOST_REFERENCE_ROWS", 100_000)
        assert cli("train", parts / "orders.parquet", "--out", tmp_path / "a", *flags).exit_code == 0
    spec = {"stream": "s", "topic": "t", "artifact": str(tmp_path / "a"), "event_time": "at"}
    (tmp_path / "s.yaml").write_text(json.dumps(spec))
    result = cli("validate", tmp_path / "s.yaml")
    assert (result.exit_code, len(lines(result))) == (2, 1)
    assert "event_time=at: the artifact keeps rule range:at, and the stream's clock would not" in result.stderr


def test_steering_that_rules_leave_no_rows_for_is_refused(parts: Path) -> None:
    artifact = load_artifact(parts / "a")
    assert asked_steering(artifact, ["colour=red"], None, None).given == {"colour": "red"}
    with pytest.raises(InputError, match="given colour=red, pieces=8: breaks rule implies"):
        asked_steering(artifact, ["colour=red", "pieces=8"], None, None)
    with pytest.raises(InputError, match="code=x: never repeats"):
        asked_steering(artifact, ["code=x"], None, None)


def test_an_entity_keeps_what_never_repeats_over_its_life(parts: Path) -> None:
    """Of changes, the rows of one entity have one code, and no two entities have the same."""
    artifact = load_artifact(parts / "a")
    keys = population_of(artifact.generator, KeyForm(entities=60), 2)
    codes: dict[bytes | None, set[str]] = {}
    for shard in range(2):
        changes = Changes(forms.Changes(form="upserts", columns=("colour", "pieces")))
        history = changes.history(Source(artifact, 0, 0, shard, 2, population=keys))
        found = happened(history, lambda model: artifact, Contents(), (0, 1_000), with_before=False)
        for rule in artifact.rules:
            if rule.KIND != "unique":
                assert not rule.violations(found.after).any(), rule.name
        for key, code in zip(found.keys, found.after.column("code").to_pylist(), strict=True):
            codes.setdefault(key, set()).add(str(code))
    assert {len(own) for own in codes.values()} == {1}
    assert len(set.union(*codes.values())) == len(codes) > 50
