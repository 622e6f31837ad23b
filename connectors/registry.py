"""A schema registry that speaks Confluent's protocol: the one place that names its client."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.errors import InputError, ServiceError

Answer = TypeVar("Answer")

NOT_FOUND = 404
CONFLICT = 409
UNPROCESSABLE = 422


class Registry:
    """A client of a schema registry.

    Args:
        url: where it is.
        settings: further settings of SchemaRegistryClient, by its own names.

    Raises:
        InputError: the URL or a setting can not be used.
    """

    def __init__(self, url: str, settings: Mapping[str, Any] | None = None) -> None:
        self.url = url
        try:
            self._client = SchemaRegistryClient({"url": url, "timeout": 10, "max.retries": 1, **(settings or {})})
        except ValueError as error:
            raise InputError(f"registry={url}: {error}; expected a URL as in http://127.0.0.1:8081") from error

    def register(self, subject: str, avro: Mapping[str, Any]) -> int:
        """Register a schema under a subject; one that is registered already keeps its id.

        Raises:
            ServiceError: the registry refuses the schema or does not answer.
        """
        return self._ask(lambda: self._client.register_schema(subject, _schema(avro)), subject)

    def schema(self, identity: int) -> dict[str, Any]:
        """The schema of that id.

        Raises:
            InputError: there is none.
            ServiceError: the registry does not answer.
        """
        try:
            found = self._ask(lambda: self._client.get_schema(identity), f"schema id {identity}")
        except ServiceError as error:
            if isinstance(error.__cause__, SchemaRegistryError) and error.__cause__.http_status_code == NOT_FOUND:
                raise InputError(f"registry={self.url}: knows no schema of id {identity}") from error
            raise
        form: dict[str, Any] = json.loads(found.schema_str or "{}")
        return form

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
        return ServiceError(f"registry={self.url}: {about}: {error.error_message} (HTTP {error.http_status_code})")

    def _silent(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"registry={self.url}: does not answer ({type(error).__name__}: {error}); "
            "check the URL, or start one with `synthstream registry`"
        )


def _schema(avro: Mapping[str, Any]) -> Schema:
    return Schema(json.dumps(avro), "AVRO")
