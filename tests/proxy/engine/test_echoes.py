"""A refusal that echoes what the client sent gives it back its own text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from peertape.cassettes.bodies import read
from peertape.cassettes.etags import express_etag

REFUSAL = {"status": 400, "invalid-params": {"password": {"value": "tiny", "msg": "Invalid value"}}}


def test_the_clients_own_secret_comes_back(tape: Any, play: Callable[..., Any]) -> None:
    body = json.dumps(REFUSAL).encode()
    headers = (("Content-Type", "application/problem+json; charset=utf-8"), ("ETag", express_etag(body)))
    tape.add("POST", "/api/v1/users", body, 400, body={"password": "tiny"}, response_headers=headers)
    player = play(tape)
    answer = player.ask("POST", "/api/v1/users", body={"password": "tiny"})
    assert read(answer.body) == body
    assert answer.headers.get("ETag") == express_etag(body)
    stored = player.shelf.cassettes[0].exchange(1)
    assert b"tiny" not in read(stored.request.body) + read(stored.response.body)
