from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.codings import codings_of, decode, encode
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.links import (
    Rewriter,
    recorded_etags,
    rewrite_answer,
)
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.semantics import derive

RECORDED, CLIENT = "https://peertube.example", "http://127.0.0.1:8990"
JSON = "application/json; charset=utf-8"
TEXT = b'{"url":"https://peertube.example/w/1","host":"peertube.example"}'
REWRITTEN = b'{"url":"http://127.0.0.1:8990/w/1","host":"peertube.example"}'


def api(data: bytes = TEXT, kind: str = JSON, *more: tuple[str, str]) -> Answer:
    pairs = [("Content-Type", kind), ("Content-Length", str(len(data))), ("ETag", express_etag(data)), *more]
    return Answer(200, Headers.of(pairs), BytesBody(data), "OK")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://peertube.example/x", "http://127.0.0.1:8990/x"),
        ("http://PeerTube.Example", "http://127.0.0.1:8990"),
        ("https://peertube.example:443/", "http://127.0.0.1:8990/"),
        ("http://peertube.example:80/", "http://127.0.0.1:8990/"),
        ("wss://peertube.example/tracker", "ws://127.0.0.1:8990/tracker"),
        ('"//peertube.example/x"', '"//127.0.0.1:8990/x"'),
        ("See https://peertube.example.", "See http://127.0.0.1:8990."),
        (r"a\nhttps://peertube.example/", r"a\nhttp://127.0.0.1:8990/"),
        (r"https:\/\/peertube.example\/w", r"http:\/\/127.0.0.1:8990\/w"),
        (r"\"https:\\/\\/peertube.example\"", r"\"http:\\/\\/127.0.0.1:8990\""),
        ("u=https%3A%2F%2Fpeertube.example%2Fw", "u=http%3A%2F%2F127.0.0.1%3A8990%2Fw"),
        ("u%3Dhttps%3a%2f%2fpeertube.example", "u%3Dhttp%3a%2f%2f127.0.0.1%3a8990"),
        ("https%253A%252F%252Fpeertube.example", "http%253A%252F%252F127.0.0.1%253A8990"),
        ("https:&#x2F;&#x2F;peertube.example", "http:&#x2F;&#x2F;127.0.0.1:8990"),
        (
            "magnet:?xs=https%3A%2F%2Fpeertube.example%2Ft&tr=wss%3A%2F%2Fpeertube.example%3A443%2Ftracker&by=a@b.c",
            "magnet:?xs=http%3A%2F%2F127.0.0.1%3A8990%2Ft&tr=ws%3A%2F%2F127.0.0.1%3A8990%2Ftracker&by=a@b.c",
        ),
    ],
)
def test_every_spelling_of_the_origin_is_rewritten(before: str, after: str) -> None:
    assert Rewriter(RECORDED, CLIENT).text(before.encode(), JSON) == after.encode()


@pytest.mark.parametrize(
    "text",
    [
        '"host":"peertube.example"',
        "acct:alice@peertube.example",
        "alice@peertube.example",
        "https://alice@peertube.example/",
        "https://peertube.example@evil.example/",
        "https://peertube.example:secret@evil.example/",
        "https://peertube.example.org/",
        "https://notpeertube.example/",
        "https://www.peertube.example/",
        "https://peertube.example-2/",
        "https://peertube.example:8443/",
        "https://peertube.example:4430/",
        "http://peertube.example:443/",
        "rtmp://peertube.example/live",
        "https://other.example/a//peertube.example/",
        "/peertube.example/",
    ],
)
def test_what_is_another_place_or_no_link_stays(text: str) -> None:
    data = text.encode()
    assert Rewriter(RECORDED, CLIENT).text(data, JSON) is data


@pytest.mark.parametrize(
    "kind",
    ["application/activity+json; charset=utf-8", "application/ld+json", "application/x-bittorrent", "video/mp4", ""],
)
def test_types_that_are_left_alone(kind: str) -> None:
    assert Rewriter(RECORDED, CLIENT).text(TEXT, kind) is TEXT


@pytest.mark.parametrize(
    "kind",
    [
        "application/problem+json",
        "application/rss+xml",
        "text/html",
        "application/vnd.apple.mpegurl",
        "text/javascript",
    ],
)
def test_types_with_links(kind: str) -> None:
    assert Rewriter(RECORDED, CLIENT).text(TEXT, kind) == REWRITTEN


ORIGINS = st.sampled_from(
    [
        "https://one.example",
        "https://two.example:8443",
        "https://[2001:db8::1]",
        "https://[::1]:9100",
        "https://127.0.0.1:9",
    ]
)
STYLES = ("{}", "{}/w/1?a=b", '"{}"', "({})", "\\n{}", "text {}, more")
CHATTER = st.text(alphabet="ab /:.@%\\\"'=é", max_size=10)


@given(ORIGINS, ORIGINS, st.lists(st.tuples(CHATTER, st.sampled_from(STYLES), st.integers(0, 2)), max_size=6))
def test_there_and_back_is_identity(one: str, other: str, parts: list[tuple[str, str, int]]) -> None:
    spellings = (one, one.replace("/", "\\/"), one.replace(":", "%3A").replace("/", "%2F").replace("[", "%5B"))
    percent = spellings[2].replace("]", "%5D")
    links = (spellings[0], spellings[1], percent)
    data = " ".join(chatter + " " + style.format(links[kind]) for chatter, style, kind in parts).encode()
    there = Rewriter(one, other).text(data, JSON)
    assert Rewriter(other, one).text(there, JSON) == data
    if parts and one != other:
        assert there != data


def test_headers() -> None:
    given_headers = Headers.of(
        [
            ("Location", "//peertube.example/api/v1/videos/upload-resumable?upload_id=1"),
            ("location", "/my-account"),
            ("Content-Location", "https://peertube.example/x"),
            ("Link", '<https://peertube.example/a>; rel="next", <https://other.example/>'),
            ("Access-Control-Allow-Origin", "https://peertube.example"),
            ("Access-Control-Allow-Origin", "*"),
            ("Set-Cookie", "a=b; Domain=.PeerTube.example; Path=/; Secure; HttpOnly"),
            ("Set-Cookie", "c=https://peertube.example; Domain=other.example"),
            ("X-Other", "https://peertube.example/"),
        ]
    )
    assert [value for _, value in Rewriter(RECORDED, CLIENT).headers(given_headers)] == [
        "//127.0.0.1:8990/api/v1/videos/upload-resumable?upload_id=1",
        "/my-account",
        "http://127.0.0.1:8990/x",
        '<http://127.0.0.1:8990/a>; rel="next", <https://other.example/>',
        "http://127.0.0.1:8990",
        "*",
        "a=b; Path=/; HttpOnly",
        "c=https://peertube.example; Domain=other.example",
        "https://peertube.example/",
    ]


def test_secure_cookies_stay_secure_for_a_secure_client() -> None:
    cookie = Headers.of([("Set-Cookie", "a=b; Domain=peertube.example; Secure")])
    assert Rewriter(RECORDED, "https://localhost").headers(cookie).get("set-cookie") == "a=b; Secure"


def test_an_answer_gets_its_length_and_etag_anew() -> None:
    answer = rewrite_answer(api(), RECORDED, CLIENT)
    assert read(answer.body) == REWRITTEN
    assert answer.headers == api(REWRITTEN).headers


@pytest.mark.parametrize("etag", ['W/"14026-1a207500f28"', '"custom"'])
def test_an_etag_that_is_not_made_from_the_octets_stays(etag: str) -> None:
    base = replace(api(), headers=api().headers.replaced("ETag", etag))
    assert rewrite_answer(base, RECORDED, CLIENT).headers.get("etag") == etag


def test_the_same_object_comes_back_if_there_is_nothing_to_do() -> None:
    for answer, recorded, client in (
        (api(), RECORDED, RECORDED),
        (api(), RECORDED, "https://peertube.example:443"),
        (api(b'{"host":"peertube.example"}'), RECORDED, CLIENT),
        (replace(api(), status=206), RECORDED, CLIENT),
        (api(b""), RECORDED, CLIENT),
    ):
        assert rewrite_answer(answer, recorded, client) is answer
    assert rewrite_answer(api(), RECORDED, CLIENT, limit=10).body.size == len(TEXT)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br", "identity"])
def test_coded_bodies_are_rewritten_too(coding: str) -> None:
    codings = codings_of(Headers((("Content-Encoding", coding),)))
    coded = encode(TEXT, codings)
    base = api(TEXT, JSON, ("Content-Encoding", coding))
    base = replace(base, body=BytesBody(coded), headers=base.headers.replaced("Content-Length", str(len(coded))))
    answer = rewrite_answer(base, RECORDED, CLIENT)
    undone = decode(read(answer.body), codings, 1 << 20)
    assert undone is not None
    assert (undone.octets, undone.whole) == (REWRITTEN, True)
    assert answer.headers.get("content-length") == str(answer.body.size)
    assert answer.headers.get("etag") == express_etag(REWRITTEN)


@pytest.mark.parametrize("coding", ["compress", "gzip"])
def test_what_cannot_be_decoded_stays(coding: str) -> None:
    base = api(TEXT, JSON, ("Content-Encoding", coding))
    assert rewrite_answer(base, RECORDED, CLIENT) is base


def test_a_304_is_understood_in_both_forms_and_carries_the_rewritten_etag() -> None:
    base, whole = api(), rewrite_answer(api(), RECORDED, CLIENT)
    for etag in (express_etag(TEXT), express_etag(REWRITTEN)):
        request = Request("GET", "/", Headers.of([("If-None-Match", etag)]))
        answer = derive(request, whole, known_as=recorded_etags(base))
        assert (answer.status, answer.headers.get("etag")) == (304, express_etag(REWRITTEN))
    other = Request("GET", "/", Headers.of([("If-None-Match", '"abc"')]))
    assert derive(other, whole, known_as=recorded_etags(base)) is whole


@pytest.mark.parametrize("text", ["peertube.example", "ftp://peertube.example", "http://", "https://h:99999"])
def test_origins_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Rewriter(text, CLIENT)
