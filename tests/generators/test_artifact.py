import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generators.artifact import Artifact, check_folder, load_artifact, save
from generators.blocks import Source
from generators.golden import check_golden, golden_hash
from generators.scan import FILES
from schemas.errors import InputError, ServiceError
from tests.generators.tables import AWKWARD, flights, flights_artifact, quick


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return quick("tabular.copula", "orders")


@pytest.fixture
def folder(artifact: Artifact, tmp_path: Path) -> Path:
    save(artifact, tmp_path / "a")
    return tmp_path / "a"


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("model", ["tabular.copula", "tabular.marginals"])
def test_what_is_saved_loads_and_draws_the_same(model: str, name: str, tmp_path: Path) -> None:
    first = quick(model, name)
    save(first, tmp_path / "deep" / "a")
    read = load_artifact(tmp_path / "deep" / "a")
    assert {f.name for f in (tmp_path / "deep" / "a").iterdir()} == FILES
    assert (read.model, read.identity, read.schema, read.profile) == (
        model,
        first.identity,
        first.schema,
        first.profile,
    )
    assert read.reference.to_json() == first.reference.to_json()
    assert golden_hash(read) == golden_hash(first)
    assert check_golden(read)
    draw = [Source(a, seed=3, epoch=1, shard=0, shards=2).block(7) for a in (first, read)]
    assert draw[0].equals(draw[1])


def test_another_process_draws_the_same_bytes(artifact: Artifact, folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from generators.artifact import load_artifact;"
        "from generators.golden import golden_hash;"
        "print(golden_hash(load_artifact(Path(sys.argv[1]))))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == golden_hash(artifact)


def test_a_platform_that_draws_other_bytes_is_found_out(artifact: Artifact) -> None:
    (mine,) = artifact.manifest["golden"]
    elsewhere = {"golden": {"elsewhere": artifact.manifest["golden"][mine]}}
    assert check_golden(replace(artifact, manifest={**artifact.manifest, **elsewhere}))
    for golden in ({mine: "0" * 64}, {"elsewhere": "0" * 64}, {}):
        assert not check_golden(replace(artifact, manifest={**artifact.manifest, "golden": golden}))


def edit(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def edited(folder: Path) -> None:
        form = json.loads((folder / name).read_text())
        change(form)
        (folder / name).write_text(json.dumps(form))

    return edited


def flip(name: str) -> Callable[[Path], object]:
    def flipped(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return flipped


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (flip("weights.safetensors"), "weights.safetensors is not what was written"),
        (flip("profile.json"), "profile.json is not what was written"),
        (lambda f: os.truncate(f / "weights.safetensors", 100), "weights.safetensors is not what was written"),
        (lambda f: (f / "schema.json").unlink(), "schema.json is missing"),
        (lambda f: (f / "manifest.json").unlink(), "holds no manifest.json"),
        (lambda f: (f / "manifest.json").write_text("{"), "is damaged"),
        (lambda f: (f / "manifest.json").write_text("[]"), "is not that of an artifact"),
        (lambda f: (f / "manifest.json").write_text('{"name": "x"}'), "is not that of an artifact"),
        (lambda f: (f / "model.pkl").write_bytes(b"\x80"), "model.pkl: do not belong"),
        (edit("manifest.json", lambda m: m.update(format=3)), "format=3: this program reads up to 2"),
        (edit("manifest.json", lambda m: m.update(identity="0")), "the identity is not that of the files"),
        (edit("manifest.json", lambda m: m.update(model="tabular.marginals")), "the identity is not that of the files"),
        (edit("manifest.json", lambda m: m["files"].pop("profile.json")), "expected the hashes of"),
        (edit("manifest.json", lambda m: m["files"].update({"../x": "0"})), "expected the hashes of"),
    ],
)
def test_a_damaged_artifact_is_refused_in_one_line(damage: Callable[[Path], object], says: str, folder: Path) -> None:
    damage(folder)
    with pytest.raises(InputError, match=says) as caught:
        load_artifact(folder)
    assert len(caught.value.faults) == 1
    assert str(caught.value).startswith(f"artifact={folder}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        load_artifact(tmp_path / "nowhere")


def test_an_artifact_replaces_an_artifact_only(artifact: Artifact, folder: Path) -> None:
    save(quick("tabular.marginals", "constants"), folder)
    assert load_artifact(folder).model == "tabular.marginals"
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not an artifact"):
        save(artifact, folder)
    assert (folder / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_the_old_artifact_whole(
    call: str, artifact: Artifact, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = Path.rename

    def second(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, target)

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "rename", second)
    with pytest.raises(ServiceError, match="No space left on device"):
        save(quick("tabular.marginals", "constants"), folder)
    monkeypatch.undo()
    assert load_artifact(folder).identity == artifact.identity
    assert [f.name for f in folder.parent.iterdir()] == ["a"]


def test_no_tail_number_is_in_the_files(tmp_path: Path) -> None:
    table, _ = flights()
    save(flights_artifact("tabular.copula"), tmp_path / "flights")
    data = b"".join(f.read_bytes() for f in (tmp_path / "flights").iterdir())
    tails = [str(t).encode() for t in table.column("tailnum").drop_null().unique().to_pylist()]
    assert len(tails) == 4_043
    assert [t for t in tails if t in data] == []
    assert len(data) < 1_000_000


def test_a_folder_that_may_not_be_written_to_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_folder(tmp_path / "new" / "model")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(InputError, match=f"{tmp_path} may not be written to; choose another folder"):
        check_folder(tmp_path / "new" / "model")
