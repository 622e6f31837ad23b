"""An Alertmanager, told of alerts over HTTP: the one place that speaks to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from schemas.errors import InputError, ServiceError
from schemas.secrets import without_user

TIMEOUT_S = 5.0
"""How long an Alertmanager may take to answer."""


class Alertmanager:
    """Tells an Alertmanager of alerts.

    Args:
        url: where it is; a user and password in it are taken and never shown.
        timeout_s: how long it may take to answer.

    Raises:
        InputError: no URL.

    Source: Alertmanager's API v2, `POST /api/v2/alerts`.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        try:
            parts, self.url = urlsplit(url), without_user(url).rstrip("/")
        except ValueError as error:
            raise InputError(f"alertmanager: {error}; expected a URL as in http://127.0.0.1:9093") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"alertmanager={self.url}: expected a URL as in http://127.0.0.1:9093")
        self._timeout_s = timeout_s
        self._headers = {"content-type": "application/json"}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Tell it of alerts.

        Args:
            alerts: each with `labels`, `annotations`, `startsAt` and `endsAt`, the times in RFC 3339.

        Raises:
            ServiceError: it did not take them.
        """
        body = json.dumps(list(alerts)).encode()
        request = Request(f"{self.url}/api/v2/alerts", body, self._headers, method="POST")  # checked above
        try:
            with urlopen(request, timeout=self._timeout_s) as answer:
                answer.read()
        except HTTPError as error:
            said = error.read(500).decode("utf-8", "replace").strip()
            raise ServiceError(f"alertmanager={self.url}: refused the alerts ({error.code}): {said}") from None
        except (URLError, HTTPException, OSError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise ServiceError(f"alertmanager={self.url}: does not answer: {reason}") from None
