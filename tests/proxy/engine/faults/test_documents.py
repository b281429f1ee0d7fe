"""What the faults answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from peertape.cassettes.bodies import read

ROUTERS = (
    "x-powered-by",
    "X-Frame-Options",
    "Tk",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Expose-Headers",
)


def test_a_429_is_the_limiters(broken: Callable[..., Any]) -> None:
    """Order and values as in samples.txt, b1."""
    answer = broken("429").get("/api/v1/videos")
    assert answer.status == 429
    assert [name for name, _ in answer.headers] == [
        *ROUTERS,
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "Date",
        "X-RateLimit-Reset",
        "Retry-After",
        "Content-Type",
        "Content-Length",
        "ETag",
    ]
    assert answer.headers.get("X-RateLimit-Limit") == "50"
    assert answer.headers.get("Retry-After") == "10"
    assert answer.headers.get("ETag") == 'W/"2a-UpTsLJ74nYuiLgNgEwlQMxGqwrE"'
    assert answer.headers.get("Content-Type") == "text/html; charset=utf-8"
    assert read(answer.body) == b"Too many requests, please try again later."


@pytest.mark.parametrize(
    ("method", "target", "limit", "seconds"),
    [
        ("POST", "/api/v1/users/token", "15", "300"),
        ("GET", "/feeds/videos.xml", "50", "10"),
        ("GET", "/.well-known/nodeinfo", "200", "10"),
        ("GET", "/api/v1/ping", "50", "10"),  # which has none
    ],
)
def test_a_429_shows_the_limit_of_the_path(
    broken: Callable[..., Any], method: str, target: str, limit: str, seconds: str
) -> None:
    answer = broken("429").ask(method, target)
    assert (answer.headers.get("X-RateLimit-Limit"), answer.headers.get("Retry-After")) == (limit, seconds)


def test_an_expired_token_is_an_invalid_one(broken: Callable[..., Any]) -> None:
    """As in samples.txt, g."""
    answer = broken("expired-token").get("/api/v1/users/me", token="t")
    assert answer.status == 401
    assert read(answer.body).decode() == (
        '{"type":"https://docs.joinpeertube.org/api-rest-reference.html#section/Errors/invalid_token",'
        '"detail":"Token is invalid","status":401,"code":"invalid_token","error":"Token is invalid"}'
    )


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 500, 503])
def test_other_refusals_are_problem_documents(broken: Callable[..., Any], status: int) -> None:
    answer = broken(str(status)).get("/api/v1/videos")
    document = json.loads(read(answer.body))
    assert (answer.status, document["status"], document["type"]) == (status, status, "about:blank")
    assert answer.headers.get("Content-Type") == "application/problem+json; charset=utf-8"
    assert tuple(name for name, _ in answer.headers)[:6] == ROUTERS
    assert answer.source_text == f"fault; name={status}"


@pytest.mark.parametrize("status", [502, 504])
def test_what_only_a_web_server_in_front_says_is_a_page(broken: Callable[..., Any], status: int) -> None:
    answer = broken(str(status)).get("/api/v1/videos")
    assert answer.headers.get("Content-Type") == "text/html"
    assert answer.headers.get("Access-Control-Allow-Origin") == "*"
    assert "x-powered-by" not in answer.headers
    assert str(status).encode() in read(answer.body)


@pytest.mark.parametrize("status", [200, 204, 301, 304])
def test_what_is_no_refusal_is_empty(broken: Callable[..., Any], status: int) -> None:
    answer = broken(str(status)).get("/api/v1/videos")
    assert (answer.status, answer.body.size) == (status, 0)


@pytest.mark.parametrize("name", ["503", "429", "502"])
def test_head_gets_no_body(broken: Callable[..., Any], name: str) -> None:
    answer = broken(name).ask("HEAD", "/api/v1/videos")
    assert (answer.status, answer.body.size) == (int(name), 0)
    assert answer.headers.get("Content-Length") != "0"
