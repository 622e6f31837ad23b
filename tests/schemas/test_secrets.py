"""What is hidden, and what references stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from schemas.secrets import hidden, hidden_user, resolved


@pytest.mark.parametrize(
    "name",
    [
        "sasl.password",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl.key.pem",
        "SASL.PASSWORD",
        "sasl.jaas.config",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "basic.auth.user.info",
        "sasl.user.info",
        "bearer.auth.token",
        "bearer.auth.client.secret",
        "proxy",
    ],
)
def test_secrets_are_hidden(name: str) -> None:
    assert hidden({name: "hunter2"}) == {name: "***"}


@pytest.mark.parametrize("name", ["sasl.username", "ssl.key.location", "ssl.ca.location", "compression.type", "acks"])
def test_what_is_no_secret_is_shown(name: str) -> None:
    assert hidden({name: "shown"}) == {name: "shown"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://r:8081", "http://r:8081"),
        ("https://me:hunter2@r:8081/x", "https://r:8081/x"),
        ("https://me:hun/ter2@r", "https://r"),
        ("https://me:hunt@er2@r", "https://r"),
        ("me:hunter2@r", "r"),
        ("https://a:hunter2@r,http://b:hunter2@s", "https://r,http://s"),
        ("https://${USER}:${PASSWORD}@r", "https://r"),
        ("embedded", "embedded"),
    ],
)
def test_urls_are_shown_without_their_user(url: str, shown: str) -> None:
    assert hidden_user(url) == shown


def test_references_stand_for_variables_and_files(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    around = {"USER_": "me", "P_1": "hunter2\r\n"}
    text = f"${{USER_}}:${{P_1}}:${{file:{tmp_path / 'password'}}}"
    assert resolved("k", text, around) == "me:hunter2:hunter2"
    for plain in ("", "$", "$USER_", "${", "${}", "${a-b}", "{USER_}", "pa$$word"):
        assert resolved("k", plain, around) == plain


def test_what_a_reference_stands_for_is_taken_as_it_is() -> None:
    assert resolved("k", "${A}", {"A": "${B}", "B": "no"}) == "${B}"
    assert resolved("k", "${A}", {"A": r"\1\g<path>"}) == r"\1\g<path>"


@pytest.mark.parametrize("around", [{}, {"NAME": ""}])
def test_a_variable_that_is_not_set_is_named(around: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"^kafka\.sasl\.password: \$\{NAME\} stands for nothing; set NAME in the env"):
        resolved("kafka.sasl.password", "${NAME}", around)


def test_a_file_that_holds_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "latin").write_bytes(b"\xe9")
    for name, says in (("none", "No such file"), ("empty", "empty is empty"), ("latin", "is not UTF-8 text")):
        with pytest.raises(InputError, match=rf"^k: .*{says}"):
            resolved("k", f"${{file:{tmp_path / name}}}", {})
