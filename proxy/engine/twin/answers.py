"""Answers as PeerTube's application would write them: error documents, texts, JSON, empty ones.

Order on the wire (samples.txt): what the routers put first, the answer's own headers, Content-Type, Content-Length,
ETag, Date. Rate limits put theirs before Content-Type; the stage of the limits does that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.config.routers import Routers
from peertape.proxy.engine.conditional import headers_of_304, is_fresh
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.twin.jsontext import stringify
from peertape.proxy.engine.twin.wire import http_date, reason

PROBLEM = "application/problem+json; charset=utf-8"
_WITHOUT_CONTENT = (204, 304)
_EXPOSED = "Access-Control-Expose-Headers"
Pairs = Sequence[tuple[str, str]]


class Answers:
    """`rules`: the version of the rules, which the answers' source names."""

    def __init__(self, routers: Routers, rules: str) -> None:
        self._routers = routers
        self.remark = (("rules", rules),)

    def problem(
        self,
        request: Request,
        now: float,
        status: int,
        detail: str | None,
        *,
        code: str | None = None,
        title: str | None = None,
        docs: str | None = None,
        data: Mapping[str, object] | None = None,
        instance: str | None = None,
        headers: Pairs = (),
        parsed: bool = True,
    ) -> Answer:
        """An error document. `docs`: the operation; `parsed`: False before the body was understood.

        PeerTube's members come in this order: type, title, detail, instance, status, `data`, docs, code, error.
        """
        spelling = self._routers.problems
        document: dict[str, object] = {
            "type": spelling.type.format(code) if code else "about:blank",
            "title": title if code else spelling.titles.get(status),
            "detail": detail or None,
            "instance": instance,
            "status": status,
        }
        document = {name: value for name, value in document.items() if value is not None}
        document.update(data or {})
        document.update({"docs": spelling.docs.format(docs)} if docs else {})
        document.update({"code": code} if code else {})
        document.update({"error": detail} if spelling.error and detail is not None else {})
        return self._sent(request, now, status, stringify(document), PROBLEM, headers, parsed=parsed)

    def text(
        self,
        request: Request,
        now: float,
        status: int,
        text: str,
        type: str = "text/plain; charset=utf-8",  # noqa: A002 (the word that rules use)
        headers: Pairs = (),
    ) -> Answer:
        return self._sent(request, now, status, text, type, headers)

    def json(
        self,
        request: Request,
        now: float,
        status: int,
        value: object,
        type: str = "application/json; charset=utf-8",  # noqa: A002
        headers: Pairs = (),
        *,
        etag: bool = True,
    ) -> Answer:
        """`etag`: False where a library answers by itself, past Express."""
        if etag:
            return self._sent(request, now, status, stringify(value), type, headers)
        body = stringify(value).encode("utf-8", "replace")
        content = [("Content-Type", type), ("Content-Length", str(len(body)))]
        return self.past_express(request, now, status, [*content, *headers], b"" if request.method == "HEAD" else body)

    def empty(
        self,
        request: Request,
        now: float,
        status: int,
        type: str | None = None,  # noqa: A002
        headers: Pairs = (),
    ) -> Answer:
        """Without a body and without ETag; Node itself adds the length, last and not to a HEAD (samples.txt, j)."""
        content = [("Content-Type", type)] if type else []
        framed = request.method != "HEAD" and status not in _WITHOUT_CONTENT
        length = [("Content-Length", "0")] if framed else []
        first = self._first(request, headers)
        return self.bare(status, [*first, *content, _date(now), *length])

    def past_express(
        self,
        request: Request,
        now: float,
        status: int,
        headers: Pairs,
        body: bytes = b"",
        *,
        exposed: Sequence[str] = (),
        phrase: str = "",
    ) -> Answer:
        """As a library answers by itself: the routers' headers, then these. `exposed`: names for CORS to add."""
        first = Headers.of(self._first(request, ()))
        if exposed:
            before = first.get(_EXPOSED)
            names = ",".join([before, *exposed] if before else exposed)
            first = first.replaced(_EXPOSED, names) if before else first.added(_EXPOSED, names)
        answer = self.bare(status, [*first, *headers, _date(now)], body)
        return replace(answer, reason=phrase or answer.reason)

    def bare(self, status: int, headers: Pairs, body: bytes = b"") -> Answer:
        """With exactly these headers; the lane sees to the framing."""
        return Answer(status, Headers.of(headers), BytesBody(body), reason(status), Source.EMULATED, remark=self.remark)

    def _sent(
        self, request: Request, now: float, status: int, text: str, kind: str, headers: Pairs, *, parsed: bool = True
    ) -> Answer:
        """As Express sends a text: with length and ETag, which a 204 keeps; fresh ones become 304."""
        body = text.encode("utf-8", "replace")
        content = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        etag = ("ETag", express_etag(body))
        first = self._first(request, headers, parsed=parsed)
        if status in _WITHOUT_CONTENT:
            return self.bare(status, [*first, etag, _date(now)])
        answer = self.bare(status, [*first, *content, etag, _date(now)], b"" if request.method == "HEAD" else body)
        safe = request.method in ("GET", "HEAD")
        if safe and 200 <= status < 300 and is_fresh(request.headers, answer.headers):
            return self.bare(304, headers_of_304(answer.headers).pairs)
        return answer

    def _first(self, request: Request, headers: Pairs, *, parsed: bool = True) -> Pairs:
        """What the routers put first, then the answer's own, which stand in the place of theirs of the same name."""
        if not parsed:
            first = Headers.of(self._routers.before_parsing())
        else:
            first = Headers.of(self._routers.around(self._routers.router(request.method, request.path)))
        for name, value in headers:
            first = first.replaced(name, value) if name in first else first.added(name, value)
        return first.pairs


def _date(now: float) -> tuple[str, str]:
    return "Date", http_date(now)
