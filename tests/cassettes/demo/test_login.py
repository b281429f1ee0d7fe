"""Logging in to the demo with a name and a password."""

from __future__ import annotations

import json
from typing import Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.demo.notes import PASSWORD, ROLES

ROLE_NAMES = {"administrator": "Administrator", "moderator": "Moderator", "user": "User"}


@pytest.mark.parametrize("user", ROLES)
def test_every_account_logs_in(client: Any, user: str) -> None:
    client.log_in(user)
    me = json.loads(read(client.ask("GET", "/api/v1/users/me").body))
    assert (me["username"], me["role"]["label"]) == (user, ROLE_NAMES[ROLES[user]])


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"response_type": ""}, id="without response_type"),
        pytest.param({"scope": "user"}, id="with a scope"),
        pytest.param({"response_type": "", "scope": "upload"}, id="both"),
    ],
)
def test_another_clients_fields(client: Any, changed: dict[str, str]) -> None:
    answer = client.try_password("alice", PASSWORD, **changed)
    assert answer.status == 200
    assert json.loads(read(answer.body))["token_type"] == "Bearer"


@pytest.mark.parametrize("password", ["wrong", "test12345", "Test1234", "test123", "hunter22"])
@pytest.mark.parametrize("changed", [{}, {"response_type": "", "scope": "user"}], ids=["plain", "other fields"])
def test_a_wrong_password_gets_no_token(client: Any, password: str, changed: dict[str, str]) -> None:
    answer = client.try_password("alice", password, **changed)
    assert answer.status >= 400
    assert b"access_token" not in read(answer.body)


def test_another_users_password_gets_no_token(client: Any) -> None:
    assert client.try_password("nobody", PASSWORD).status >= 400
