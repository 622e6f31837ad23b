"""A registry as it was before schemas had GUIDs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from connectors import embedded_registry
from connectors.embedded_registry import EmbeddedRegistry, Routes
from connectors.subjects import Refused


class OlderRoutes(Routes):
    """The interface without GUIDs."""

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """The same, less what was not known then."""
        if path.startswith("/schemas/guids"):
            raise Refused(404, "HTTP 404 Not Found")
        found = super().answer(method, path, body)
        return {key: value for key, value in found.items() if key != "guid"} if isinstance(found, dict) else found


@contextmanager
def older_registry() -> Iterator[EmbeddedRegistry]:
    """Serve it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_registry, "Routes", OlderRoutes)
        server = EmbeddedRegistry()
    with server:
        yield server
