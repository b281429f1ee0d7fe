"""Links on the way out: from the recorded public origin to the one by which the client reached us.

For an answer that is derived, rewrite the whole first and derive then: `derive(request, rewrite_answer(base, ...),
known_as=recorded_etags(base))`. Length, ranges, ETag and 304 then follow from the rewritten octets by themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.codings import TooBigError, codings_of, decode, encode
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.origin import Origin
from peertape.proxy.engine.hostlinks import HostLinks, Place
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.origins import Finder

LIMIT = 8 * 1024 * 1024

_TEXTUAL = frozenset(
    {
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/vnd.apple.mpegurl",
        "application/x-mpegurl",
        "application/mpegurl",
        "audio/mpegurl",
        "audio/x-mpegurl",
        "application/dash+xml",
    }
)
# The ids of these documents are names that other instances compare, not links that an app follows.
_ACTIVITYPUB = frozenset({"application/activity+json", "application/ld+json"})
_LINKS = frozenset({"location", "content-location", "link"})
_EXPRESS_ETAG = re.compile(r'(W/)?"[0-9a-f]+-[A-Za-z0-9+/]{27}"', re.ASCII)


class Rewriter:
    """Writes links to one origin as links to another."""

    def __init__(self, recorded: str, client: str) -> None:
        self.recorded = Origin.parse(recorded)
        self.client = Origin.parse(client)
        self._finder = Finder(self.recorded, self.client)
        self._hosts = HostLinks(self.recorded, self.client)

    @property
    def idle(self) -> bool:
        """The client uses the recorded origin: nothing changes, byte for byte."""
        return self.recorded == self.client

    def idle_at(self, place: Place | None) -> bool:
        """The same of what stands at a place: what came by the reserved path has to lead there again."""
        return self.idle and (place is None or place.of_instance)

    def text(self, data: bytes, content_type: str, place: Place | None = None) -> bytes:
        """`data` itself if it is not text with links in it. Links to files on other hosts are told by `place`."""
        if self.idle_at(place) or not is_text(content_type):
            return data
        kind = content_type.partition(";")[0].strip().lower()
        led = data if place is None else self._hosts.text(data, kind, place)
        return self._finder.replace(led)

    def headers(self, headers: Headers, status: int = 200, place: Place | None = None) -> Headers:
        if self.idle_at(place):
            return headers
        led = headers if place is None else self._hosts.headers(headers, status, place)
        return led.mapped(self._value)

    def _value(self, name: str, value: str) -> str:
        if name in _LINKS:
            return self._link(value)
        if name == "access-control-allow-origin" and _same_origin(value, self.recorded):
            return str(self.client)
        return self._cookie(value) if name == "set-cookie" else value

    def _link(self, value: str) -> str:
        return self._finder.replace(value.encode("latin-1")).decode("latin-1")

    def _cookie(self, value: str) -> str:
        """A cookie of the recorded host becomes one of whichever host the client used (RFC 6265 section 5.3)."""
        pair, *attributes = value.split(";")
        kept = [attribute for attribute in attributes if not self._is_foreign(attribute)]
        return ";".join((pair, *kept))

    def _is_foreign(self, attribute: str) -> bool:
        name, _, value = attribute.partition("=")
        match name.strip().lower():
            case "domain":
                return value.strip().lower().removeprefix(".") == self.recorded.host
            case "secure":
                return not self.client.secure
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A body as transferred, and as text."""

    octets: bytes
    text: bytes


def rewrite_answer(
    answer: Answer, recorded_origin: str, client_origin: str, limit: int = LIMIT, place: Place | None = None
) -> Answer:
    """`answer` with its links rewritten; the same object if there is nothing to rewrite.

    `place` is what it answers: with it, links to files on other hosts are rewritten as well.

    The source stays what it was. A 206 keeps its octets, since its Content-Range speaks of the recorded ones.
    """
    rewriter = rewriter_of(recorded_origin, client_origin)
    if rewriter.idle_at(place):
        return answer
    headers = rewriter.headers(answer.headers, answer.status, place)
    changed = _rewritten_body(answer, rewriter, limit, place)
    if changed is not None:
        etag = _etag_of(answer, changed.text)
        length = str(len(changed.octets))
        headers = headers.replaced("Content-Length", length) if "content-length" in headers else headers
        headers = headers if etag is None else headers.replaced("ETag", etag)
        return replace(answer, headers=headers, body=BytesBody(changed.octets))
    return answer if headers == answer.headers else replace(answer, headers=headers)


def recorded_etags(whole: Answer) -> tuple[str, ...]:
    """For `derive(known_as=)`: a client that holds the unrewritten octets names them by the recorded ETag."""
    etag = whole.headers.get("etag")
    return () if etag is None else (etag,)


def is_text(content_type: str) -> bool:
    """Whether links stand in a body of that type as text; not ActivityPub documents, and never media or torrents."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _ACTIVITYPUB:
        return False
    return kind in _TEXTUAL or kind.startswith("text/") or kind.endswith(("+json", "+xml"))


def origin_of(scheme: str, host: str) -> str | None:
    """The origin by which a client reached us; None if what it sent as its Host is no host."""
    try:
        Origin.parse(f"{scheme}://{host}")
    except ValueError:
        return None
    return f"{scheme}://{host}"


@lru_cache(maxsize=256)
def rewriter_of(recorded_origin: str, client_origin: str) -> Rewriter:
    return Rewriter(recorded_origin, client_origin)


def rewritten_octets(
    octets: bytes, headers: Headers, rewriter: Rewriter, limit: int = LIMIT, place: Place | None = None
) -> Rewritten | None:
    """A text body, if rewriting changes it; `headers` tell its type and its codings, which it gets again."""
    try:
        undone = decode(octets, codings_of(headers), limit)
    except TooBigError:
        return None
    if undone is None or not undone.whole:
        return None  # better the recorded octets than half of them
    text = rewriter.text(undone.octets, media_type(headers), place)
    return None if text is undone.octets else Rewritten(encode(text, undone.codings), text)


def _rewritten_body(answer: Answer, rewriter: Rewriter, limit: int, place: Place | None) -> Rewritten | None:
    if answer.status == 206 or not 0 < answer.body.size <= limit or not is_text(media_type(answer.headers)):
        return None
    return rewritten_octets(read(answer.body), answer.headers, rewriter, limit, place)


def _etag_of(answer: Answer, text: bytes) -> str | None:
    """The new ETag if the recorded one is made from the octets; one of a file is made from its size and time."""
    etag = answer.headers.get("etag")
    if etag is None or not _EXPRESS_ETAG.fullmatch(etag):
        return None
    return express_etag(text, weak=etag.startswith("W/"))


def _same_origin(text: str, origin: Origin) -> bool:
    try:
        return Origin.parse(text) == origin
    except ValueError:
        return False
