"""Bodies that PeerTube refuses before any router; expected answers from errors.mitm, flows 62-72, and Node."""

from __future__ import annotations

import gzip
import zlib

import pytest

from peertape.cassettes.headers import Headers
from peertape.config.routers import load
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin.bodies import BodyFault, body_fault, head_is_too_large

FACTS = load().bodies
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def fault(
    body: bytes, kind: str | None = JSON, *more: tuple[str, str], digest: bytes | None = None
) -> BodyFault | None:
    length = () if any(name == "Transfer-Encoding" for name, _ in more) else (("Content-Length", str(len(body))),)
    types = (("Content-Type", kind),) if kind else ()
    return body_fault(Request("POST", "/", Headers((*types, *length, *more)), body, digest), FACTS)


def status(found: BodyFault | None) -> int | None:
    return found.status if found else None


@pytest.mark.parametrize(
    "kind", [JSON, "application/activity+json", "application/json; charset=UTF-8", 'application/json; charset="utf-8"']
)
def test_json_is_parsed(kind: str) -> None:
    assert fault(b'{"a":1}', kind) is None
    assert fault(b'{"a":', kind) == BodyFault(400, "Unexpected end of JSON input", "SyntaxError")


@pytest.mark.parametrize(
    "kind",
    [None, "text/plain", "application/xml", "application/jsonl", "application/json; =", "multipart/form-data", "json"],
)
def test_other_types_are_left_alone(kind: str | None) -> None:
    assert fault(b'{"a":', kind) is None


def test_an_empty_body_is_an_object() -> None:
    assert fault(b"") is None


def test_without_a_length_there_is_no_body() -> None:
    assert body_fault(Request("GET", "/", Headers((("Content-Type", f"{JSON}; charset=klingon"),))), FACTS) is None


def test_charsets() -> None:
    assert fault(b"{}", f"{JSON}; charset=klingon") == BodyFault(
        415, 'unsupported charset "KLINGON"', "UnsupportedMediaTypeError"
    )
    assert fault(b"{}", f"{JSON}; charset=utf-9") == BodyFault(
        415, 'unsupported charset "UTF-9"', "UnsupportedMediaTypeError"
    )
    assert fault(b"a=1", f"{FORM}; charset=utf-16") == BodyFault(
        415, 'unsupported charset "UTF-16"', "UnsupportedMediaTypeError"
    )
    assert fault('{"a":"é"}'.encode("utf-16-le"), f"{JSON}; charset=utf-16") is None
    assert fault('{"a":"é"}'.encode("utf-16"), f"{JSON}; charset=utf-16") is None
    assert fault(b"\xef\xbb\xbf{}") is None
    assert fault(b'{"a":"\xff"}') is None  # replaced, as Node does


def test_codings() -> None:
    nonsense = BodyFault(415, 'unsupported content encoding "nonsense"', "UnsupportedMediaTypeError")
    assert fault(b"{}", JSON, ("Content-Encoding", "nonsense")) == nonsense
    assert fault(b"{}", JSON, ("Content-Encoding", "gzip")) == BodyFault(400, "incorrect header check", "Error")
    assert fault(b"", JSON, ("Content-Encoding", "gzip")) == BodyFault(400, "unexpected end of file", "Error")
    assert fault(gzip.compress(b"{}")[:-4], JSON, ("Content-Encoding", "gzip")) == BodyFault(
        400, "unexpected end of file", "Error"
    )
    assert fault(gzip.compress(b"{") + gzip.compress(b"}"), JSON, ("Content-Encoding", "GZIP")) is None
    assert fault(gzip.compress(b"{}") + b"\0\0", JSON, ("Content-Encoding", "gzip")) is None
    assert fault(zlib.compress(b'{"a":1'), JSON, ("Content-Encoding", "deflate")) == BodyFault(
        400, "Expected ',' or '}' after property value in JSON at position 6", "SyntaxError"
    )
    assert fault(b"a=1", FORM, ("Content-Encoding", "br")) == BodyFault(
        415, 'unsupported content encoding "br"', "UnsupportedMediaTypeError"
    )


def test_sizes() -> None:
    too_large = BodyFault(413, "request entity too large", "PayloadTooLargeError")
    assert fault(b"{" + b" " * FACTS.json_limit) == too_large
    assert fault(b"{}" + b" " * (FACTS.json_limit - 2)) is None
    assert fault(b"a" * (FACTS.form_limit + 1), FORM) == too_large
    assert fault(b"a" * FACTS.form_limit, FORM) is None
    assert fault(b"{" + b" " * FACTS.json_limit, JSON, ("Transfer-Encoding", "chunked")) == too_large
    assert fault(gzip.compress(b"{" + b" " * FACTS.json_limit), JSON, ("Content-Encoding", "gzip")) == too_large
    assert fault(b"", JSON, ("Transfer-Encoding", "chunked"), digest=b"x") == too_large  # too big to be held
    assert fault(b"a&" * 999, FORM) is None
    assert fault(b"a&" * 1000, FORM) == BodyFault(413, "too many parameters", "PayloadTooLargeError")


def test_a_signed_delivery_carries_the_digest_of_its_body() -> None:
    right = "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="
    assert status(fault(b"{}", JSON, ("Signature", "s"), ("Digest", "SHA-256=AAAA"))) == 403
    assert fault(b"{}", JSON, ("Signature", "s"), ("Digest", right)) is None
    assert fault(b"{}", JSON, ("Digest", "SHA-256=AAAA")) is None  # errors.mitm, flow 72


def test_a_head_beyond_nodes_limit() -> None:
    def head(size: int) -> Request:
        return Request("GET", "/", Headers((("X-Big", "x" * (size - len("/X-Big"))),)))

    assert head_is_too_large(head(FACTS.request_head), FACTS)
    assert not head_is_too_large(head(FACTS.request_head - 1), FACTS)
