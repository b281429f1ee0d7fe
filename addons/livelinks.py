"""Links of live answers lead to the origin by which the client reached us, as those of replayed ones do.

What is recorded is what was transferred: this addon comes behind the recorder. Text bodies are held for it up to a
limit; media never is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from mitmproxy import http

from peertape.addons.convert import CLIENT_HOST, head_as_request, is_answered, is_control, is_elsewhere
from peertape.addons.streams import add_step
from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.origin import Origin
from peertape.proxy.engine.hostlinks import Place, sandboxed
from peertape.proxy.engine.links import (
    LIMIT,
    Rewriter,
    is_text,
    origin_of,
    rewrite_answer,
    rewriter_of,
    rewritten_octets,
)
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.outlinks import place_of

ETAGS_KNOWN = 4096
CONDITIONS = ("if-none-match", "if-match", "if-range")


class LiveLinks:
    """`origin` gives the instance's public origin, as far as it is known by now."""

    def __init__(self, origin: Callable[[], str | None]) -> None:
        self._origin = origin
        self.led: set[Origin] = set()  # other hosts to which a client was led, whether that was recorded or not
        self._recorded_etags: OrderedDict[str, str] = OrderedDict()  # ETag that a client was given -> the instance's
        self._ways: WeakKeyDictionary[http.HTTPFlow, _Way | None] = WeakKeyDictionary()

    def holds(self, flow: http.HTTPFlow) -> bool:
        """Whether the response's body must be whole before it goes on: text of a known, small length."""
        if flow.response is None or not _may_have_body(flow):
            return False
        length = flow.response.headers.get("content-length", "")
        return self._way(flow) is not None and _is_text(flow) and length.isdecimal() and int(length) <= LIMIT

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The instance knows only its own ETags."""
        for name in CONDITIONS:
            if value := flow.request.headers.get(name):
                for ours, theirs in self._recorded_etags.items() if '"' in value else ():
                    value = value.replace(ours, theirs)
                flow.request.headers[name] = value

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        way, response = self._way(flow), flow.response
        if response is not None and is_elsewhere(flow) and not is_answered(flow):
            response.headers = http.Headers(sandboxed(Headers.from_bytes(response.headers.fields)).to_bytes())
        if way is None or response is None or self.holds(flow):
            return
        headers = Headers.from_bytes(response.headers.fields)
        rewritten = way.rewriter.headers(headers, response.status_code, way.place)
        if _may_have_body(flow) and _is_text(flow) and "content-length" not in response.headers:
            add_step(response, _Held(way, headers).step)
        if rewritten != headers:
            response.headers = http.Headers(rewritten.to_bytes())

    def response(self, flow: http.HTTPFlow) -> None:
        way, response = self._way(flow), flow.response
        if way is None or response is None or response.stream or response.raw_content is None:
            return
        headers = Headers.from_bytes(response.headers.fields)
        before = Answer(response.status_code, headers, BytesBody(response.raw_content), response.reason, Source.LIVE)
        after = rewrite_answer(before, str(way.rewriter.recorded), str(way.rewriter.client), place=way.place)
        if after is before:
            return
        response.headers = http.Headers(after.headers.to_bytes())
        response.raw_content = read(after.body)
        self._remember(headers.get("etag"), after.headers.get("etag"))

    def _remember(self, theirs: str | None, ours: str | None) -> None:
        if theirs and ours and theirs != ours:
            self._recorded_etags[ours] = theirs
            if len(self._recorded_etags) > ETAGS_KNOWN:
                self._recorded_etags.popitem(last=False)

    def _way(self, flow: http.HTTPFlow) -> _Way | None:
        """None if nothing is to be rewritten. For the whole of an answer, from its head on."""
        if flow not in self._ways:
            self._ways[flow] = self._found_way(flow)
        return self._ways[flow]

    def _found_way(self, flow: http.HTTPFlow) -> _Way | None:
        origin = self._origin()
        if origin is None or CLIENT_HOST not in flow.metadata or is_control(flow) or is_answered(flow):
            return None
        request = head_as_request(flow)
        if request.reached is not None:
            place = place_of(request)
            if place is None:
                return None
            return _Way(rewriter_of(origin, request.reached), replace(place, led=self.led.add))
        client = origin_of(request.scheme, request.host) if request.host else None
        rewriter = rewriter_of(origin, client) if client else None
        if rewriter is None or rewriter.idle or origin.endswith(f"//{request.host}"):
            return None
        return _Way(rewriter, Place(rewriter.recorded, request.target, request.method, led=self.led.add))


@dataclass(frozen=True, slots=True)
class _Way:
    """How links of an answer are rewritten, and where that answer stands."""

    rewriter: Rewriter
    place: Place


class _Held:
    """A text body of unknown length: held up to the limit, then rewritten or passed on as it is."""

    def __init__(self, way: _Way, headers: Headers) -> None:
        self._way = way
        self._headers = headers
        self._pieces: list[bytes] = []
        self._size = 0

    def step(self, data: bytes) -> Iterable[bytes]:
        if self._size > LIMIT:
            return (data,) if data else ()
        self._pieces.append(data)
        self._size += len(data)
        if data and self._size <= LIMIT:
            return ()
        held = b"".join(self._pieces)
        self._pieces.clear()
        if data:
            return (held,)
        rewritten = rewritten_octets(held, self._headers, self._way.rewriter, place=self._way.place)
        return (held if rewritten is None else rewritten.octets,)


def _is_text(flow: http.HTTPFlow) -> bool:
    kind = flow.response.headers.get("content-type", "") if flow.response else ""
    return is_text(kind) and not kind.startswith("text/event-stream")


def _may_have_body(flow: http.HTTPFlow) -> bool:
    status = flow.response.status_code if flow.response else 0
    return flow.request.method != "HEAD" and status not in (101, 204, 206, 304)
