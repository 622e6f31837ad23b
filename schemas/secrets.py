"""What must never be shown, and where it comes from: references in settings instead of secrets in files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from schemas.errors import InputError

Setting = str | int | float | bool
"""The value of a client's setting."""

SECRET = re.compile(r"password|passphrase|secret|token|jaas|user\.info|proxy|key\.pem|\.key$", re.IGNORECASE)
"""Settings of librdkafka and of the registry's client whose values are never shown, by a part of their names."""

REFERENCE = re.compile(r"\$\{(?:file:(?P<path>[^}]+)|(?P<variable>[A-Za-z_]\w*))\}")
"""Stands in a file for what is kept elsewhere."""

USER = re.compile(r"^(?P<scheme>\w+://)?.*@")
"""The part of a URL that may hold a password."""


def hidden(settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Settings as they may be shown.

    >>> hidden({"sasl.username": "me", "sasl.password": "hunter2"})
    {'sasl.username': 'me', 'sasl.password': '***'}
    """
    return {name: "***" if SECRET.search(name) else value for name, value in settings.items()}


def hidden_user(url: str) -> str:
    """A URL as it may be shown, or several joined by commas: without user and password.

    >>> hidden_user("https://me:hunter2@registry:8081")
    'https://registry:8081'
    """
    return ",".join(USER.sub(r"\g<scheme>", part) for part in url.split(",")) if "@" in url else url


def without_user(url: str) -> str:
    """One URL without user and password, whatever they are made of.

    >>> without_user("http://me:se,cret@pager:9093/at@home")
    'http://pager:9093/at@home'

    Raises:
        ValueError: it is no URL.
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def scrubbed(text: str, settings: Mapping[str, Setting]) -> str:
    """A text of somebody else's, say a client's error, without the settings' secrets, escaped ones included.

    >>> scrubbed("illegal header b'Bearer hunter2'", {"bearer.auth.token": "hunter2"})
    "illegal header b'Bearer ***'"
    """
    for secret in (str(value) for name, value in settings.items() if value and SECRET.search(name)):
        for form in (secret, repr(secret)[1:-1], repr(secret.encode())[2:-1]):
            text = text.replace(form, "***")
    return text


def resolved(key: str, text: str, environment: Mapping[str, str]) -> str:
    """A text with its references replaced by what they stand for.

    Args:
        key: whose text it is, for the fault.
        text: it may hold `${NAME}`, a variable of the environment, and `${file:PATH}`, what a file holds.
        environment: the process's environment.

    Raises:
        InputError: a variable is not set or a file can not be read; names the key and what is missing.

    >>> resolved("kafka.sasl.password", "${SECRET}", {"SECRET": "hunter2"})
    'hunter2'
    """

    def value(reference: re.Match[str]) -> str:
        name, path = reference["variable"], reference["path"]
        held = environment.get(name) if path is None else _held(key, Path(path))
        if not held:
            wanted = f"set {name} in the environment" if path is None else f"{path} is empty"
            raise InputError(f"{key}: {reference[0]} stands for nothing; {wanted}")
        return held.rstrip("\r\n")

    return REFERENCE.sub(value, text)


def _held(key: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{key}: {path} can not be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise InputError(f"{key}: {path} is not UTF-8 text") from None
