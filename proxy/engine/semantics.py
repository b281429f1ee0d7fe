"""HTTP's own rules over a recorded answer: preconditions, conditions, Range, HEAD (RFC 9110 section 13.2.2).

`derive` works from the complete answer to a plain GET; `from_partials` from recorded ranges of one resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from peertape.cassettes.bodies import EMPTY, Body, BytesBody, JoinedBody, SliceBody
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.conditional import CONDITIONS, headers_of_304, not_modified, precondition_failed
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.ranges import Span, Unsatisfiable, asked, parse_content_range, served_as_file

_TELLING = frozenset({"range", *CONDITIONS})  # what a plain GET does not have
_PROBLEM = (
    '{{"type":"https://docs.joinpeertube.org/api-rest-reference.html#section/Errors/{code}",'
    '"detail":"{detail}","status":{status},"code":"{code}","error":"{detail}"}}'
)


def needs_derivation(request: Request) -> bool:
    """Whether the answer may differ from the one to a plain GET."""
    if request.method == "HEAD":
        return True
    return request.method == "GET" and any(name.lower() in _TELLING for name, _ in request.headers)


def plain(request: Request) -> Request:
    """The request as a GET of the whole, without conditions; the same one if it is that."""
    if request.method == "GET" and not needs_derivation(request):
        return request
    return replace(request, method="GET", headers=request.headers.without("range", *CONDITIONS))


def derive(request: Request, base: Answer, *, known_as: Sequence[str] = ()) -> Answer:
    """The answer to `request`, given the complete answer to its plain form; `base` itself if that is the answer.

    `known_as`: further ETags under which the client may know the same octets (see `links.rewrite_answer`).
    """
    if not needs_derivation(request):
        return base
    answer = _of_get(request, base, known_as)
    return _of_head(answer) if request.method == "HEAD" else answer


def from_partials(request: Request, parts: Sequence[Answer]) -> Answer | None:
    """The answer that recorded 206 answers of one resource, oldest first, are enough for; None if they are not.

    Only those that agree with the newest in size and validators count. A HEAD, a 304, 412 or 416 needs no octets.
    """
    patches = [patch for part in parts if (patch := _patch(part))]
    if not patches:
        return None
    newest = patches[-1]
    alike = [patch for patch in patches if patch.validators == newest.validators]
    whole = Patched(newest.total, tuple((patch.span.first, patch.answer.body) for patch in reversed(alike)))
    headers = newest.answer.headers.without("content-range").replaced("Content-Length", str(whole.size))
    base = replace(newest.answer, status=200, reason=_reason(newest.answer, "OK"), headers=headers, body=whole)
    answer = derive(request, base)
    body = whole.narrowed(answer.body)
    if body is None:
        return None
    return replace(answer, body=body, source=Source.DERIVED, remark=(*newest.answer.remark, ("derived", "parts")))


@dataclass(frozen=True, slots=True)
class Patched:
    """A body of which only some spans are known: (position, octets), the preferred first."""

    total: int
    spans: tuple[tuple[int, Body], ...]

    @property
    def size(self) -> int:
        return self.total

    def cut(self, start: int, stop: int) -> Body | None:
        """The octets [start, stop), if they are all known."""
        found: list[Body] = []
        while start < stop:
            reach = [(at, body) for at, body in self.spans if at <= start < at + body.size]
            if not reach:
                return None
            at, body = max(reach, key=lambda span: span[0] + span[1].size)
            end = min(stop, at + body.size)
            found.append(SliceBody(body, start - at, end - at))
            start = end
        return found[0] if len(found) == 1 else JoinedBody(tuple(found))

    def narrowed(self, body: Body) -> Body | None:
        """`body` in terms of what is known, if it is this one or a slice of it."""
        if body is self:
            return self.cut(0, self.total)
        if isinstance(body, SliceBody) and body.whole is self:
            return self.cut(body.start, body.stop)
        return body

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        end = self.total if stop is None else min(stop, self.total)
        body = self.cut(start, end)
        if body is None:
            raise ValueError(f"octets {start} to {end} are not all known")
        return body.pieces()


@dataclass(frozen=True, slots=True)
class _Patch:
    answer: Answer
    span: Span
    total: int

    @property
    def validators(self) -> tuple[int, str | None, str | None]:
        return self.total, self.answer.headers.get("etag"), self.answer.headers.get("last-modified")


def _patch(part: Answer) -> _Patch | None:
    placed = parse_content_range(part.headers.get("content-range"))
    if part.status != 206 or placed is None or placed[0].size != part.body.size:  # a recorded HEAD has no octets
        return None
    return _Patch(part, *placed)


def _of_get(request: Request, base: Answer, known_as: Sequence[str]) -> Answer:
    if not 200 <= base.status < 300:
        return base
    if served_as_file(base) and precondition_failed(request.headers, base.headers, known_as):
        return _problem(base, 412, "Precondition Failed", "PreconditionFailedError", base.headers)
    if not_modified(request.headers, base.headers, known_as):
        return _derived(base, "304", 304, "Not Modified", headers_of_304(base.headers), EMPTY)
    if base.status != 200:
        return base
    match asked(request, base):
        case Span() as span:
            headers = _with_content_range(base.headers, f"bytes {span.first}-{span.last}/{base.body.size}")
            headers = headers.replaced("Content-Length", str(span.size))
            body = SliceBody(base.body, span.first, span.last + 1)
            return _derived(base, "range", 206, "Partial Content", headers, body)
        case Unsatisfiable():
            headers = _with_content_range(base.headers, f"bytes */{base.body.size}")
            return _problem(base, 416, "Range Not Satisfiable", "RangeNotSatisfiableError", headers)
        case _:
            return base


def _of_head(answer: Answer) -> Answer:
    """The same headers without the body, but for the framing that Node itself adds to what it sends.

    A chunked answer has no Transfer-Encoding under HEAD (rate-limits.mitm, flows 482 and 483), and one that set no
    length has no Content-Length: Node's own stands last, behind Connection and Keep-Alive (cors.mitm, 177 and 180).
    """
    headers = answer.headers.without("transfer-encoding")
    last_two = [name.lower() for name, _ in headers.pairs[-2:]]
    if last_two in (["keep-alive", "content-length"], ["connection", "content-length"]):
        headers = Headers(headers.pairs[:-1])
    remark = answer.remark if "derived" in dict(answer.remark) else (*answer.remark, ("derived", "head"))
    return replace(answer, headers=headers, body=EMPTY, source=Source.DERIVED, remark=remark, trailers=Headers())


def _problem(base: Answer, status: int, detail: str, code: str, headers: Headers) -> Answer:
    """A file's error document: the file's own headers stay, its ETag too (media-playback.mitm, flows 63 and 85)."""
    text = _PROBLEM.format(code=code, detail=detail, status=status).encode("ascii")
    headers = headers.replaced("Content-Type", "application/problem+json; charset=utf-8")
    headers = headers.replaced("Content-Length", str(len(text)))
    return _derived(base, str(status), status, detail, headers, BytesBody(text))


def _derived(base: Answer, how: str, status: int, reason: str, headers: Headers, body: Body) -> Answer:
    return replace(
        base,
        status=status,
        reason=_reason(base, reason),
        headers=headers,
        body=body,
        source=Source.DERIVED,
        remark=(*base.remark, ("derived", how)),
        trailers=Headers(),
    )


def _reason(base: Answer, reason: str) -> str:
    return reason if base.reason else ""  # HTTP/2 has none


def _with_content_range(headers: Headers, value: str) -> Headers:
    """`send` sets Content-Range after Content-Type and before Content-Length."""
    at = next((at for at, (name, _) in enumerate(headers) if name.lower() == "content-length"), len(headers))
    name = "Content-Range" if any(known != known.lower() for known, _ in headers) else "content-range"
    return Headers((*headers.pairs[:at], (name, value), *headers.pairs[at:]))
