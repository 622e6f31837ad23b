"""What a schema registry remembers: schemas by id, versions by subject, and what may follow what."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import avro.compatibility
import avro.errors
import avro.schema

LEVELS = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")
"""Confluent's compatibility levels; the first version of a subject is always taken."""

DEFAULT_LEVEL = "BACKWARD"

SCHEMAS = uuid.UUID("3c1f7f2e-5d0b-5b43-9d36-6f0f2f0f9a57")
"""The name space of the GUIDs: as with Confluent's, a schema has the same one in every registry."""


class Refused(Exception):
    """A request the registry does not carry out.

    Args:
        code: Confluent's error code; the HTTP status is its first three digits.
        message: in words.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(str(self.code)[:3])


@dataclass
class Subjects:
    """The registry's memory; several threads may use it.

    Args:
        folder: where it is kept; None for as long as the process lives.
    """

    folder: Path | None = None
    _schemas: list[str] = field(default_factory=list)
    _versions: dict[str, dict[int, int]] = field(default_factory=dict)
    _levels: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if self.folder is not None and self._file.exists():
            kept = json.loads(self._file.read_text())
            self._schemas, self._levels = kept["schemas"], kept["levels"]
            self._versions = {s: {int(v): i for v, i in vs.items()} for s, vs in kept["versions"].items()}

    @property
    def _file(self) -> Path:
        assert self.folder is not None
        return self.folder / "schemas.json"

    def names(self) -> list[str]:
        """The subjects."""
        return sorted(self._versions)

    def schema(self, identity: int) -> str:
        """The schema of an id."""
        if not 1 <= identity <= len(self._schemas):
            raise Refused(40403, f"Schema {identity} not found")
        return self._schemas[identity - 1]

    def guid(self, identity: int) -> str:
        """The GUID of the schema of an id: it follows from what the schema says."""
        return str(uuid.uuid5(SCHEMAS, _canonical(self.schema(identity))))

    def with_guid(self, guid: str) -> dict[str, str]:
        """The schema of a GUID, under it."""
        known = {self.guid(identity): text for identity, text in enumerate(self._schemas, 1)}
        if guid.lower() not in known:
            raise Refused(40403, f"Schema {guid} not found")
        return {"schema": known[guid.lower()], "guid": guid.lower()}

    def versions(self, subject: str) -> list[int]:
        """The versions of a subject."""
        return sorted(self._known(subject))

    def version(self, subject: str, version: str) -> dict[str, Any]:
        """One version of a subject; "latest" or "-1" for the newest."""
        known = self._known(subject)
        try:
            number = max(known) if version in ("latest", "-1") else int(version)
        except ValueError:
            raise Refused(42202, f"The specified version {version!r} is not a valid version id") from None
        if number not in known:
            raise Refused(40402, f"Version {number} not found")
        return self._form(subject, number)

    def using(self, identity: int) -> list[dict[str, Any]]:
        """The subjects and versions that use a schema."""
        self.schema(identity)
        return [
            {"subject": subject, "version": version}
            for subject, versions in sorted(self._versions.items())
            for version, used in sorted(versions.items())
            if used == identity
        ]

    def find(self, subject: str, text: str) -> dict[str, Any]:
        """The version of a subject that is this very schema."""
        _parsed(text)
        wanted = _canonical(text)
        for version, identity in self._known(subject).items():
            if _canonical(self._schemas[identity - 1]) == wanted:
                return self._form(subject, version)
        raise Refused(40403, "Schema not found")

    def register(self, subject: str, text: str) -> int:
        """Add a schema to a subject, unless it is there; its id."""
        with self._lock:
            parsed = _parsed(text)
            canonical = _canonical(text)
            versions = self._versions.get(subject, {})
            for identity in versions.values():
                if _canonical(self._schemas[identity - 1]) == canonical:
                    return identity
            if not self._follows(subject, parsed, sorted(versions)):
                raise Refused(
                    409, f'Schema being registered is incompatible with an earlier schema for subject "{subject}"'
                )
            same = [i for i, known in enumerate(self._schemas, 1) if _canonical(known) == canonical]
            if not same:
                self._schemas.append(text)
            identity = same[0] if same else len(self._schemas)
            self._versions.setdefault(subject, {})[max(versions, default=0) + 1] = identity
            self._keep()
            return identity

    def compatible(self, subject: str, version: str | None, text: str) -> bool:
        """Whether a schema may follow one version of a subject, or as its level asks when no version is named."""
        parsed = _parsed(text)
        if version is None:
            return self._follows(subject, parsed, sorted(self._versions.get(subject, {})))
        known = int(self.version(subject, version)["version"])
        return self._follows(subject, parsed, [known])

    def level(self, subject: str | None) -> str:
        """The compatibility level of a subject, or of all that have none of their own."""
        return self._levels.get(subject or "", self._levels.get("", DEFAULT_LEVEL))

    def set_level(self, subject: str | None, level: str) -> None:
        """Set a level."""
        if level not in LEVELS:
            raise Refused(42203, f"Invalid compatibility level {level!r}; valid values are {', '.join(LEVELS)}")
        with self._lock:
            self._levels[subject or ""] = level
            self._keep()

    def delete(self, subject: str) -> list[int]:
        """Forget a subject; its schemas keep their ids."""
        with self._lock:
            versions = sorted(self._known(subject))
            del self._versions[subject]
            self._keep()
            return versions

    def _known(self, subject: str) -> dict[int, int]:
        if subject not in self._versions:
            raise Refused(40401, f"Subject '{subject}' not found.")
        return self._versions[subject]

    def _form(self, subject: str, version: int) -> dict[str, Any]:
        identity = self._versions[subject][version]
        named = {"id": identity, "guid": self.guid(identity)}
        return {"subject": subject, "version": version, **named, "schema": self._schemas[identity - 1]}

    def _follows(self, subject: str, new: avro.schema.Schema, versions: list[int]) -> bool:
        level = self.level(subject)
        if level == "NONE" or not versions:
            return True
        against = versions if level.endswith("_TRANSITIVE") else versions[-1:]
        olds = [_parsed(self._schemas[self._versions[subject][v] - 1]) for v in against]
        backward, forward = not level.startswith("FORWARD"), not level.startswith("BACKWARD")
        return all((not backward or _reads(new, old)) and (not forward or _reads(old, new)) for old in olds)

    def _keep(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {"schemas": self._schemas, "versions": self._versions, "levels": self._levels}
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(kept))
        partial.replace(self._file)


def _parsed(text: str) -> avro.schema.Schema:
    try:
        # Which data can be read as which does not depend on logical types, and the library warns of those it lacks.
        return avro.schema.parse(json.dumps(json.loads(text, object_hook=_physical)))
    except (avro.errors.AvroException, ValueError, TypeError) as error:
        raise Refused(42201, f"Invalid schema: {error}") from error


def _physical(form: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in form.items() if key != "logicalType"}


def _canonical(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def _reads(reader: avro.schema.Schema, writer: avro.schema.Schema) -> bool:
    """Whether data written under one schema can be read under another (Avro 1.12, schema resolution)."""
    checker = avro.compatibility.ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    result = checker.get_compatibility(reader, writer)
    return result.compatibility is avro.compatibility.SchemaCompatibilityType.compatible
