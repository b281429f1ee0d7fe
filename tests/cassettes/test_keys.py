"""What makes two requests the same."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import (
    EMPTY_DIGEST,
    RequestKeys,
    credential,
    keys_of,
    query_credential,
    sorted_query,
    tolerant_query,
)

ACCEPT = ("Accept", "application/json")
LANGUAGE = ("Accept-Language", "fr")


def keys(
    target: str = "/api/v1/videos", *headers: tuple[str, str], method: str = "GET", body: bytes = b""
) -> RequestKeys:
    return keys_of(method, target, Headers(headers), hashlib.sha256(body).digest())


names = st.sampled_from(["a", "b", "c", "tagsOneOf"])


@given(st.lists(st.tuples(names, st.sampled_from("xyz")).map("=".join), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_different_parameters_does_not_matter(pairs: list[str], chance: object) -> None:
    """That of values under one name does."""
    groups = [[pair for pair in pairs if pair.startswith(name)] for name in "abct"]
    mixed: list[str] = []
    while rest := [group for group in groups if group]:
        mixed.append(chance.choice(rest).pop(0))  # type: ignore[attr-defined]
    assert sorted_query("&".join(mixed)) == sorted_query("&".join(pairs))
    assert keys(f"/?{'&'.join(mixed)}") == keys(f"/?{'&'.join(pairs)}")


def test_the_order_of_values_under_one_name_matters() -> None:
    assert keys("/?a=1&a=2").exact != keys("/?a=2&a=1").exact


def test_a_query_is_told_as_it_is_spelled() -> None:
    assert keys("/?a=%20").exact != keys("/?a=+").exact
    assert keys("/?").exact == keys("/").exact


@given(st.permutations([ACCEPT, LANGUAGE, ("X-One", "1"), ("Cookie", "a=b")]))
def test_the_order_and_case_of_headers_do_not_matter(headers: list[tuple[str, str]]) -> None:
    lower = [(name.lower(), value) for name, value in headers]
    assert keys("/", *headers) == keys("/", ACCEPT, LANGUAGE, ("X-One", "1"), ("Cookie", "a=b")) == keys("/", *lower)


@pytest.mark.parametrize(
    "name", ["User-Agent", "Referer", "Connection", "Host", "Keep-Alive", "TE", "Expect", "Peertape-Session"]
)
def test_headers_that_never_tell(name: str) -> None:
    assert keys("/", ACCEPT, (name, "x")) == keys("/", ACCEPT)


@pytest.mark.parametrize("header", [("X-One", "1"), ("Cookie", "a=b"), ("Accept-Encoding", "gzip"), LANGUAGE])
def test_headers_that_tell_only_exactly(header: tuple[str, str]) -> None:
    assert keys("/", header).exact != keys("/").exact
    assert keys("/", header).telling == keys("/").telling


@pytest.mark.parametrize(
    "name",
    ["Range", "If-None-Match", "If-Modified-Since", "If-Range", "x-peertube-video-password", "Origin", "Upgrade"],
)
def test_telling_headers(name: str) -> None:
    assert keys("/", (name, "x")).telling != keys("/").telling
    if name != "Origin":
        assert keys("/", (name, "x")).telling != keys("/", (name, "y")).telling


def test_every_origin_is_answered_alike() -> None:
    one, two = keys("/", ("Origin", "http://one")), keys("/", ("Origin", "http://two"))
    assert one.telling == two.telling
    assert one.exact != two.exact


def test_accept_tells_where_the_path_heeds_it() -> None:
    activity, page = ("Accept", "application/activity+json"), ("Accept", "text/html")
    assert keys("/w/1", activity).telling != keys("/w/1", page).telling
    assert keys("/api/v1/videos", activity).telling == keys("/api/v1/videos", page).telling


def test_a_feed_is_the_same_for_everyone_who_accepts_its_type() -> None:
    anything, one, several = "*/*", "application/xml", "application/json, text/xml;q=0.9"
    feed = {keys("/feeds/videos.xml", ("Accept", accept)).telling for accept in (anything, one, several)}
    assert len(feed) == 1
    assert keys("/feeds/videos.xml", ("Accept", "application/json")).telling not in feed
    assert keys("/feeds/videos", ("Accept", "application/xml")).telling not in feed


def test_method_path_and_body_tell() -> None:
    base = keys("/a", body=b"1", method="POST")
    for other in (keys("/a", body=b"2", method="POST"), keys("/a", body=b"1", method="PUT"), keys("/b", body=b"1")):
        assert base.exact != other.exact
        assert base.telling != other.telling
    assert keys("/a").body_digest == EMPTY_DIGEST


def test_nothing_can_be_moved_from_one_part_to_another() -> None:
    assert keys("/?a=1&b=2").exact != keys("/?a=1", ("b", "2")).exact
    assert keys("/", ("a", "b"), ("c", "d")).exact != keys("/", ("a", "b, c: d")).exact


def test_the_token_is_told_apart_from_its_scheme() -> None:
    assert credential(Headers((("authorization", "Bearer abc"),))) == "abc"
    assert credential(Headers((("Authorization", "bearer  abc "),))) == "abc"
    assert credential(Headers((("Authorization", "Basic abc"),))) == "Basic abc"
    assert credential(Headers()) is None
    assert query_credential("a=1&videoFileToken=x%20y") == "x y"
    assert query_credential("a=1&token=") is None


def test_the_meaning_of_a_query() -> None:
    assert tolerant_query("start=0&count=15&sort=-publishedAt") == (("sort", "-publishedAt"),)
    assert tolerant_query("sort=a&sort=b") == (("sort", "a"),)
    assert tolerant_query("tagsOneOf=b&tagsOneOf=a") == (("tagsOneOf", "b"), ("tagsOneOf", "a"))
    assert tolerant_query("token=x&search=a+b") == tolerant_query("search=a%20b")
    assert tolerant_query("_=123&x=1", frozenset({"_"})) == (("x", "1"),)


FORM = ("Content-Type", "application/x-www-form-urlencoded")
LOGIN = "/api/v1/users/token"


def asked(target: str, body: bytes, kind: tuple[str, str] = FORM) -> int:
    """The meaning of query and body."""
    return keys_of("POST", target, Headers((kind,)), hashlib.sha256(body).digest(), body).meaning.rest


def test_of_a_login_only_the_fields_that_count_are_its_meaning() -> None:
    mine = asked(LOGIN, b"username=alice&password=x")
    assert asked("/API/v1/users//token/", b"password=x&device=phone&username=alice") == mine
    assert asked(LOGIN, b"username=alice&password=y") != mine
    assert asked(LOGIN, b"username=alice&password=x&client_id=z") != mine
    assert asked(LOGIN, b'{"username":"alice","password":"x"}', ("Content-Type", "application/json")) != mine
    assert asked(LOGIN, b'{"username":"\\ud800"}', ("Content-Type", "application/json")) != mine


def test_of_all_else_the_whole_body_is_its_meaning() -> None:
    mine = asked("/api/v1/videos/1/views", b"currentTime=1")
    assert asked("/api/v1/videos/1/views", b"currentTime=1&device=phone") != mine
    assert asked("/api/v1/videos/1/views?sort=name", b"currentTime=1") != mine
    assert keys("/api/v1/videos", method="POST").meaning == keys("/api/v1/videos").meaning
