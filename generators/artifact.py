"""A trained generator as a folder: no data, no pickle, every file accounted for by its hash."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

import generators
from generators.constraints.constrained import Constrained
from generators.constraints.plan import plan_of
from generators.sampler import Sampler
from generators.scan import FILES, RULES_FILE, scan, scan_files
from schemas.errors import InputError, ServiceError
from schemas.profile import Profile
from schemas.row_counts import RowCounts
from schemas.rule_forms import form_of, rules_of
from schemas.rules import Rule
from schemas.table import TableSchema

ARTIFACT_FORMAT = 2
"""Version of the folder's layout."""

Weights = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A trained generator and what was learned on the way.

    Args:
        model: the generator's name.
        generator: ready to sample.
        schema: what the columns are.
        profile: their marginals.
        manifest: format, model, settings, seed, rows, train_s, created, versions, identity, golden hashes, and what
            fitting found out where there is anything.
        reference: counts of the generator's own rows.
    """

    model: str
    generator: Sampler
    schema: TableSchema
    profile: Profile
    manifest: Mapping[str, Any]
    reference: RowCounts

    @property
    def identity(self) -> str:
        """The hash of schema, profile, weights and rules: 64 hexadecimal digits."""
        return str(self.manifest["identity"])

    @property
    def fitted(self) -> Sampler:
        """What was fitted: the generator, or under rules the one within."""
        return self.generator.inner if isinstance(self.generator, Constrained) else self.generator

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What every record meets."""
        return self.generator.rules if isinstance(self.generator, Constrained) else ()


def rules_form(generator: Sampler) -> dict[str, Any] | None:
    """The rules that a generator keeps, with the marginals of the columns that it draws for them; None without any."""
    if not isinstance(generator, Constrained):
        return None
    return {"rules": [form_of(rule) for rule in generator.rules], "profile": generator.inner.profile.to_json()}


def identity_of(
    model: str, schema: TableSchema, profile: Profile, weights: Weights, rules: Mapping[str, Any] | None = None
) -> str:
    """Hash everything a record depends on.

    Args:
        model: the generator's name.
        schema: what the columns are.
        profile: their marginals.
        weights: the model's arrays.
        rules: as `rules_form` has them; without any an artifact is what it was before there were rules.
    """
    digest = sha256()
    for part in (model, schema.to_json(), profile.to_json()):
        digest.update(_json(part))
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        digest.update(_json([name, array.dtype.str, array.shape]) + array.tobytes())
    if rules is not None:
        digest.update(_json(rules))
    return digest.hexdigest()


def _json(form: Any) -> bytes:
    return json.dumps(form, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def check_folder(folder: Path) -> None:
    """Refuse a folder that an artifact can not be written to, before the work of training one.

    Raises:
        InputError: it holds something else, lies in what is not a folder, or may not be written there.
    """
    if folder.exists() and not (folder.is_dir() and {f.name for f in folder.iterdir()} <= FILES | {RULES_FILE}):
        raise InputError(f"out={folder}: exists and is not an artifact; choose another folder")
    in_the_way = next((parent for parent in folder.parents if parent.exists() and not parent.is_dir()), None)
    if in_the_way is not None:
        raise InputError(f"out={folder}: {in_the_way} is not a folder; choose another")
    nearest = next(parent for parent in folder.absolute().parents if parent.exists())
    if not os.access(nearest, os.W_OK):
        raise InputError(f"out={folder}: {nearest} may not be written to; choose another folder")


def save(artifact: Artifact, folder: Path) -> None:
    """Write an artifact; whatever was there before stays whole until the new one is.

    Args:
        artifact: what to write.
        folder: its folder; made, or replaced if it holds an artifact.

    Raises:
        InputError: the folder holds something else, or the artifact breaks the rules of `scan`.
        ServiceError: the disk did not take it.
    """
    weights, rules = artifact.generator.weights(), rules_form(artifact.generator)
    check_contents(artifact.generator)
    check_folder(folder)
    files = {
        "schema.json": _json(artifact.schema.to_json()),
        "profile.json": _json(artifact.profile.to_json()),
        "weights.safetensors": save_tensors({name: np.ascontiguousarray(a) for name, a in weights.items()}),
        "reference.json": _json(artifact.reference.to_json()),
    }
    if rules is not None:
        files[RULES_FILE] = _json(rules)
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    files["manifest.json"] = json.dumps({**artifact.manifest, "files": hashes}, indent=2, sort_keys=True).encode()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
            _write(Path(beside), files, folder)
    except OSError as error:
        raise ServiceError(f"out={folder}: could not be written ({error.strerror}); what was there is whole") from error


def check_contents(generator: Sampler) -> None:
    """Scan all that is stored of a generator.

    Raises:
        InputError: it breaks the rules of `scan`.
    """
    if isinstance(generator, Constrained):
        scan(generator.schema, generator.profile, {})
        generator = generator.inner
    scan(generator.schema, generator.profile, generator.weights())


def _write(beside: Path, files: Mapping[str, bytes], folder: Path) -> None:
    new, old = beside / "new", beside / "old"
    new.mkdir()
    for name, data in files.items():
        with (new / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def load_artifact(folder: Path) -> Artifact:
    """Read an artifact; nothing in it is executed.

    Args:
        folder: where it is.

    Raises:
        InputError: it is missing, not an artifact, damaged, of a newer format, or breaks the rules of `scan`.
    """
    try:
        manifest = _manifest(folder)
        scan_files(file.name for file in folder.iterdir())
        data = {name: _checked(folder / name, digest) for name, digest in manifest["files"].items()}
        schema = TableSchema.from_json(json.loads(data["schema.json"]))
        profile = Profile.from_json(json.loads(data["profile.json"]))
        weights = load_tensors(data["weights.safetensors"])
        reference = RowCounts.from_json(json.loads(data["reference.json"]))
        model = str(manifest["model"])
        form = json.loads(data[RULES_FILE]) if RULES_FILE in data else None
        scan(schema, profile, {} if form is not None else weights)
        if identity_of(model, schema, profile, weights, form) != manifest["identity"]:
            raise InputError("manifest.json: the identity is not that of the files; train it anew")
        generator = _sampler(model, (schema, profile), weights, form)
    except InputError as error:
        raise InputError(f"artifact={folder}: {'; '.join(error.faults)}") from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"artifact={folder}: is damaged ({type(error).__name__}: {error}); train it anew") from error
    return Artifact(model, generator, schema, profile, manifest, reference)


def _sampler(
    model: str, table: tuple[TableSchema, Profile], weights: Weights, rules: Mapping[str, Any] | None
) -> Sampler:
    """What draws: the model, and around it what keeps the rules."""
    if rules is None:
        return generators.load(model).from_weights(weights, *table)
    parsed = rules_of(rules["rules"])
    plan, profile = plan_of(table[0], parsed), Profile.from_json(rules["profile"])
    scan(plan.schema, profile, weights)
    return Constrained(generators.load(model).from_weights(weights, plan.schema, profile), plan, table[1], parsed)


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise InputError(f"there is no such folder; train one with `synthstream train TABLE --out {folder}`")
    path = folder / "manifest.json"
    if not path.is_file():
        raise InputError("holds no manifest.json; expected a folder that `synthstream train` wrote")
    manifest = json.loads(path.read_bytes())
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int) or "identity" not in manifest:
        raise InputError("manifest.json is not that of an artifact; train one with `synthstream train`")
    if manifest["format"] > ARTIFACT_FORMAT:
        raise InputError(f"format={manifest['format']}: this program reads up to {ARTIFACT_FORMAT}; upgrade it")
    missing = FILES - {"manifest.json"} - set(manifest["files"])
    if missing or not set(manifest["files"]) <= FILES | {RULES_FILE}:
        raise InputError(f"manifest.json: expected the hashes of {', '.join(sorted(FILES - {'manifest.json'}))}")
    return manifest


def _checked(path: Path, digest: str) -> bytes:
    if not path.is_file():
        raise InputError(f"{path.name} is missing; train it anew")
    data = path.read_bytes()
    if sha256(data).hexdigest() != digest:
        raise InputError(f"{path.name} is not what was written (its hash differs); train it anew")
    return data
