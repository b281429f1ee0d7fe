"""A recorded coding, negotiated again: what every client gets, whatever was recorded and whatever it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.codings import DecodedBody, codings_of, decode, encode
from peertape.cassettes.headers import Headers
from peertape.proxy.engine import recoding
from peertape.proxy.engine.acceptance import REFUSED, Acceptance
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.recoding import HELD, recoded, uncoded

TEXT = b'{"total":1,"data":[{"name":"' + b"round and " * 200 + b'"}]}'
BROWSER = Headers((("Accept-Encoding", "gzip, deflate, br, zstd"),))
WEIGHTS = st.sampled_from(["", ";q=0", ";q=0.5", ";q=0.001"])
NAMES = st.sampled_from(["gzip", "br", "zstd", "deflate", "identity", "*", "unheard-of", "x-gzip"])
SAID = st.lists(st.tuples(NAMES, WEIGHTS).map("".join), max_size=4).map(", ".join) | st.none()
CODINGS = st.lists(st.sampled_from(["gzip", "br", "zstd", "deflate"]), max_size=2)


def ask(said: str | None, method: str = "GET") -> Request:
    return Request(method, "/f", Headers(() if said is None else (("Accept-Encoding", said),)))


def coded(*codings: str, text: bytes = TEXT, **more: str) -> Answer:
    """As nginx sends it."""
    octets = encode(text, codings)
    pairs = [("Server", "nginx"), ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]
    pairs += [(name.replace("_", "-"), value) for name, value in more.items()]
    pairs += [("Content-Encoding", ", ".join(codings))] if codings else []
    return Answer(200, Headers((*pairs, ("Connection", "keep-alive"))), BytesBody(octets), "OK", exchange=7)


@given(SAID, CODINGS, SAID)
def test_whatever_is_said_the_content_arrives(said: str | None, codings: list[str], then: str | None) -> None:
    recorded, acceptance = coded(*codings), Acceptance.of(ask(said).headers)
    answer = recoded(ask(said), recorded, ask(then).headers)
    if not codings or acceptance.quality(codings) > REFUSED or acceptance == Acceptance.of(ask(then).headers):
        assert answer is recorded
        return
    undone = decode(read(answer.body), codings_of(answer.headers), HELD)
    assert undone is not None
    assert undone.octets == TEXT
    assert answer.headers.get("content-length") == str(answer.body.size)
    assert answer.headers.get("vary") == "Accept-Encoding"
    assert "transfer-encoding" not in answer.headers
    taken = acceptance.quality(codings_of(answer.headers)) > REFUSED
    assert taken or acceptance.best(["gzip", "br", "zstd", "deflate"]) is None
    assert answer.source is Source.DERIVED
    if acceptance.quality(()) > REFUSED:
        assert codings_of(answer.headers) == ()
        assert answer.source_text == "derived; exchange=7; coding=identity"


@given(SAID, SAID)
def test_what_was_not_coded_never_gets_coded(said: str | None, then: str | None) -> None:
    recorded = coded()
    assert recoded(ask(said), recorded, ask(then).headers) is recorded


def test_a_client_that_refuses_identity_gets_what_it_takes() -> None:
    answer = recoded(ask("br, identity;q=0"), coded("gzip"), BROWSER)
    assert answer.source_text == "derived; exchange=7; coding=br"
    assert answer.headers.get_all("content-encoding") == ("br",)
    assert decode(read(answer.body), ["br"], HELD).octets == TEXT  # type: ignore[union-attr]


def test_the_headers_that_depend_on_the_coding_stand_where_it_stood() -> None:
    answer = recoded(ask(None), coded("gzip", Content_MD5="x", ETag='"abc"'), BROWSER)
    assert answer.headers.pairs == (
        ("Server", "nginx"),
        ("Content-Type", "application/json"),
        ("ETag", 'W/"abc"'),
        ("Vary", "Accept-Encoding"),
        ("Content-Length", str(len(TEXT))),
        ("Connection", "keep-alive"),
    )


def test_http2_keeps_its_small_letters() -> None:
    recorded = coded("gzip")
    recorded = replace(recorded, headers=recorded.headers.lower().without("transfer-encoding", "connection"))
    names = [name for name, _ in recoded(ask("br, identity;q=0"), recorded, BROWSER).headers]
    assert names == ["server", "content-type", "content-encoding", "vary", "content-length"]


@pytest.mark.parametrize("known", ["Accept-Encoding", "origin, accept-encoding", "*"])
def test_what_varies_already_is_not_said_twice(known: str) -> None:
    assert recoded(ask(None), coded("gzip", Vary=known), BROWSER).headers.get_all("vary") == (known,)


def test_other_variance_stays() -> None:
    answer = recoded(ask(None), coded("gzip", Vary="Origin"), BROWSER)
    assert answer.headers.get_all("vary") == ("Origin", "Accept-Encoding")


@pytest.mark.parametrize(("etag", "becomes"), [('W/"1"', 'W/"1"'), ('"1"', 'W/"1"'), ("none", "none")])
def test_a_strong_etag_names_one_coding_only(etag: str, becomes: str) -> None:
    assert recoded(ask("identity"), coded("br", ETag=etag), BROWSER).headers.get("etag") == becomes


def test_a_head_loses_what_it_said_of_the_coded_body() -> None:
    recorded = replace(coded("gzip", Content_Length="33"), body=BytesBody(b""))
    answer = recoded(ask(None, "HEAD"), recorded, BROWSER)
    assert answer.source_text == "derived; exchange=7; coding=identity"
    assert not {"content-encoding", "content-length"} & {name.lower() for name, _ in answer.headers}


def test_a_304_is_left_alone() -> None:
    recorded = replace(coded("gzip"), status=304, body=BytesBody(b""))
    assert recoded(ask(None), recorded, BROWSER) is recorded


@pytest.mark.parametrize(
    "recorded",
    [
        replace(coded("gzip"), body=BytesBody(encode(TEXT, ["gzip"])[:-9])),
        replace(coded("zstd"), body=BytesBody(b"\xff" + encode(TEXT, ["zstd"]))),
        replace(coded("br"), body=BytesBody(TEXT)),
        replace(coded("gzip"), headers=Headers((("Content-Encoding", "compress"),))),
        replace(coded("gzip"), headers=Headers((("Content-Encoding", "dcb"),))),
        replace(coded("gzip"), status=206),
    ],
    ids=["cut", "damaged", "not coded so", "compress", "by a dictionary", "a part"],
)
def test_what_cannot_be_decoded_stays_and_says_so(recorded: Answer) -> None:
    answer = recoded(ask("identity"), recorded, BROWSER)
    assert (answer.headers, answer.body) == (recorded.headers, recorded.body)
    assert answer.source_text == "recorded; exchange=7; coding=not-accepted"


def test_a_bomb_does_not_go_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recoding, "LARGEST", 1_000_000)
    bomb = coded("br", text=bytes(1_000_001))
    assert recoded(ask(None), bomb, BROWSER).remark == (("coding", "not-accepted"),)
    assert uncoded(bomb) is None


def test_a_long_body_is_decoded_as_it_is_read() -> None:
    long = coded("gzip", text=bytes(HELD + 1))
    answer = recoded(ask(None), long, BROWSER)
    assert isinstance(answer.body, DecodedBody)
    assert answer.headers.get("content-length") == str(HELD + 1)
    assert b"".join(answer.body.pieces(HELD - 2)) == bytes(3)
