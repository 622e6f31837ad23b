"""A schema registry that speaks Confluent's protocol: the one place that names its client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote
from uuid import UUID

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.errors import InputError, ServiceError
from schemas.secrets import Setting, hidden_user, scrubbed

Answer = TypeVar("Answer")

NOT_FOUND = 404
NO_SCHEMA = 40403
REFUSED = (401, 403)
CONFLICT = 409
UNPROCESSABLE = 422

USER = re.compile(r"https?://(?P<user>[^/@:,]+):(?P<password>[^/@,]+)@[^@]+")
"""A URL with a user and a password."""


class Registry:
    """A client of a schema registry.

    Args:
        url: where it is; a user and password in it are taken and never shown.
        settings: further settings of SchemaRegistryClient, by its own names.

    Raises:
        InputError: the URL or a setting can not be used.
    """

    def __init__(self, url: str, settings: Mapping[str, Setting] | None = None) -> None:
        self.url = hidden_user(url)
        wanted = {"timeout": 10, "max.retries": 1, **_user(url), **({} if settings is None else settings)}
        self._settings = wanted
        if "ssl.certificate.location" in wanted:
            wanted.setdefault("ssl.key.password", "")  # without one OpenSSL would ask for it at the terminal
        try:
            self._client = SchemaRegistryClient({**wanted, "url": self.url})
        except (ValueError, TypeError) as error:
            raise InputError(
                f"registry={self.url}: {self._said(error)}; expected a URL as in http://127.0.0.1:8081, "
                "and settings of SchemaRegistryClient under `registry_settings:`"
            ) from None
        except OSError as error:
            raise InputError(
                f"registry_settings: a file under ssl.* can not be used ({error.strerror}); expected PEM files, "
                "a key that belongs to its certificate, and ssl.key.password where the key has one"
            ) from None

    def register(self, subject: str, avro: Mapping[str, Any]) -> int:
        """Register a schema under a subject; one that is registered already keeps its id.

        Raises:
            ServiceError: the registry refuses the schema or does not answer.
        """
        try:
            return self._ask(lambda: self._client.register_schema(subject, _schema(avro)), subject)
        except ServiceError as error:
            if isinstance(error.__cause__, SchemaRegistryError) and error.__cause__.http_status_code == CONFLICT:
                raise ServiceError(f"{error}{self.renamed(subject, avro)}") from error
            raise

    def renamed(self, subject: str, avro: Mapping[str, Any]) -> str:
        """What to say where a schema is refused since its record has another name than the one before; else nothing.

        Raises:
            ServiceError: the registry does not answer.
        """
        known = self.latest(subject)
        if known is None or known[1].get("name") in (None, avro.get("name")):
            return ""
        before = known[1]["name"]
        return f"; its record is called {avro.get('name')} and that one {before}: train with `--name {before}`"

    def register_guid(self, subject: str, avro: Mapping[str, Any]) -> UUID:
        """Register a schema as `register` does; its GUID, which follows from what the schema says.

        Raises:
            ServiceError: the registry refuses the schema, gives no GUIDs or does not answer.
        """
        self.register(subject, avro)
        guid = self._ask(lambda: self._client.lookup_schema(subject, _schema(avro)), subject).guid
        if guid is None:
            raise self._without_guids()
        return UUID(guid)

    def check_guids(self) -> None:
        """Find out whether the registry gives schemas GUIDs, and register nothing.

        Raises:
            ServiceError: it does not, or does not answer.
        """
        try:
            self._client.get_schema_by_guid(str(UUID(int=0)))
        except SchemaRegistryError as error:
            if error.http_status_code != NOT_FOUND:
                raise self._refused(error, "schemas by GUID") from error
            if error.error_code != NO_SCHEMA:  # it is the address that is not found
                raise self._without_guids() from error
        except Exception as error:
            raise self._silent(error) from error

    def schema(self, identity: int | UUID) -> dict[str, Any]:
        """The schema of that id or GUID.

        Raises:
            InputError: there is none.
            ServiceError: the registry does not answer.
        """
        kind = "GUID" if isinstance(identity, UUID) else "id"
        try:
            found = self._ask(lambda: self._found(identity), f"schema {kind} {identity}")
        except ServiceError as error:
            if isinstance(error.__cause__, SchemaRegistryError) and error.__cause__.http_status_code == NOT_FOUND:
                raise InputError(f"registry={self.url}: knows no schema of {kind} {identity}") from error
            raise
        form: dict[str, Any] = json.loads(found.schema_str or "{}")
        return form

    def _found(self, identity: int | UUID) -> Schema:
        if isinstance(identity, UUID):
            return self._client.get_schema_by_guid(str(identity))
        return self._client.get_schema(identity)

    def latest(self, subject: str) -> tuple[int, dict[str, Any]] | None:
        """Id and schema of a subject's newest version; None when the subject is not known.

        Raises:
            ServiceError: the registry does not answer.
        """
        try:
            found = self._client.get_latest_version(subject)
        except SchemaRegistryError as error:
            if error.http_status_code == NOT_FOUND:
                return None
            raise self._refused(error, subject) from error
        except Exception as error:
            raise self._silent(error) from error
        return int(found.schema_id or 0), json.loads(found.schema.schema_str or "{}")

    def compatible(self, subject: str, avro: Mapping[str, Any]) -> bool:
        """Whether the registry would take the schema as the subject's next version.

        Raises:
            ServiceError: the registry does not answer.
        """
        if self.latest(subject) is None:
            return True
        return self._ask(lambda: self._client.test_compatibility(subject, _schema(avro)), subject)

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: Callable[[], Answer], about: str) -> Answer:
        try:
            return question()
        except SchemaRegistryError as error:
            raise self._refused(error, about) from error
        except Exception as error:  # the client lets its HTTP library's errors through
            raise self._silent(error) from error

    def _refused(self, error: SchemaRegistryError, about: str) -> ServiceError:
        if error.http_status_code in (CONFLICT, UNPROCESSABLE):
            return ServiceError(
                f"registry={self.url}: refuses the schema for {about}: {error.error_message}; "
                "publish to another topic, or change the subject's compatibility level"
            )
        if error.http_status_code in REFUSED:
            return ServiceError(
                f"registry={self.url}: refuses this client ({self._said(error)}); "
                "check basic.auth.user.info or bearer.auth.* under `registry_settings:`"
            )
        return ServiceError(f"registry={self.url}: {about}: {error.error_message} (HTTP {error.http_status_code})")

    def _without_guids(self) -> ServiceError:
        return ServiceError(
            f"registry={self.url}: gives schemas no GUID, which framing=header writes into every record; "
            "use `framing: prefix`, or a registry that does, as Confluent's of version 8 or `synthstream registry`"
        )

    def _silent(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"registry={self.url}: does not answer ({type(error).__name__}: {self._said(error)}); "
            "check the URL and ssl.* under `registry_settings:`, or start one with `synthstream registry`"
        )

    def _said(self, error: Exception) -> str:
        """What an error says, in one line and without secrets."""
        return scrubbed(" ".join(str(error).split()), self._settings)


def _user(url: str) -> dict[str, Setting]:
    """The user and password a URL holds, as the client's setting: in a URL, its log would show them."""
    if "@" not in url:
        return {}
    found = USER.match(url)
    if found is None:
        raise InputError("registry: expected https://USER:PASSWORD@HOST:PORT, user and password percent-encoded")
    return {"basic.auth.user.info": f"{unquote(found['user'])}:{unquote(found['password'])}"}


def _schema(avro: Mapping[str, Any]) -> Schema:
    return Schema(json.dumps(avro), "AVRO")
