"""Whatever a client sends to any route, over the demo: an answer in order, no defect, and never a guess of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin.chains import Chain
from peertape.proxy.engine.twin.contract import Contract, book
from peertape.proxy.engine.twin.possible import possible
from peertape.proxy.engine.twin.values import DEEPEST
from tests.proxy.engine.contracts.conftest import HOST, Asker

RULES = book("6.3")
BOUNDARY = "the-boundary"
_PARAMETER = re.compile(r"\{\w+\*?(?::[^{}]+)?\}")

TEXTS = (
    *("", "0", "-1", "1.5", "NaN", "1e400", "e5", ".e5", "-.", "9" * 400, "9" * 5000, "٣", "²", "null", "true"),
    *("a\0b", "\ud800", "漢" * 200, "x" * 100_000, '"' + "\\" * 58 + 'é"@a.bc', "a@b." + "c" * 300, "@" * 500),
    *("http://[::1", "http://a.b:99999", "//x", "__proto__", "constructor", "{me.username}", "[", "%ff", "\r\nX: y"),
    *("2020-13-45", "9999-12-31T23:59:59.999+14:00", "--createdAt", "../../etc/passwd", "1", "2", "root", "alice"),
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    *(None, 0, -1, 2**63, 10**30, 1.5, 1e308, True, [], {}, [[]], [{}], ["a"], [1, 2], [None] * 50, ["x" * 2000] * 50),
    *({"__proto__": 1}, {"id": 1}, {"length": 5}, [{"id": 1}, "x"], {"a": {"b": [1]}}),
)
WRITTEN = tuple(
    *(
        ["[" * n + "]" * n for n in (50, DEEPEST + 1, 900, 5000)]
        + ['{"a":' * 900 + "1" + "}" * 900, "1e400", "1" * 5000],
    )
)
SEGMENTS = ("1", "-1", "9" * 300, "root", "root_channel", "%00", "%C3%28", "%E0%A4%A", "%2F", "é", "x" * 3000, "[a]")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get")
HEADERS = (
    ("Accept", 'a/b;q="' + '","' * 3000),
    ("Accept", "," * 9000),
    ("Accept", "*/*;q=nan"),
    ("Host", "[::1"),
    ("Host", "x" * 10_000),
    ("X-Forwarded-For", ",\xff,," * 500),
    ("Content-Length", "9" * 5000),
    ("Authorization", "Basic YTpi"),
    ("Authorization", "Bearer \xff"),
    ("Content-Encoding", "gzip"),
    ("Content-Type", 'application/json; charset="' + "\\" * 500),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "multipart/form-data"),
    ("Cookie", "=;;a"),
    ("Range", "bytes=9-1,-0"),
    ("Prefer", "code=400"),
    ("Prefer", "code=403"),
    ("Prefer", "code=404, example=" + "x" * 3000),
    ("Prefer", "example=invalid-params"),
)
DISPOSITIONS = (
    'Content-Disposition: form-data; name="{}"',
    'Content-Disposition: form-data; name="{}"; filename="a.mp4"\r\nContent-Type: video/mp4',
    "Content-Disposition: form-data",
    "Content-Disposition: form-data" + "; a=b  " * 60 + "!",
    "",
)


def written(value: Any) -> str:
    return json.dumps(value)


def chains(contract: Contract) -> list[Chain]:
    """Those of a route, wherever its steps have them."""
    return [error.parameter.chain for error in possible(contract.steps) if error.parameter is not None]


CHAINS = {contract.name: chains(contract) for contract in RULES.contracts}


@st.composite
def requests(draw: st.DrawFn, tokens: tuple[str, ...]) -> Request:
    contract = draw(st.sampled_from(RULES.contracts))
    methods, _, path = contract.name.partition(" ")
    method = draw(st.sampled_from((*methods.split("|") * 8, *METHODS)))
    path = _PARAMETER.sub(lambda _: draw(st.sampled_from(SEGMENTS)).encode().decode("latin-1"), path)
    names = [chain.path.replace(".*", "") for chain in CHAINS[contract.name]] or ["start"]
    chosen = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    query = "&".join(
        quote(f"{name}{draw(st.sampled_from(('', '[]', '[a][b]', '[' + '9' * 5000 + ']')))}")
        + "="
        + quote(draw(st.sampled_from(TEXTS)).encode("utf-8", "surrogatepass"))
        for name in draw(st.lists(st.sampled_from(names), max_size=2))
    )
    pairs = [("Host", HOST), *draw(st.lists(st.sampled_from(HEADERS), max_size=1))]
    pairs += [("Authorization", f"Bearer {token}") for token in draw(st.lists(st.sampled_from(tokens), max_size=1))]
    kind, body = "", b""
    if method not in ("GET", "HEAD"):
        kind, body = draw(bodies(chosen))
        pairs += [("Content-Type", kind), ("Content-Length", str(len(body)))]
    digest = draw(st.sampled_from((None, None, None, b"digest")))
    target = f"{path}?{query}" if query else path
    return Request(method, target, Headers.of(pairs), b"" if digest else body, digest, client="127.0.0.1", port=8990)


@st.composite
def bodies(draw: st.DrawFn, names: list[str]) -> tuple[str, bytes]:
    if draw(st.booleans()):
        texts = st.one_of(st.sampled_from(VALUES).map(written), st.sampled_from(WRITTEN))
        members = ",".join(f"{json.dumps(name)}:{draw(texts)}" for name in names)
        return "application/json", draw(
            st.sampled_from((f"{{{members}}}", f"[{{{members}}}]", "{", "[" * 50_000))
        ).encode()
    parts = "".join(
        f"--{BOUNDARY}\r\n{draw(st.sampled_from(DISPOSITIONS)).format(name)}\r\n\r\n{draw(st.sampled_from(TEXTS))}\r\n"
        for name in names
    )
    end = draw(st.sampled_from((f"--{BOUNDARY}--\r\n", "")))
    return f"multipart/form-data; boundary={BOUNDARY}", (parts + end).encode("utf-8", "surrogatepass")


def faults(request: Request, answer: Answer) -> Iterator[str]:
    """What is wrong with an answer."""
    body, kind = read(answer.body), answer.headers.get("content-type") or ""
    length = answer.headers.get("content-length")
    if not answer.headers.get("peertape-source"):
        yield "no source"
    if length is not None and request.method != "HEAD" and answer.status != 304 and int(length) != len(body):
        yield f"{length} is not the length of {len(body)} octets"
    if "json" in kind and body:
        json.loads(body, parse_constant=pytest.fail)
    if answer.status >= 500 and answer.source is not Source.MISS and not _is_documented(request, answer):
        yield f"status {answer.status}"
    for name, value in answer.headers:
        if re.search(r"[\r\n\0]", name + value):
            yield f"a broken header {name}"


def _is_documented(request: Request, answer: Answer) -> bool:
    """Whether the route's rules have that 5xx: PeerTube has some of its own. `form` steps answer as multer throws."""
    found = RULES.routes.find(request.method, request.path)
    known = {error.status for error in possible(found.route.steps)} if found else set()
    return answer.source is Source.EMULATED and (answer.status in known or b'"code":"' in read(answer.body))


@settings(max_examples=250, deadline=2000, database=None, suppress_health_check=[*HealthCheck], derandomize=True)
@given(data=st.data())
def test_whatever_a_client_sends(asker: Asker, data: st.DataObject) -> None:
    asker.request("root GET /api/v1/users/me")
    asker.request("alice GET /api/v1/users/me")
    request = data.draw(requests((*asker.tokens.values(), "0123456789abcdef")))
    session = Session("hostile")
    if (at := data.draw(st.sampled_from((None, None, None, 0.0, 253_370_764_800.0)))) is not None:
        session.clock.set(at)
    answer = asker.engine.answer(request, session)
    assert list(faults(request, answer)) == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((), b'{"name":' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}"),
        ((("Content-Type", "application/json; charset=utf-16"),), '{"name": "x"}'.encode("utf-16")),
    ],
)
def test_a_body_that_cannot_be_read_is_not_judged(
    asker: Asker, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    asked = asker.request("alice POST /api/v1/video-channels {}")
    pairs = dict(asked.headers.pairs) | {"Content-Length": str(len(body))} | dict(headers)
    answer = asker.engine.answer(Request("POST", asked.target, Headers.of(list(pairs.items())), body), Session("x"))
    assert answer.source is Source.MISS


def test_a_body_that_is_not_held_is_not_judged(asker: Asker) -> None:
    asked = asker.request("alice POST /api/v1/videos/upload")
    pairs = [*asked.headers, ("Content-Type", "multipart/form-data; boundary=x"), ("Content-Length", "30000000")]
    request = Request("POST", asked.target, Headers.of(pairs), b"", b"digest")
    assert asker.engine.answer(request, Session("x")).source is Source.MISS
    anonymous = Request("POST", asked.target, Headers.of(pairs).without("authorization"), b"", b"digest")
    assert asker.engine.answer(anonymous, Session("x")).status == 401


@pytest.mark.parametrize("body", ["\ufeff{}".encode(), b"{}"])
def test_a_body_in_another_spelling_is_judged(asker: Asker, body: bytes) -> None:
    asked = asker.request("alice POST /api/v1/video-channels {}")
    headers = asked.headers.replaced("Content-Length", str(len(body)))
    answer = asker.engine.answer(Request("POST", asked.target, headers, body), Session("x"))
    assert (answer.source, answer.status) == (Source.EMULATED, 400)
