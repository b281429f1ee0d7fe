"""What the cassette learns from the traffic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from peertape.cassettes.bodyfields import fields
from peertape.cassettes.headers import Headers
from peertape.cassettes.learning import Credential, Fact, PublicOrigin, Resource, User, Version, learn, value_of
from peertape.cassettes.mentions.objects import objects_in

UUID = "9C9DE5E8-0a1e-484a-b099-e80766180a6d"
FORM = Headers((("Content-Type", "application/x-www-form-urlencoded"),))
BEARER = Headers((("Authorization", "Bearer TOKEN"),))
TOKENS = {"access_token": "ACCESS", "refresh_token": "REFRESH"}


def facts(
    start: str,
    value: Any,
    headers: Headers = Headers(),
    body: bytes = b"",
    status: int = 200,
    kind: str = "application/json",
) -> list[Fact]:
    method, target = start.split()
    told = value_of(status, json.dumps(value).encode(), kind)
    return list(learn(method, target, headers, body, told, objects_in(told)))


@pytest.mark.parametrize("path", ["/api/v1/users/token", "//API/v1/users/token/", "/api/v1/users/token?x=1"])
def test_a_login(path: str) -> None:
    assert facts(f"POST {path}", TOKENS, FORM, b"username=Alice&password=P&grant_type=password") == [
        Credential("ACCESS", "access", user="alice"),
        Credential("REFRESH", "refresh", user="alice"),
    ]


def test_a_refresh_belongs_to_the_user_of_the_old_token() -> None:
    assert facts("POST /api/v1/users/token", TOKENS, FORM, b"refresh_token=OLD&grant_type=refresh_token") == [
        Credential("ACCESS", "access", same_as="OLD"),
        Credential("REFRESH", "refresh", same_as="OLD"),
    ]


def test_a_refused_login_teaches_nothing() -> None:
    assert facts("POST /api/v1/users/token", TOKENS, FORM, b"username=alice", status=400) == []
    assert facts("POST /api/v1/users/token", {"access_token": 7}, FORM, b"username=alice") == []
    assert facts("POST /api/v1/users/token", TOKENS, FORM, b"grant_type=client_credentials") == []


def test_who_one_is() -> None:
    me = {"username": "Alice", "email": "a@x", "role": {"id": 2, "label": "User"}}
    assert facts("GET /api/v1/users/me", me, BEARER) == [User("alice", "User", "a@x", "TOKEN")]
    assert facts("GET /api/v1/users/me", me) == []
    assert facts("PUT /api/v1/users/me", me, BEARER) == []


def test_the_token_of_a_video_s_files() -> None:
    answer = {"files": {"token": "FILE", "expires": "2030-01-01"}}
    found = facts("POST /api/v1/videos/1/token", answer, BEARER)
    assert found == [Credential("FILE", "file", same_as="TOKEN")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_of_feeds(method: str) -> None:
    found = facts(f"{method} /api/v1/users/scoped-tokens", {"feedToken": "FEED"}, BEARER)
    assert found == [Credential("FEED", "feed", same_as="TOKEN")]


def test_numbers_of_resources() -> None:
    video = {"id": 7, "uuid": UUID, "isLive": False}
    entry = {"id": 99, "uuid": "no uuid", "video": {"id": 8, "uuid": UUID}}
    playlist = {"id": 3, "uuid": UUID, "videosLength": 2}
    found = facts("GET /api/v1/videos", {"data": [video, entry, playlist, {"id": 1, "uuid": UUID}]})
    assert found == [
        Resource("video", UUID.lower(), 7),
        Resource("playlist", UUID.lower(), 3),
        Resource("video", UUID.lower(), 8),
    ]


def test_where_the_instance_is() -> None:
    local = {"isLocal": True, "url": "https://tube.example:9000/videos/watch/1"}
    remote = {"isLocal": False, "url": "https://other.example/videos/watch/1"}
    assert facts("GET /api/v1/videos", {"data": [remote, local]}) == [PublicOrigin("https://tube.example:9000")]
    assert facts("GET /api/v1/videos/1", local) == [PublicOrigin("https://tube.example:9000")]
    assert facts("GET /api/v1/videos/1", {"isLocal": True, "url": "acct:x"}) == []


def test_the_version() -> None:
    assert facts("GET /api/v1/config", {"serverVersion": "6.3.0"}) == [Version("6.3.0")]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null", b"[[]]", b'"text"', b"12"])
def test_what_teaches_nothing(body: bytes) -> None:
    value = value_of(200, body, "application/json")
    assert list(learn("GET", "/api/v1/videos", Headers(), None, value, objects_in(value))) == []


def test_only_json_teaches() -> None:
    assert facts("GET /api/v1/config", {"serverVersion": "6.3.0"}, kind="text/html") == []


def test_the_fields_of_a_body() -> None:
    json_type = Headers((("content-type", "application/json; charset=utf-8"),))
    assert fields(FORM, b"a=1&b=x+y&a=2&c=") == {"a": "1", "b": "x y", "c": ""}
    assert fields(json_type, b'{"a": "1", "b": 2}') == {"a": "1"}
    assert fields(json_type, b"[1]") == fields(json_type, b"{") == {}
